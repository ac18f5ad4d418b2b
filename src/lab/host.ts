import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '#base/assert.ts';
import { awaitCondition } from './await-condition.ts';
import { RUN_IN_CGROUP } from './boot-scripts.ts';
import { run } from './command.ts';
import { cableLines, readFaults } from './faults.ts';
import { LabError } from './lab-error.ts';
import { hostNamed, hostPaths, macOf, portsOf, type HostPaths, type LabPaths } from './layout.ts';
import type { LabSpec } from './spec.ts';
import { addressLines, batch } from './switch.ts';

/** What the functions of this file need to know about the lab. */
export interface LabContext {
  readonly paths: LabPaths;
  readonly spec: LabSpec;
  readonly cgroupRoot: string;
  readonly lowerDirectories: Readonly<Record<string, string>>;
}

/** The paths of a host. @throws {LabError} when the lab has no such host. */
export function pathsOfHost(lab: LabContext, host: string): HostPaths {
  if (hostNamed(lab.spec, host)) return hostPaths(lab.paths, lab.spec, host);
  const known = lab.spec.hosts.map(({ name }) => name).join(', ');
  throw new LabError(`lab ${lab.spec.name}: no host ${host} (there are: ${known})`);
}

/** The machine's id of a host's init; undefined while the host is down. */
export function initPid(paths: HostPaths): number | undefined {
  try {
    const pid = Number(readFileSync(join(paths.directory, 'pid'), 'utf8'));
    // The id may be another process's by now: ours is in the host's cgroup.
    const own = `${must(paths.cgroup.split('/').at(-2), 'a path')}/h${paths.index}`;
    const inOwn = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .some(line => line.startsWith('0::') && (line.endsWith(`/${own}`) || line.includes(`/${own}/`)));
    return inOwn ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the host's supervisor, which boots it, and returns once sshd listens. */
export async function boot(lab: LabContext, host: string, timeoutMs: number): Promise<void> {
  const paths = pathsOfHost(lab, host);
  if (initPid(paths) !== undefined) throw new LabError(`${host} is already running`);
  await rm(join(paths.directory, 'exit'), { force: true });
  await writeBatches(lab, host);
  const lower = must(lab.lowerDirectories[host], `an image for ${host}`);
  const scripts = lab.paths.scripts;
  const supervise = [
    'sh',
    `${scripts}/supervise.sh`,
    paths.directory,
    paths.cgroup,
    lab.paths.switchNamespace,
    lower,
    scripts,
  ];
  const child = spawn('sh', ['-c', RUN_IN_CGROUP, 'sh', lab.paths.toolsCgroup, ...supervise], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.unref();
  await awaitListening(lab, host, timeoutMs);
}

/** The `ip -batch` files of the next boot, from the spec and the faults of now. */
export async function writeBatches(lab: LabContext, host: string): Promise<void> {
  const { directory } = pathsOfHost(lab, host);
  const faults = await readFaults(lab.paths);
  const ports = portsOf(lab.spec).filter(port => port.host === host);
  const owner = must(hostNamed(lab.spec, host), `host ${host}`);
  const nics = ports.flatMap(({ nic, port }) => [
    `link add name ${nic.name} address ${macOf(lab.spec, owner, nic)} type veth peer name ${port} netns ${lab.paths.switchNamespace}`,
    ...addressLines(nic.name, nic.addresses),
    `link set ${nic.name} up`,
  ]);
  await writeFile(join(directory, 'nics.batch'), batch(['link set lo up', ...nics]));
  await writeFile(join(directory, 'ports.batch'), batch(ports.flatMap(port => cableLines(port, faults))));
  await writeFile(join(directory, 'unplug.batch'), batch(ports.map(({ port }) => `link del ${port}`)));
}

/**
 * Resolves when sshd of a boot other than `notPid` accepts connections.
 *
 * @throws {LabError} with console and journal when the host ends first, or when the time is up.
 */
export async function awaitListening(
  lab: LabContext,
  host: string,
  timeoutMs: number,
  notPid?: number,
): Promise<void> {
  const paths = pathsOfHost(lab, host);
  try {
    await awaitCondition(`${host}: sshd`, timeoutMs, async () => {
      const pid = initPid(paths);
      if (pid !== undefined && pid !== notPid && listens(pid, 22)) return true;
      const exit = await readFile(join(paths.directory, 'exit'), 'utf8').catch(() => undefined);
      if (exit !== undefined) throw new LabError(`${host}: ended with ${exit.trim()} while it booted`);
      return undefined;
    });
  } catch (cause) {
    const said = await journalOf(lab, host);
    throw new LabError(`${cause instanceof Error ? cause.message : String(cause)}\n${said.slice(-4000)}`, {
      cause,
    });
  }
}

/** True if a TCP socket listens on `port` in the network namespace of `pid`: proc_net_tcp, state 0A. */
function listens(pid: number, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some(table => {
    try {
      const rows = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1);
      return rows.some(row => {
        const [, local, , state] = row.trim().split(/\s+/);
        return state === '0A' && local?.endsWith(suffix) === true;
      });
    } catch {
      return false;
    }
  });
}

/** Resolves when the host and its supervisor are gone. */
export async function awaitDown(lab: LabContext, host: string, timeoutMs: number): Promise<void> {
  const paths = pathsOfHost(lab, host);
  await awaitCondition(`${host}: power-off`, timeoutMs, () => {
    if (initPid(paths) !== undefined) return undefined;
    return isPopulated(paths.cgroup) ? undefined : true;
  });
  await awaitCondition(`${host}: supervisor`, 5000, async () =>
    (await readFile(join(paths.directory, 'exit'), 'utf8').catch(() => undefined)) === undefined
      ? undefined
      : true,
  );
}

/** True while a process is in the cgroup or below it: cgroup.events of cgroups(7). */
function isPopulated(cgroup: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(`${cgroup}/cgroup.events`, 'utf8'));
  } catch {
    return false;
  }
}

/** The journal on the host’s disk, then what came on its console (which is where a boot that fails early reports). */
export async function journalOf(lab: LabContext, host: string): Promise<string> {
  const paths = pathsOfHost(lab, host);
  const console_ = await readFile(join(paths.directory, 'console.log'), 'utf8').catch(() => '');
  const journal = await diskJournal(paths, must(lab.lowerDirectories[host], 'an image'));
  return `${journal}${console_}`;
}

/** The host's own journalctl reads the journal on its disk; it sees nothing but that and its image. */
const READ_JOURNAL = `set -eu
base=\${1##*:}
mount --bind "$2" "$base/mnt"
exec chroot "$base" journalctl --no-pager --quiet -n 200 -D /mnt
`;

async function diskJournal(paths: HostPaths, lower: string): Promise<string> {
  const directory = join(paths.upper, 'var', 'log', 'journal');
  try {
    if (readdirSync(directory).length === 0) return '';
  } catch {
    return '';
  }
  const { stdout } = await run(['unshare', '--mount', 'sh', '-c', READ_JOURNAL, 'sh', lower, directory]);
  return stdout;
}
