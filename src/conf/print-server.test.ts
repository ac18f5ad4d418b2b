import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Argument, BlockName, Keyword } from './keyword.ts';
import { loadConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import type { Config } from './model.ts';
import { printConfig } from './print.ts';
import { SecretBytes } from './secret.ts';
import { keywordsOf } from './tables.ts';
import { CHECKER_KINDS, keywordsOfChecker } from './checker-keywords.ts';

const load = (text: string): Config =>
  loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' }).config;

/** A model as plain data, without positions and with passwords readable. */
function plain(value: unknown): unknown {
  if (value instanceof SecretBytes || value instanceof Uint8Array)
    return [...('reveal' in value ? value.reveal() : value)];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (key === 'position' ? [] : [[key, plain(part)]])),
  );
}

const address = fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::2', 'fe80::1');
const port = fc.constantFrom('', '80', '443', '0');
const method = fc.constantFrom(
  'NAT',
  'DR',
  'TUN',
  'TUN type gue port 5 csum',
  'TUN type gre',
  'TUN type gue',
);
const words: Readonly<Record<string, fc.Arbitrary<string>>> = {
  lvs_method: method,
  lb_kind: method,
  sorry_server_lvs_method: method,
  sorry_server: fc.tuple(address, port).map(parts => parts.join(' ')),
  persistence_timeout: fc.constantFrom('', '50', '0'),
  persistence_granularity: fc.constantFrom('255.255.255.0', '64', 'x'),
  payload: fc.constantFrom('00', 'Ab12f 3 456', 'xyz'),
  require_reply: fc.constantFrom('', 'a1xX', '7'),
  status_code: fc.constantFrom('200', '200-299 404', '700'),
  digest: fc.constantFrom('9b3a0c85a887a256d6939da88aabd8cd', 'abc'),
  regex: fc.constantFrom('x', '"a {2} [#!] \\"q\\" $"', '(', "'it''s'"),
  regex_options: fc.constantFrom('caseless', 'caseless dotall nonsense'),
  regex_stack: fc.constant('1 2'),
  user: fc.constantFrom('root', 'root daemon'),
  track_file: fc.constantFrom('f', 'g'),
  virtualhost: fc.constantFrom('www.example.com', '"a b"'),
};

function argument({ argument: type, name }: Keyword): fc.Arbitrary<string> {
  return words[name] ?? byType(type);
}

function byType(type: Argument): fc.Arbitrary<string> {
  switch (type.type) {
    case 'flag':
      return fc.constant('');
    case 'boolean':
      return fc.constantFrom('', 'on', 'no');
    case 'integer':
      return fc.constantFrom(type.min, type.max, 1, 7).map(String);
    case 'seconds':
      return fc.constantFrom('0.25', '1', '30');
    case 'choice':
      return fc.constantFrom(...type.values);
    case 'address':
      return address;
    case 'script':
      return fc.constantFrom('/bin/x', '"/bin/sh -c \'a b\'" root', '"/bin/x {}" root daemon');
    case 'weight':
      return fc.constantFrom('5', '-7 reverse', '0');
    default:
      return fc.constantFrom('name1', '/path');
  }
}

const statements = (block: BlockName, allowed: ReadonlySet<string> | undefined): fc.Arbitrary<string> => {
  const rows = [...keywordsOf(block).values()].filter(
    row => row.argument.type !== 'block' && (allowed?.has(row.name) ?? true),
  );
  const statement = fc.constantFrom(...rows).chain(row => argument(row).map(text => `${row.name} ${text}`));
  return fc.array(statement, { maxLength: 6 }).map(list => list.join('\n'));
};

const url = statements('url', undefined).map(text => `url {\npath /p\n${text}\n}`);
const host = statements('checker', keywordsOfChecker('host')).map(text => `host {\n${text}\n}`);
const checker = fc.constantFrom(...CHECKER_KINDS).chain(kind => {
  const inner = kind.endsWith('_GET') ? url : kind === 'SMTP_CHECK' ? host : fc.constant('');
  return fc
    .tuple(statements('checker', keywordsOfChecker(kind)), fc.array(inner, { maxLength: 2 }))
    .map(([own, blocks]) => `${kind} {\n${[own, ...blocks].join('\n')}\n}`);
});
const realServer = fc
  .tuple(address, port, statements('real_server', undefined), fc.array(checker, { maxLength: 2 }))
  .map(([ip, to, own, checkers]) => `real_server ${ip} ${to} {\n${[own, ...checkers].join('\n')}\n}`);
const key = fc.oneof(
  fc.tuple(address, port).map(parts => parts.join(' ')),
  fc.constantFrom('fwmark 7', 'group G', 'group M'),
);
const virtualServer = fc
  .tuple(key, statements('virtual_server', undefined), fc.array(realServer, { maxLength: 3 }))
  .map(([name, own, reals]) => `virtual_server ${name} {\n${[own, ...reals].join('\n')}\n}`);
const SURROUNDINGS = `track_file f { file /run/f }
track_file g { file /run/g
weight 5 reverse }
virtual_server_group G { 10.1.0.1-3 80
10.2.0.0/30 80
fwmark 9 }
virtual_server_group M { 10.1.0.9 80
fd00::9-a
fwmark 7 inet6 }
`;
const configText = fc
  .tuple(fc.constantFrom('', 'SSL { key /k\npassword "a b" }\n'), fc.array(virtualServer, { maxLength: 4 }))
  .map(([ssl, servers]) => [SURROUNDINGS, ssl, ...servers].join('\n'));

test('a printed configuration of virtual servers reads back as the same model', () => {
  fc.assert(
    fc.property(configText, text => {
      const config = load(text);
      const printed = printConfig(config);
      expect(plain(load(printed)), printed).toEqual(plain(config));
    }),
    { numRuns: 300 },
  );
});

test('the generator reaches every kind of checker, and every kind of virtual server', () => {
  const servers = fc.sample(configText, { numRuns: 300, seed: 1 }).flatMap(text => load(text).virtualServers);
  const kinds = servers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checkers }) => checkers.map(({ kind }) => kind)),
  );
  expect(new Set(kinds)).toEqual(new Set(CHECKER_KINDS));
  expect(new Set(servers.map(server => server.key.kind))).toEqual(new Set(['address', 'fwmark', 'group']));
  expect(servers.some(({ sorryServer }) => sorryServer)).toBe(true);
});
