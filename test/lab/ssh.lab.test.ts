/** Both transports against this machine's own OpenSSH server, on a loopback port with keys and files of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { assemble } from '#provision/model/program.ts';
import { Secret, sh } from '#provision/model/shell.ts';
import type { HostAccess, Question } from '#provision/run/ports.ts';
import { newNonce, openSession } from '#provision/run/session.ts';
import { createTransport } from '#provision/run/transport.ts';

let directory: string;
let port: number;
let sshd: ChildProcess;
const questions: Question[] = [];

const path = (name: string): string => join(directory, name);
const keygen = (name: string, ...more: string[]): void => {
  execFileSync('ssh-keygen', ['-q', '-f', path(name), '-N', '', ...more]);
};

async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return free;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (condition()) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error(`${what} did not come about within 5 s: ${log()}`);
}

const log = (): string => readFileSync(path('log'), 'utf8');

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-sshd-'));
  port = await freePort();
  keygen('host_ed25519', '-t', 'ed25519');
  keygen('host_rsa', '-t', 'rsa', '-b', '2048');
  keygen('user', '-t', 'ed25519');
  keygen('user_ecdsa', '-t', 'ecdsa');
  keygen('stranger', '-t', 'ed25519');
  keygen('ca', '-t', 'ed25519');
  keygen('certified', '-t', 'ed25519');
  execFileSync('ssh-keygen', [
    '-q',
    '-s',
    path('ca'),
    '-I',
    'test',
    '-n',
    userInfo().username,
    path('certified.pub'),
  ]);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', path('encrypted')]);
  const keys = ['user', 'user_ecdsa', 'encrypted'].map(name => readFileSync(path(`${name}.pub`), 'utf8'));
  writeFileSync(path('authorized'), keys.join(''), { mode: 0o600 });
  mkdirSync('/run/sshd', { recursive: true });
  startSshd([]);
  await until(() => log().includes('Server listening'), 'sshd');
});

function startSshd(more: readonly string[]): void {
  const options = [
    `HostKey=${path('host_ed25519')}`,
    `HostKey=${path('host_rsa')}`,
    `AuthorizedKeysFile=${path('authorized')}`,
    `TrustedUserCAKeys=${path('ca.pub')}`,
    'StrictModes=no',
    'PasswordAuthentication=no',
    'KbdInteractiveAuthentication=no',
    'PermitRootLogin=yes',
    'UsePAM=no',
    'AllowTcpForwarding=yes',
    `PidFile=${path('pid')}`,
    'LogLevel=DEBUG1',
    ...more,
  ];
  writeFileSync(path('log'), '');
  const argv = [
    '-D',
    '-f',
    '/dev/null',
    '-p',
    String(port),
    '-o',
    'ListenAddress=127.0.0.1',
    '-E',
    path('log'),
  ];
  sshd = spawn('/usr/sbin/sshd', [...argv, ...options.flatMap(option => ['-o', option])], {
    stdio: 'ignore',
  });
}

afterAll(() => {
  sshd.kill('SIGTERM');
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  questions.length = 0;
  writeFileSync(path('log'), '');
  writeFileSync(path('known_hosts'), knownHost('host_ed25519'));
  config('');
});

const knownHost = (key: string): string =>
  `[127.0.0.1]:${port} ${readFileSync(path(`${key}.pub`), 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ')}\n`;

function config(more: string): void {
  const text = `Host pair\n HostName 127.0.0.1\nHost *\n UserKnownHostsFile ${path('known_hosts')}\n GlobalKnownHostsFile /dev/null\n${more}`;
  writeFileSync(path('config'), text);
}

function accessTo(more: Partial<HostAccess> = {}): HostAccess {
  return { name: 'pair', port, user: userInfo().username, privateKeyFile: path('user'), ...more };
}

function transport(answer?: string) {
  return createTransport({
    configFile: path('config'),
    ask: question => {
      questions.push(question);
      return Promise.resolve(answer === undefined ? undefined : new Secret(answer));
    },
  });
}

/** Runs `count` programs in one session; the last one's output, and the transport. */
async function converse(access: HostAccess, count = 1, answer?: string) {
  const session = await openSession(transport(answer), access, () => Promise.resolve(undefined));
  try {
    let said = '';
    for (let turn = 0; turn < count; turn++) {
      const program = assemble([{ id: 'a', fragment: sh`echo ${`turn ${turn}`}` }], {
        nonce: newNonce(),
        run: 'all',
      });
      const answers = await session.run(program, { step: 'talk', silenceTimeoutMs: 10_000 });
      said = Buffer.from(answers.get('a')?.stdout ?? []).toString();
    }
    return { said, transport: session.transport };
  } finally {
    await session.close();
  }
}

