import { execFileSync, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { enterNetworkNamespace } from '#linux/kernel.ts';

/** A network namespace that lives as long as its holder, a process that dies with the test. */
export interface Namespace {
  readonly path: string;
  readonly holderPid: number;
  /** Runs `ip` in it; arguments as one would type them. */
  ip(command: string): string;
  /** Runs `body` with this thread in the namespace: sockets opened there belong to it for good. */
  within<T>(body: () => T): T;
  remove(): void;
}

// Where this process was started: /proc/self moves with the thread that enters a namespace.
const HOME = `/proc/${process.ppid}/ns/net`;

/** Makes an empty namespace; its loopback is up. */
export async function makeNamespace(): Promise<Namespace> {
  const before = readlinkSync(HOME);
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', 'sleep', 'infinity'], {
    stdio: 'ignore',
  });
  const holderPid = holder.pid ?? 0;
  const path = `/proc/${holderPid}/ns/net`;
  for (let i = 0; ; i++) {
    if (holder.exitCode !== null || i === 200) throw new Error('no network namespace: are we root?');
    // Until unshare has run, the holder is still in our namespace.
    if (linkOf(path) !== before && linkOf(path) !== undefined) break;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  const ip = (command: string) =>
    execFileSync('nsenter', [`--net=${path}`, 'ip', ...command.split(' ')], { encoding: 'utf8' });
  ip('link set lo up');
  return {
    path,
    holderPid,
    ip,
    within: body => within(path, body),
    remove: () => void holder.kill('SIGKILL'),
  };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function within<T>(path: string, body: () => T): T {
  const refused = enterNetworkNamespace(path);
  if (refused) throw new Error(refused.message);
  try {
    return body();
  } finally {
    enterNetworkNamespace(HOME);
  }
}
