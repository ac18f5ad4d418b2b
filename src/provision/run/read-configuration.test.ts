import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RemoteError } from '#base/errors.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { readConfigurations } from './read-configuration.ts';

let hosts: LocalHosts;
beforeEach(() => {
  hosts = new LocalHosts(['ka67']);
  for (const folder of ['etc', 'etc/conf.d', 'etc/other'])
    mkdirSync(join(hosts.root, 'ka67', folder), { recursive: true });
});
afterEach(() => hosts.remove());

const read = () =>
  readConfigurations([{ name: 'ka67' }], 'etc/keepalived.conf', {
    transport: hosts.transport(),
    emit: () => undefined,
    settings: { paths: LOCAL_PATHS },
  });

test('the main file and what it includes, over several levels, in one session', async () => {
  const main = '# 主配置\ninclude conf.d/*.conf\n';
  hosts.write('ka67', 'etc/keepalived.conf', main);
  hosts.write('ka67', 'etc/conf.d/a.conf', 'include ../other/deep one.inc\ninclude ../other/b.inc');
  hosts.write('ka67', 'etc/conf.d/quote "x".conf', '');
  hosts.write('ka67', 'etc/other/b.inc', 'vrrp_version 3\n\n');
  hosts.write('ka67', 'etc/unrelated', 'secret');
  const [found] = await read();
  expect(found?.files).toEqual({
    'etc/keepalived.conf': main,
    'etc/conf.d/a.conf': 'include ../other/deep one.inc\ninclude ../other/b.inc',
    'etc/conf.d/quote "x".conf': '',
    'etc/other/b.inc': 'vrrp_version 3\n\n',
  });
  expect(found?.nodeName).toBe(hostname());
});

test('a host without the file says which', async () => {
  const failed = read();
  await expect(failed).rejects.toThrow(RemoteError);
  await expect(failed).rejects.toThrow('there is no file etc/keepalived.conf');
});
