/**
 * A stock keepalived's account of itself, as tandemd's status. Read from what `t_keepalived` collects: systemd's view,
 * the data that keepalived writes on SIGUSR1, its counters (SIGUSR2), the kernel's addresses and its IPVS table. Pure.
 */
import { formatIp, parseIp } from '#base/address.ts';
import { HANDOVER_PREFIX, handoverFile } from './keepalived-handover.ts';
import type { LiveStatus } from '#control/server-status.ts';
import { virtualServersIn } from './ipvs-listing.ts';
import type { HeardStatus, InstanceCounters, InstanceStatus, SyncGroupStatus } from '#control/status.ts';

/** Gives undefined where keepalived does not run. Throws SyntaxError with the reason where it does and does not tell. */
export function parseKeepalived(text: string): LiveStatus | undefined {
  const [head = '', ...rest] = text.split(/^------< (?=[\w ]+ >------$)/m);
  if (!head.startsWith('keepalived\n')) return undefined;
  const sections = new Map(
    rest.map(section => {
      const end = section.indexOf(' >------\n');
      return [section.slice(0, end), section.slice(end + ' >------\n'.length)];
    }),
  );
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(head)?.[1] ?? '';
  const topology = sections.get('VRRP Topology');
  const nowMs = Number(value('Now')) * 1000;
  if (topology === undefined || !sections.has('Interfaces') || !(nowMs > 0))
    throw new SyntaxError(
      `keepalived (PID ${value('MainPID')}) did not write /tmp/keepalived.data when it got SIGUSR1`,
    );
  const bootAtMs = nowMs - Number(value('Uptime')) * 1000;
  const loadedAtMs = bootAtMs + Number(value('StateChangeTimestampMonotonic')) / 1000;
  const isLoaded =
    value('ActiveState') === 'active' && Number(value('FileTime')) * 1000 <= loadedAtMs + UPTIME_ERROR_MS;
  const held = heldAddresses(sections.get('Addresses') ?? '');
  const handovers = new Set([...head.matchAll(/^Handover=(.*) -\d+$/gm)].map(([, file = '']) => file));
  const counters = countersOf(sections.get('Counters') ?? '');
  return {
    program: 'keepalived',
    version: /v(\d[\w.]*)/.exec(value('Version'))?.[1] ?? value('Version'),
    release: null,
    pid: Number(value('MainPID')),
    startedAtMs: Math.round(bootAtMs + Number(value('ExecMainStartTimestampMonotonic')) / 1000),
    routerId: /^ Router ID = (.*)$/m.exec(text)?.[1] ?? '',
    configurationFile: value('File'),
    configurationSha256: isLoaded ? value('FileSha256') : '',
    reload: { atMs: Math.round(loadedAtMs), outcome: 'loaded', diagnostics: [] },
    scheduling: { policy: 'other', priority: 0, degraded: null },
    worker: { state: 'absent', pid: null, restarts: 0, lastLoss: null },
    instances: blocksOf(topology, 'VRRP Instance').map(([name, block]) =>
      instanceOf(name, block, { nowMs, handovers, held, counters: counters.get(name) }),
    ),
    syncGroups: blocksOf(sections.get('VRRP Sync groups') ?? '', 'VRRP Sync Group').map(groupOf),
    virtualServers: virtualServersIn(sections.get('IPVS') ?? ''),
  };
}

/** /proc/uptime has hundredths of a second, and is read a moment before the clock. */
const UPTIME_ERROR_MS = 50;

/** `name` and the lines of each block that begins with ` KEYWORD = NAME`. */
function blocksOf(section: string, keyword: string): [string, string][] {
  return section
    .split(new RegExp(`^ ${keyword} = `, 'm'))
    .slice(1)
    .map(block => [block.slice(0, block.indexOf('\n')), block.slice(block.indexOf('\n') + 1)]);
}

