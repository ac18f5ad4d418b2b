import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { Checker } from '#conf/model.ts';
import { sameChecker } from './same-checker.ts';

function checker(lines: string, password = 'one', before = ''): Checker {
  const text = `${before}SSL {\n password ${password}\n}
    virtual_server 10.0.0.9 443 {\n protocol TCP\n lvs_sched rr\n lvs_method NAT
    real_server 10.0.0.1 443 {\n ${lines}\n}\n}\n`;
  const { config } = loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
  return must(config.virtualServers[0]?.realServers[0]?.checkers[0], 'a checker');
}

const tcp = (lines: string) => `TCP_CHECK {\n ${lines}\n}`;
const ssl = 'SSL_GET {\n url {\n path /\n status_code 200\n }\n}';

test('another place in the file is no difference', () => {
  expect(sameChecker(checker(tcp('retry 2')), checker(tcp('\n retry 2'), 'one', '\n\n'))).toBe(true);
  expect(sameChecker(checker(ssl), checker(ssl, 'one', '\n'))).toBe(true);
});

test.each([
  ['another value', tcp('retry 2'), tcp('retry 3')],
  ['another address', tcp('connect_ip 10.0.0.7'), tcp('connect_ip 10.0.0.8')],
  ['another kind', tcp('retry 2'), 'PING_CHECK {\n retry 2\n}'],
  ['something more', ssl, ssl.replace('200', '200 204')],
])('%s is a difference', (_, a, b) => {
  expect(sameChecker(checker(a), checker(b))).toBe(false);
});

test('another password is a difference, although it is never shown', () => {
  expect(sameChecker(checker(ssl, 'one'), checker(ssl, 'two'))).toBe(false);
});
