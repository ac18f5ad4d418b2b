import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostAccess } from './ports.ts';
import { SshConfiguration } from './ssh-config-files.ts';
import { parseResolved } from './ssh-config.ts';
import { settingsFor, type LocalUser, type SshSettings } from './ssh-settings.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-ssh-config-'));
  mkdirSync(join(home, '.ssh'));
});
afterAll(() => rmSync(home, { recursive: true }));

const local = (): LocalUser => ({
  name: 'ann',
  home,
  uid: 1000,
  hostname: 'desk.example',
  environment: { SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys' },
});

function resolve(text: string, access: HostAccess): Promise<SshSettings> {
  const file = join(home, 'config');
  writeFileSync(file, text);
  return new SshConfiguration(file, local()).resolve(access);
}

describe('beside ssh -G', () => {
  const configurations: Readonly<Record<string, string>> = {
    'first value wins': 'Host ka67\n User one\nHost ka*\n User two\n Port 2222\n',
    'identities add up': 'Host ka67\n IdentityFile /a\nHost *\n IdentityFile /b\n',
    'equals sign and quotes': 'Host "ka67"\n User=x\n Port = 2200\n UserKnownHostsFile "/a" /c\n',
    negation: 'Host * !ka67\n User other\nHost ka6?\n User mine\n',
    'options above the first Host': 'User all\nHost ka67\n User never\n Port 99\n',
    comments: '# Host ka67\nHost ka67 # node\n  User a # the user\n',
    'host name with a token': 'Host ka67\n HostName %h.example.net\n',
    'keywords in any case': 'hOST ka67\n uSER x\n STRICTHOSTKEYCHECKING accept-new\n ConnectTimeout 7\n',
    match: 'Match host ka67\n User matched\nMatch all\n Port 2022\n',
    proxy: 'Host ka67\n ProxyJump bastion:2222\n',
    alias: 'Host ka67\n HostKeyAlias pair-one\n IdentitiesOnly yes\n HashKnownHosts yes\n',
  };

  test.each(Object.entries(configurations))('%s', async (_name, text) => {
    const ours = await resolve(text, { name: 'ka67' });
    const output = execFileSync('ssh', ['-G', '-F', join(home, 'config'), 'ka67'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const options = parseResolved(output);
    const theirs = settingsFor({ name: 'ka67' }, options, ours.beyondNodeSsh, local());
    const user = /^User|^ *User|uSER/m.test(text) ? theirs.user : 'ann';
    const identities = text.includes('IdentityFile') ? theirs : ours;
    const knownHosts = text.includes('UserKnownHostsFile') ? theirs : ours;
    expect(ours).toEqual({
      ...theirs,
      user,
      identityFiles: identities.identityFiles,
      identityGiven: identities.identityGiven,
      userKnownHosts: knownHosts.userKnownHosts,
    });
  });
});

describe('settings', () => {
  test('what nobody says is OpenSSH’s default', async () => {
    expect(await resolve('', { name: 'ka67' })).toMatchObject({
      host: 'ka67',
      port: 22,
      user: 'ann',
      identityGiven: false,
      agent: '/run/agent',
      userKnownHosts: [join(home, '.ssh/known_hosts'), join(home, '.ssh/known_hosts2')],
      globalKnownHosts: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      strictHostKeyChecking: 'yes',
      connectTimeoutMs: 10_000,
      beyondNodeSsh: undefined,
    });
  });

  test('the inventory comes before the configuration', async () => {
    const text = 'Host *\n User config\n Port 1\n IdentityFile /config/key\n';
    const access = {
      name: 'ka67',
      address: '172.16.8.10',
      user: 'root',
      port: 2222,
      privateKeyFile: '~/lab',
    };
    expect(await resolve(text, access)).toMatchObject({
      host: '172.16.8.10',
      user: 'root',
      port: 2222,
      identityFiles: [join(home, 'lab'), '/config/key'],
    });
  });

  test('ansible_host is what the Host lines see, as with Ansible', async () => {
    const access = { name: 'ka67', address: '172.16.8.10' };
    expect((await resolve('Host ka67\n User a\nHost 172.16.*\n User b\n', access)).user).toBe('b');
  });

  test('tokens, tilde and environment in paths', async () => {
    const text = 'Host ka67\n User root\n IdentityFile ${KEYS}/%n-%r\n UserKnownHostsFile ~/kh-%p /x%%y\n';
    expect(await resolve(text, { name: 'ka67' })).toMatchObject({
      identityFiles: ['/keys/ka67-root'],
      userKnownHosts: [join(home, 'kh-22'), '/x%y'],
    });
  });

  test.each([
    ['a jump host', 'ProxyJump b', 'proxyjump'],
    ['a proxy command', 'ProxyCommand nc %h %p', 'proxycommand'],
    ['a certificate', 'CertificateFile /c', 'certificatefile'],
    ['a wish for algorithms', 'KexAlgorithms sntrup761x25519-sha512@openssh.com', 'kexalgorithms'],
    ['no proxy', 'ProxyJump none', undefined],
    ['another host’s jump', 'Host other\n ProxyJump b', undefined],
  ])('%s', async (_name, text, reason) => {
    expect((await resolve(`${text}\n`, { name: 'ka67' })).beyondNodeSsh).toBe(reason);
  });

  test.each([
    ['IdentityAgent none', undefined],
    ['IdentityAgent ~/agent.sock', '~/agent.sock'],
    ['IdentityAgent SSH_AUTH_SOCK', '/run/agent'],
  ])('%s', async (text, agent) => {
    expect((await resolve(text, { name: 'ka67' })).agent).toBe(agent?.replace('~', home));
  });

  test('files that are included count below their Host line', async () => {
    writeFileSync(join(home, '.ssh/one.conf'), 'User included\nHost x\n Port 1\n');
    expect(await resolve('Host ka67\n Include one.conf\n', { name: 'ka67' })).toMatchObject({
      user: 'included',
      port: 22,
    });
    expect((await resolve('Host ka67\n Include one.conf\n', { name: 'ka68' })).user).toBe('ann');
  });

  test('a file that was asked for must be there', () => {
    expect(() => new SshConfiguration(join(home, 'absent'), local())).toThrow(/absent: cannot be read/);
  });
});
