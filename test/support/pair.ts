/** The lab of the two-node inventory: ka67 and ka68 behind a default-drop firewall, and a third host that watches. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  compareSnapshots,
  formatDifferences,
  labUp,
  snapshotHost,
  type Lab,
  type LabHost,
  type LabSpec,
  type Snapshot,
} from '#lab/lab.ts';
import { EXCLUSIONS, type Exclusion } from '#lab/exclusions.ts';
import { PATIENCE } from '#lab/patience.ts';
import { ROOT } from './tandem.ts';

export const INVENTORY = `${ROOT}inventory/two-node.yml`;
export const NODES = ['ka67', 'ka68'] as const;
export const VIP = '172.16.8.100';
export const INSTANCE = 'VG_1';
export const VRID = 103;
/** The inventory's advert_int. */
export const ADVERT_INTERVAL_MS = 1000;

const host = (name: string, address: string, more: Partial<LabHost> = {}): LabHost => ({
  name,
  interfaces: [{ name: 'eth0', network: 'lan', addresses: [`${address}/24`] }],
  ...more,
});

/** ka67 and ka68 as the inventory has them. */
export function pairSpec(name: string, more: Partial<LabHost> = {}): LabSpec {
  return {
    name,
    networks: [{ name: 'lan' }],
    hosts: [
      host('ka67', '172.16.8.10', { firewall: 'nftables-drop', ...more }),
      host('ka68', '172.16.8.11', { firewall: 'nftables-drop', ...more }),
      host('watch', '172.16.8.20'),
    ],
    controller: { addresses: { lan: ['172.16.8.2/24'] } },
  };
}

/**
 * A lab of a test: gone with this process, whatever happens to it. Its sshd logs every session, and a host that is down
 * is given up after 3 s.
 */
export async function raisePair(name: string, more: Partial<LabHost> = {}): Promise<Lab> {
  const lab = await labUp(pairSpec(`${name}-${process.pid}`, more), { ephemeral: true });
  const script = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  await Promise.all(lab.spec.hosts.map(({ name: one }) => lab.exec(one, { script }, { check: true })));
  giveUpSoon(lab);
  return lab;
}

/** A host that is down is given up after 3 s. */
export function giveUpSoon(lab: Lab): void {
  const text = readFileSync(lab.ssh.configFile, 'utf8');
  writeFileSync(lab.ssh.configFile, text.replace(/ConnectTimeout \d+/, 'ConnectTimeout 3'));
}

/** Which of the nodes hold the VIP; a node that is down holds nothing. */
export async function holders(lab: Lab, vip: string = VIP): Promise<string[]> {
  const asked = NODES.map(async node => {
    const seen = await lab.exec(node, ['ip', '-o', 'addr', 'show', 'to', vip]).catch(() => undefined);
    return seen?.stdout.includes(vip) === true ? [node] : [];
  });
  return (await Promise.all(asked)).flat();
}

/** Asks until `condition` gives something; throws with `what` after `timeoutMs` times the lab's patience. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  condition: () => Promise<T | undefined | false>,
): Promise<T> {
  const patientMs = timeoutMs * PATIENCE;
  const deadlineAtMs = performance.now() + patientMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineAtMs) throw new Error(`not within ${patientMs} ms: ${what}`);
    await sleep(50 * PATIENCE);
  }
}

/** Resolves when exactly `node` holds the VIP; throws after `timeoutMs`. */
export async function awaitHolder(lab: Lab, node: string, timeoutMs = 15_000): Promise<void> {
  await eventually(`${node} alone holds ${VIP}`, timeoutMs, async () => {
    const holding = await holders(lab);
    return holding.length === 1 && holding[0] === node;
  });
}

/** A snapshot of each node, side by side. */
export async function snapshots(lab: Lab): Promise<ReadonlyMap<string, Snapshot>> {
  const taken = NODES.map(async node => [node, await snapshotHost(lab, node)] as const);
  return new Map(await Promise.all(taken));
}

/** What these tests change themselves. */
const NO_TRACES: readonly Exclusion[] = [
  {
    keys: /^file:\/run\/systemd\/journal\/synced$/,
    reason: 'journalctl --sync, with which sessions are counted',
  },
];

/** What differs between two sets of snapshots, as text; empty if nothing does. */
export function differences(
  before: ReadonlyMap<string, Snapshot>,
  after: ReadonlyMap<string, Snapshot>,
): string {
  const exclusions = [...EXCLUSIONS, ...NO_TRACES];
  return NODES.map(node => {
    const changed = compareSnapshots(before.get(node) ?? new Map(), after.get(node) ?? new Map(), exclusions);
    return changed.length === 0 ? '' : `${node}:\n${formatDifferences(changed)}\n`;
  }).join('');
}

/** The paths of ours that are on a host. */
export async function ownPaths(lab: Lab, node: string): Promise<string[]> {
  const { stdout } = await lab.exec(node, [
    'find',
    '/opt',
    '/etc',
    '/var/lib',
    '/run',
    '-maxdepth',
    '1',
    '-name',
    'tandem*',
  ]);
  return stdout.split('\n').filter(Boolean).toSorted();
}