/** Connections and execs as sshd has logged them. */
async function counted() {
  await until(
    () => count('Connection from') <= count('Connection closed by') + count('Disconnected from user'),
    'the end',
  );
  return { connections: count('Connection from'), execs: count('Starting session: command') };
}
const count = (words: string): number => log().split(words).length - 1;

describe.each(['ssh', 'openssh'] as const)('by %s', connection => {
  const name = connection === 'ssh' ? 'node-ssh' : 'openssh';

  test('a whole run is one connection and one exec', async () => {
    expect(await converse(accessTo({ connection }), 3)).toEqual({ said: 'turn 2\n', transport: name });
    expect(await counted()).toEqual({ connections: 1, execs: 1 });
  });

  test('a host that is not known is refused, with the way out', async () => {
    writeFileSync(path('known_hosts'), '');
    const refused = converse(accessTo({ connection }));
    await expect(refused).rejects.toThrow(/pair: connect to .*@127.0.0.1:\d+: the host key is not known/);
    await expect(refused).rejects.toMatchObject({ unreachable: true });
    expect(count('Starting session')).toBe(0);
  });

  test('a host with another key is refused loudly, naming the line', async () => {
    writeFileSync(path('known_hosts'), `# mine\n${knownHost('stranger')}`);
    const refused = converse(accessTo({ connection }));
    await expect(refused).rejects.toThrow('THE HOST KEY HAS CHANGED');
    await expect(refused).rejects.toThrow(`${path('known_hosts')}:2`);
  });

  test('accept-new takes the key up, and the next connection knows it', async () => {
    writeFileSync(path('known_hosts'), '');
    config(' StrictHostKeyChecking accept-new\n HashKnownHosts yes\n');
    await converse(accessTo({ connection }));
    expect(readFileSync(path('known_hosts'), 'utf8')).toContain('|1|');
    config('');
    expect(await converse(accessTo({ connection }))).toMatchObject({ said: 'turn 0\n' });
  });

  test('only the key type that is known is accepted', async () => {
    writeFileSync(path('known_hosts'), knownHost('host_rsa'));
    expect(await converse(accessTo({ connection }))).toMatchObject({ said: 'turn 0\n' });
  });

  test('a key that the host does not take', async () => {
    const refused = converse(accessTo({ connection, privateKeyFile: path('stranger') }));
    await expect(refused).rejects.toThrow(/may not log in/);
    await expect(refused).rejects.toMatchObject({ unreachable: true });
  });

  test('a port where nobody listens', async () => {
    const refused = converse(accessTo({ connection, port: await freePort() }));
    await expect(refused).rejects.toThrow(/nothing listens on/);
    await expect(refused).rejects.toMatchObject({ unreachable: true, host: 'pair' });
  });

  test('a name that does not resolve', async () => {
    const refused = converse(accessTo({ connection, address: 'no-such-host.invalid' }));
    await expect(refused).rejects.toThrow(/no-such-host.invalid.*(not known|looked up)/s);
  });

  test('a server that says nothing', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    config(' ConnectTimeout 1\n');
    const refused = converse(accessTo({ connection, port: (silent.address() as AddressInfo).port }));
    await expect(refused).rejects.toThrow(/no SSH session within 1 s|no answer in time/);
    silent.close();
  });

  test('keys of the agent', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', path(`agent-${name}`)], { stdio: 'ignore' });
    try {
      const ready = (): boolean => {
        try {
          execFileSync('ssh-add', ['-q', path('user_ecdsa')], {
            env: { SSH_AUTH_SOCK: path(`agent-${name}`) },
            stdio: 'ignore',
          });
          return true;
        } catch {
          return false;
        }
      };
      await until(ready, 'the agent');
      config(
        ` IdentityAgent ${path(`agent-${name}`)}\n IdentitiesOnly yes\n IdentityFile ${path('user_ecdsa')}\n`,
      );
      const { privateKeyFile: _, ...access } = accessTo({ connection });
      expect(await converse(access)).toMatchObject({ said: 'turn 0\n' });
      expect(log()).toContain('Accepted publickey');
      expect(log()).toMatch(/ECDSA SHA256/);
    } finally {
      agent.kill();
    }
  });
});