interface Circumstances {
  readonly nowMs: number;
  /** Hand-over files that say so. */
  readonly handovers: ReadonlySet<string>;
  readonly held: ReadonlySet<string>;
  readonly counters: InstanceCounters | undefined;
}

function instanceOf(name: string, block: string, around: Circumstances): InstanceStatus {
  const value = (key: string): string => new RegExp(`^   ${key} = (.*)$`, 'm').exec(block)?.[1] ?? '';
  const source = value('Using src_ip').replace(/ .*/, '');
  const state = stateOf(value('State'));
  const masterDownIntervalMs = masterDown(value);
  return {
    name,
    state,
    stateAtMs: secondsIn(value('Last transition')),
    reason: 'keepalived does not say why',
    interface: value('Interface'),
    virtualRouterId: Number(value('Virtual Router ID')),
    family: /^ {3}Using Native IPv6$/m.test(block) ? 6 : 4,
    vrrpVersion: value('VRRP Version') === '3' ? 3 : 2,
    cast: /^ +Using unicast$|^ +Unicast Peer/m.test(block) ? 'unicast' : 'multicast',
    priority: Number(value('Priority')),
    effectivePriority: Number(value('Effective priority')),
    advertIntervalMs: intervalMs(value('Advert interval')),
    sourceAddress: parseIp(source) ? source : null,
    masterDownIntervalMs,
    syncGroup: value('Sync group') || null,
    handedOver: around.handovers.has(handoverFile(name)),
    ...(block.includes(`     ${HANDOVER_PREFIX}${name}`) ? {} : { canHandOver: false }),
    vips: [
      ...addressesUnder('Virtual IP \\(\\d+\\):', block, around.held, false),
      ...addressesUnder('Virtual IP Excluded *:', block, around.held, true),
    ],
    heard: state === 'BACKUP' ? heardBy(value, masterDownIntervalMs, around.nowMs) : null,
    faults: state === 'FAULT' ? faultsOf(value) : [],
    counters: around.counters ?? NO_COUNTERS,
  };
}

/** RFC 3768 §6.1, RFC 9568 §6.1; what keepalived prints while it is MASTER has the skew of something else. */
function masterDown(value: (key: string) => string): number {
  const ownMs = Number.parseFloat(value('Master down timer')) / 1000;
  if (value('State') !== 'MASTER') return ownMs;
  const adverMs = intervalMs(value('Advert interval'));
  const skewOf = value('VRRP Version') === '3' ? adverMs : 1000;
  return 3 * adverMs + ((256 - Number(value('Effective priority'))) / 256) * skewOf;
}

/** keepalived's STOP and DELETED last for moments. */
function stateOf(text: string): InstanceStatus['state'] {
  return text === 'MASTER' || text === 'BACKUP' || text === 'FAULT' ? text : 'INIT';
}

function secondsIn(text: string): number {
  return Math.round(Number.parseFloat(text) * 1000) || 0;
}

/** `1 sec`, `100 milli-sec`. */
function intervalMs(text: string): number {
  return Number.parseFloat(text) * (text.includes('milli') ? 1 : 1000);
}

/**
 * The master's last advert restarted the timer that runs out at `Read timeout`. Without a master keepalived prints
 * whatever address lies there, and priority 0.
 */
function heardBy(
  value: (key: string) => string,
  masterDownIntervalMs: number,
  nowMs: number,
): HeardStatus | null {
  const address = value('Master router');
  const priority = Number(value('Master priority'));
  const timeoutMs = secondsIn(value('Read timeout'));
  if (!parseIp(address) || !(priority > 0) || timeoutMs === 0) return null;
  return { address, priority, ageMs: Math.max(0, Math.round(nowMs - (timeoutMs - masterDownIntervalMs))) };
}

