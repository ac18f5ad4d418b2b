import { expect, test } from 'vitest';
import { Secret } from '#provision/model/shell.ts';
import type { HostAccess } from './ports.ts';
import { opensshArguments } from './openssh-transport.ts';
import { settingsFor } from './ssh-settings.ts';

const local = { name: 'ann', home: '/home/ann', uid: 1000, hostname: 'desk', environment: {} };

function argv(access: HostAccess, configFile?: string): string[] {
  return opensshArguments(settingsFor(access, new Map(), undefined, local), access, configFile, 'marker');
}

test('the inventory goes before the configuration, the target comes last', () => {
  const access = {
    name: 'ka67',
    address: '172.16.8.10',
    user: 'root',
    port: 2222,
    privateKeyFile: '~/lab key',
  };
  const given = argv({ ...access, sshArguments: ['-J', 'bastion'] }, '/lab/ssh_config');
  expect(given.slice(0, 3)).toEqual(['-T', '-F', '/lab/ssh_config']);
  expect(given).toEqual(
    expect.arrayContaining(['User=root', 'Port=2222', 'IdentityFile="/home/ann/lab key"']),
  );
  expect(given.slice(-4)).toEqual(['-J', 'bastion', '--', '172.16.8.10']);
});

test('what the inventory leaves open is left to the configuration', () => {
  const given = argv({ name: 'ka67' }).join(' ');
  expect(given).not.toMatch(/User=|Port=|IdentityFile=|-F/);
  expect(given).toMatch(/BatchMode=yes .*StrictHostKeyChecking=yes.* -- ka67$/);
});

test('no password is ever in it', () => {
  const secret = new Secret('sesame');
  expect(argv({ name: 'ka67', password: secret, become: { password: secret } }).join(' ')).not.toContain(
    'sesame',
  );
});

test('ansible_host_key_checking: false', () => {
  expect(argv({ name: 'ka67', hostKeyChecking: false })).toContain('StrictHostKeyChecking=no');
});
