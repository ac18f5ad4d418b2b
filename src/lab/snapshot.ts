import type { Lab } from './api.ts';
import { LabError } from './lab-error.ts';
import { EXCLUSIONS, type Exclusion } from './exclusions.ts';

/**
 * Everything about a host that a role could leave behind, as one flat map: `file:/etc/hosts`, `sysctl:net.…`,
 * `unit:ssh.service`, … Two of them compare key by key.
 */
export type Snapshot = ReadonlyMap<string, string>;

/** One key whose value differs; `before` or `after` is undefined where the key is absent. */
export interface Difference {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const SNAPSHOT_TIMEOUT_MS = 60_000;

/**
 * Takes a snapshot once the host has finished booting. About a second, most of it SHA-256 of the file system; without
 * `files` what the kernel, systemd and dpkg say remains.
 *
 * @throws {LabError} when the host is down or does not finish.
 */
export async function snapshotHost(lab: Lab, host: string, { files = true } = {}): Promise<Snapshot> {
  await lab.exec(host, ['systemctl', 'is-system-running', '--wait'], { timeoutMs: SNAPSHOT_TIMEOUT_MS });
  const { stdout } = await lab.exec(
    host,
    { script: files ? `${COLLECT_FILES}${COLLECT_STATE}` : COLLECT_STATE },
    { timeoutMs: SNAPSHOT_TIMEOUT_MS, check: true },
  );
  return parseSnapshot(stdout);
}

/** What differs and is not excluded, in the order of the keys. */
export function compareSnapshots(
  before: Snapshot,
  after: Snapshot,
  exclusions: readonly Exclusion[] = EXCLUSIONS,
): Difference[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return keys
    .filter(key => before.get(key) !== after.get(key))
    .filter(key => !exclusions.some(({ keys }) => keys.test(key)))
    .map(key => ({ key, before: before.get(key), after: after.get(key) }));
}

/** `- key: before` and `+ key: after` lines. */
export function formatDifferences(differences: readonly Difference[]): string {
  return differences
    .flatMap(({ key, before, after }) => [
      ...(before === undefined ? [] : [`- ${key}: ${before}`]),
      ...(after === undefined ? [] : [`+ ${key}: ${after}`]),
    ])
    .join('\n');
}

/**
 * Each section begins with \x01 and its name. Of /run only names and modes are taken: its contents are process
 * state. Timestamps are left out: reading and restoring a file may change them.
 */
const COLLECT_FILES = `export LC_ALL=C
section() { printf '\\001%s\\n' "$1"; }
section files
find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\) -prune -o -printf '%y %m %U:%G %l\\t%p\\0'
find /run /tmp /dev/shm -xdev -printf '%y %m %U:%G %l\\t%p\\0'
section contents
find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\) -prune -o -type f -print0 |
  xargs -0 -r sha256sum -z --
`;

const COLLECT_STATE = `export LC_ALL=C
section() { printf '\\001%s\\n' "$1"; }
section sysctl
cd /proc/sys && find net -type f -perm -400 -print0 | xargs -0 -r grep -sH ''
section address
ip -o address
section link
ip -o link
section route
ip -4 -o route show table all
ip -6 -o route show table all
section rule
ip -4 rule | sed 's/^/4 /'
ip -6 rule | sed 's/^/6 /'
section nft
nft -s list ruleset
section ipvs
sed 1d /proc/net/ip_vs 2>/dev/null
section unit-file
systemctl list-unit-files --no-legend --no-pager --full --plain
section unit
systemctl list-units --all --no-legend --no-pager --full --plain
section user
cat /etc/passwd
section group
cat /etc/group
section package
dpkg-query -W -f '\${Package}:\${Architecture} \${Version} \${Status}\\n'
section module
cut -d ' ' -f 1 /proc/modules 2>/dev/null
exit 0
`;

/** The map behind what the collecting script prints. */
export function parseSnapshot(text: string): Snapshot {
  const snapshot = new Map<string, string>();
  for (const part of text.split('\u0001').slice(1)) {
    const end = part.indexOf('\n');
    const name = part.slice(0, end);
    const entriesOf = SECTIONS[name];
    if (!entriesOf) throw new LabError(`a snapshot has no section ${name}`);
    for (const [key, value] of entriesOf(part.slice(end + 1))) {
      const known = snapshot.get(key);
      snapshot.set(key, known === undefined ? value : `${known}\n${value}`);
    }
  }
  return snapshot;
}

type Entry = readonly [key: string, value: string];

const SECTIONS: Readonly<Record<string, (body: string) => Entry[]>> = {
  files: body =>
    records(body, '\0').map(record => {
      const tab = record.indexOf('\t');
      return [`file:${record.slice(tab + 1)}`, record.slice(0, tab).trimEnd()];
    }),
  // sha256sum -z: digest, two spaces, name.
  contents: body => records(body, '\0').map(record => [`file:${record.slice(66)}`, record.slice(0, 64)]),
  sysctl: body =>
    records(body, '\n').map(line => {
      const colon = line.indexOf(':');
      return [`sysctl:${line.slice(0, colon)}`, line.slice(colon + 1)];
    }),
  address: body =>
    records(body, '\n').map(line => {
      const [, nic = '', family = '', address = '', ...rest] = line.replaceAll('\\', ' ').split(/\s+/);
      return [`address:${nic} ${family} ${address}`, stable(rest.join(' '))];
    }),
  link: body =>
    records(body, '\n').map(line => {
      const [, nic = '', ...rest] = line.replaceAll('\\', ' ').split(/\s+/);
      return [`link:${nic.replace(/:$/, '').replace(/@.*/, '')}`, stable(rest.join(' '))];
    }),
  route: body => records(body, '\n').map(line => [`route:${stable(line)}`, 'present']),
  rule: body => records(body, '\n').map(line => [`rule:${line}`, 'present']),
  nft: body =>
    body
      .split(/^(?=table )/m)
      .filter(table => table.trim() !== '')
      .map(table => [`nft:${table.slice(0, table.indexOf(' {'))}`, table.trimEnd()]),
  ipvs: body => records(body, '\n').map(line => [`ipvs:${line}`, 'present']),
  'unit-file': body => columns(body, 'unit-file', 1, 2),
  unit: body => columns(body, 'unit', 1, 4),
  user: body => colonFile(body, 'user'),
  group: body => colonFile(body, 'group'),
  package: body =>
    records(body, '\n').map(line => {
      const space = line.indexOf(' ');
      return [`package:${line.slice(0, space)}`, line.slice(space + 1)];
    }),
  module: body => records(body, '\n').map(line => [`module:${line}`, 'loaded']),
};

function records(body: string, separator: string): string[] {
  return body.split(separator).filter(record => record.trim() !== '');
}

function columns(body: string, section: string, from: number, to: number): Entry[] {
  return records(body, '\n').map(line => {
    const [name = '', ...rest] = line.trim().split(/\s+/);
    return [`${section}:${name}`, rest.slice(from - 1, to - 1).join(' ')];
  });
}

function colonFile(body: string, section: string): Entry[] {
  return records(body, '\n').map(line => [`${section}:${line.slice(0, line.indexOf(':'))}`, line]);
}

/**
 * Without what changes by itself: lifetimes, duplicate address detection, the other end's namespace number; `noop` is a
 * device that has never been up, `noqueue` one that has.
 */
function stable(line: string): string {
  return line
    .replaceAll(/\b(valid_lft|preferred_lft|expires) \d+sec\b/g, '$1 finite')
    .replaceAll(/\bqdisc (noop|noqueue)\b/g, 'qdisc none')
    .replaceAll(/\b(tentative|link-netnsid \d+)\s*/g, '')
    .trim();
}