function faultsOf(value: (key: string) => string): string[] {
  const config = Number(value('Number of config faults'));
  const tracked = Number(value('Number of interface and track script faults'));
  return [
    ...(config > 0 ? [`${config} faults of the configuration`] : []),
    ...(tracked > 0 ? [`${tracked} faults of interfaces and trackers`] : []),
    ...(config + tracked === 0 ? ['keepalived does not say why'] : []),
  ];
}

function addressesUnder(
  heading: string,
  block: string,
  held: ReadonlySet<string>,
  excluded: boolean,
): InstanceStatus['vips'] {
  const list = new RegExp(`^   ${heading}\\n((?:     .*\\n)*)`, 'm').exec(block)?.[1] ?? '';
  return [...list.matchAll(/^ {5}(\S+)(?:.*? dev (\S+))?/gm)].map(([, text = '', dev = '']) => {
    const address = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
    return { address, dev, present: held.has(`${address} ${dev}`), excluded, lost: 0, error: null };
  });
}

/** `address/prefix dev` of everything that `ip -o addr show` lists. */
function heldAddresses(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^\d+: (\S+?)(?:@\S+)? +inet6? (\S+)\/(\d+) /gm)].map(([, dev, address, prefix]) => {
      const bytes = parseIp(address ?? '');
      return `${bytes ? formatIp(bytes) : address}/${prefix} ${dev}`;
    }),
  );
}

function groupOf([line, block]: [string, string]): SyncGroupStatus {
  const [name = '', state = ''] = line.split(/, (?=[A-Z]+$)/);
  const list = /member instances :\n((?: {5}.*\n)*)/.exec(block)?.[1] ?? '';
  return { name, state: stateOf(state), members: list.split('\n').flatMap(member => member.trim() || []) };
}

const NO_COUNTERS: InstanceCounters = {
  becomeMaster: 0,
  releaseMaster: 0,
  advertsSent: 0,
  advertsReceived: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  sendErrors: 0,
  vipsRestored: 0,
  vipErrors: 0,
  handoversFailed: 0,
  refused: {},
};

/** keepalived's heading and line → the counter of our receive ladder. */
const REFUSED: readonly (readonly [heading: string, line: string, counter: string])[] = [
  ['Packet Errors', 'Length', 'packetLength'],
  ['Packet Errors', 'TTL', 'ttl'],
  ['Packet Errors', 'Invalid Type', 'type'],
  ['Packet Errors', 'Advertisement Interval', 'adverInterval'],
  ['Authentication Errors', 'Invalid Type', 'authTypeInvalid'],
  ['Authentication Errors', 'Type Mismatch', 'authTypeMismatch'],
  ['Authentication Errors', 'Failure', 'authFailure'],
];

function countersOf(text: string): ReadonlyMap<string, InstanceCounters> {
  return new Map(
    text
      .split(/^VRRP Instance: /m)
      .slice(1)
      .map(block => {
        const name = block.slice(0, block.indexOf('\n'));
        const under = (heading: string, line: string): number => {
          const part = new RegExp(`^  ${heading}:\\n((?:    .*\\n)*)`, 'm').exec(block)?.[1] ?? '';
          return Number(new RegExp(`^    ${line}: (\\d+)$`, 'm').exec(part)?.[1] ?? 0);
        };
        const top = (line: string): number =>
          Number(new RegExp(`^  ${line}: (\\d+)$`, 'm').exec(block)?.[1] ?? 0);
        const refused = REFUSED.map(([heading, line, rung]) => [rung, under(heading, line)] as const);
        const counters = {
          ...NO_COUNTERS,
          becomeMaster: top('Became master'),
          releaseMaster: top('Released master'),
          advertsSent: under('Advertisements', 'Sent'),
          advertsReceived: under('Advertisements', 'Received'),
          priorityZeroSent: under('Priority Zero', 'Sent'),
          priorityZeroReceived: under('Priority Zero', 'Received'),
          refused: Object.fromEntries(refused.filter(([, count]) => count > 0)),
        };
        return [name, counters];
      }),
  );
}