test('a host that is not known shows its fingerprint, and how to take it up', async () => {
  writeFileSync(path('known_hosts'), '');
  const shown =
    execFileSync('ssh-keygen', ['-lf', path('host_ed25519.pub')], { encoding: 'utf8' }).split(' ')[1] ?? '';
  const refused = converse(accessTo());
  await expect(refused).rejects.toThrow(`ssh-ed25519 ${shown}`);
  await expect(refused).rejects.toThrow(`ssh-keyscan -p ${port} 127.0.0.1 >> ${path('known_hosts')}`);
});

describe('keys', () => {
  test('an encrypted one opens with the passphrase that the user gives, asked once', async () => {
    const access = accessTo({ privateKeyFile: path('encrypted') });
    expect(await converse(access, 1, 'open sesame')).toMatchObject({ said: 'turn 0\n' });
    expect(questions).toEqual([{ kind: 'passphrase', host: 'pair', about: path('encrypted') }]);
  });

  test('a wrong passphrase', async () => {
    const refused = converse(accessTo({ privateKeyFile: path('encrypted') }), 1, 'close sesame');
    await expect(refused).rejects.toThrow(`the passphrase for ${path('encrypted')} is wrong`);
  });

  test('nobody there to ask', async () => {
    const refused = converse(accessTo({ privateKeyFile: path('encrypted') }));
    await expect(refused).rejects.toThrow(`${path('encrypted')} is encrypted and nobody is there to ask`);
  });

  test('a key file that is not there', async () => {
    const refused = converse(accessTo({ privateKeyFile: path('absent') }));
    await expect(refused).rejects.toThrow(`${path('absent')} cannot be read`);
  });
});

describe('what node-ssh cannot do goes by the system’s ssh', () => {
  test('a certificate', async () => {
    const access = accessTo({ privateKeyFile: path('certified') });
    expect(await converse(access)).toEqual({ said: 'turn 0\n', transport: 'openssh' });
    expect(log()).toContain('Accepted certificate');
  });

  test('a jump host: the server itself', async () => {
    const jump = `Host jump\n HostName 127.0.0.1\n Port ${port}\n IdentityFile ${path('user')}\n`;
    config(` User ${userInfo().username}\n${jump}`);
    appendFileSync(path('config'), 'Host pair\n ProxyJump jump\n');
    expect(await converse(accessTo())).toEqual({ said: 'turn 0\n', transport: 'openssh' });
    expect(count('Connection from')).toBe(2);
  });

  test('ansible_ssh_common_args', async () => {
    const access = accessTo({ sshArguments: ['-o', 'Compression=yes'] });
    expect(await converse(access)).toMatchObject({ transport: 'openssh' });
  });

  test('a host that only an authority vouches for', async () => {
    const authority = readFileSync(path('ca.pub'), 'utf8');
    writeFileSync(path('known_hosts'), `@cert-authority [127.0.0.1]:${port} ${authority}`);
    await expect(converse(accessTo())).rejects.toThrow(/pair: connect to .*the host key is not known/);
  });

  test('a server that speaks post-quantum key exchange only', async () => {
    sshd.kill('SIGTERM');
    await new Promise(resolve => sshd.once('exit', resolve));
    startSshd(['KexAlgorithms=sntrup761x25519-sha512@openssh.com']);
    await until(() => log().includes('Server listening'), 'sshd');
    expect(await converse(accessTo())).toEqual({ said: 'turn 0\n', transport: 'openssh' });
  });
});
