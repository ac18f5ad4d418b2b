/** Connections by the system's ssh, for what node-ssh cannot do: jump hosts, certificates, hardware keys, new algorithms. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { commandLine } from './command-line.ts';
import { Forks } from './forks.ts';
import type { Channel, ChannelEnd, Connection, HostAccess } from './ports.ts';
import { opensshFailure, unreachable } from './ssh-failure.ts';
import type { SshSettings } from './ssh-settings.ts';

type Ssh = ChildProcessByStdio<Writable, Readable, Readable>;

/** Below sshd's MaxStartups of 10: behind one bastion all handshakes may be its own. */
const handshakes = new Forks(8);

/**
 * The command line for a host. Everything that the inventory says goes before the configuration; a password never is
 * in it. `marker` is printed on standard error as soon as the login has succeeded.
 */
export function opensshArguments(
  settings: SshSettings,
  access: HostAccess,
  configFile: string | undefined,
  marker: string,
): string[] {
  const options = [
    'BatchMode=yes',
    'ControlMaster=no',
    'ControlPath=none',
    `ConnectTimeout=${Math.ceil(settings.connectTimeoutMs / 1000)}`,
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'PermitLocalCommand=yes',
    `LocalCommand=echo ${marker} >&2`,
    'RemoteCommand=none',
    'ClearAllForwardings=yes',
    `StrictHostKeyChecking=${settings.strictHostKeyChecking === 'off' ? 'no' : settings.strictHostKeyChecking}`,
  ];
  if (access.user !== undefined) options.push(`User=${access.user}`);
  if (access.port !== undefined) options.push(`Port=${access.port}`);
  if (access.privateKeyFile !== undefined) options.push(`IdentityFile="${settings.identityFiles[0] ?? ''}"`);
  return [
    '-T',
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...options.flatMap(option => ['-o', option]),
    ...(access.sshArguments ?? []),
    '--',
    settings.target,
  ];
}

/** A connection is made when the command is opened: ssh(1) wants both at once. `reason`: why node-ssh would not do. */
export function connectOpenssh(
  settings: SshSettings,
  access: HostAccess,
  configFile: string | undefined,
  reason: string,
): Connection {
  const running = new Set<Ssh>();
  return {
    transport: 'openssh',
    user: settings.user,
    open: argv =>
      handshakes.run(async () => {
        const marker = `tandem-${randomBytes(12).toString('hex')}`;
        const options = opensshArguments(settings, access, configFile, marker);
        const ssh = spawn('ssh', [...options, commandLine(argv)], { stdio: ['pipe', 'pipe', 'pipe'] });
        running.add(ssh);
        ssh.once('close', () => running.delete(ssh));
        return openChannel(settings, ssh, marker, reason);
      }),
    close: async () => {
      await Promise.all([...running].map(ssh => ending(ssh)));
    },
  };
}

async function ending(ssh: Ssh): Promise<void> {
  const closed = new Promise(resolve => ssh.once('close', resolve));
  ssh.stdin.end();
  const patience = setTimeout(() => ssh.kill('SIGTERM'), 2000);
  await closed;
  clearTimeout(patience);
}

function openChannel(settings: SshSettings, ssh: Ssh, marker: string, reason: string): Promise<Channel> {
  const ended = new Promise<ChannelEnd>(resolve => {
    ssh.once('close', (code, signal) => {
      // 255 is ssh's own: the connection broke.
      if (code === 255 || code === null)
        resolve({ code: undefined, signal: signal ?? undefined, lost: 'ssh gave up' });
      else resolve({ code, signal: undefined });
    });
  });
  ssh.stdin.on('error', () => undefined); // its end says more
  const stderr = new PassThrough();
  const channel: Channel = {
    stdin: ssh.stdin,
    stdout: ssh.stdout,
    stderr,
    ended,
    destroy: () => void ssh.kill('SIGTERM'),
  };
  return new Promise((resolve, reject) => {
    let said = '';
    let connected = false;
    ssh.once('error', error => {
      const message = `${reason} needs the system's ssh (package openssh-client), which does not start`;
      reject(unreachable(settings, message, error, error.message));
    });
    ssh.stderr.on('data', (chunk: Buffer) => {
      if (connected) {
        stderr.write(chunk);
        return;
      }
      said += chunk.toString('utf8');
      const at = said.indexOf(marker);
      if (at < 0) return;
      connected = true;
      stderr.write(said.slice(at + marker.length).replace(/^\r?\n/, ''));
      resolve(channel);
    });
    void ended.then(() => {
      stderr.end();
      if (!connected) reject(opensshFailure(settings, said));
    });
  });
}
