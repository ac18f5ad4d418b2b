/**
 * The shipped inventories as they stand, each on hosts of its own: built, seen, broken, seen, healed, seen; a second
 * apply finds nothing to do; teardown.
 */
import { describe, expect, test } from 'vitest';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import { labUp, type Lab } from '#lab/lab.ts';
import {
  healthy,
  idleAndDown,
  inWords,
  moved,
  outageOf,
  placed,
  placement,
  slots,
  type Placement,
} from '../support/rehearsal.ts';
import { ROOT, said, tandem } from '../support/tandem.ts';
import { reportRow } from '../support/topology-report.ts';

interface Topology {
  /** In docs/topologies.md. */
  readonly row: number;
  readonly inventory: string;
  readonly built: Placement;
  /** What {@link broken} does. */
  readonly fault: string;
  readonly broken: (lab: Lab) => Promise<unknown>;
  readonly whenBroken: Placement;
  readonly healed: (lab: Lab) => Promise<unknown>;
  readonly whenHealed: Placement;
}

/** Three advertisements of a second, the longest skew (RFC 3768 §5.3.2), and what a busy machine may add. */
const OUTAGE_MAX_MS = 3000 + 1000 + 500;
const EXT_1 = '10.16.8.100';
const EXT_2 = '10.16.8.101';
const INT_1 = '172.16.8.100';
const INT_2 = '172.16.8.101';
const crossed = { [EXT_1]: 'ka67', [EXT_2]: 'ka68', [INT_1]: 'ka67', [INT_2]: 'ka68' };
const crash = (...hosts: string[]) => ({
  fault: `crash of ${hosts.join(' and ')}`,
  broken: (lab: Lab) => Promise.all(hosts.map(host => lab.crash(host))),
  healed: (lab: Lab) => Promise.all(hosts.map(host => lab.start(host))),
});
const cut = (host: string, nic: string) => ({
  fault: `${nic} of ${host} cut`,
  broken: (lab: Lab) => lab.cut(host, nic),
  healed: (lab: Lab) => lab.heal(),
});

const TOPOLOGIES: readonly Topology[] = [
  {
    row: 2,
    inventory: 'dual-master',
    built: { [INT_1]: 'ka67', [INT_2]: 'ka68' },
    ...crash('ka67'),
    whenBroken: { [INT_1]: 'ka68', [INT_2]: 'ka68' },
    whenHealed: { [INT_1]: 'ka67', [INT_2]: 'ka68' },
  },
  {
    row: 3,
    inventory: 'dual-network-sync',
    built: { [EXT_1]: 'ka67', [INT_1]: 'ka67' },
    ...cut('ka67', 'eth2'),
    whenBroken: { [EXT_1]: 'ka68', [INT_1]: 'ka68' },
    whenHealed: { [EXT_1]: 'ka67', [INT_1]: 'ka67' },
  },
  {
    row: 4,
    inventory: 'dual-network-async',
    built: { [EXT_1]: 'ka67', [INT_1]: 'ka67' },
    ...cut('ka67', 'eth2'),
    whenBroken: { [EXT_1]: 'ka67', [INT_1]: 'ka68' },
    whenHealed: { [EXT_1]: 'ka67', [INT_1]: 'ka67' },
  },
  {
    row: 5,
    inventory: 'dual-network-sync-dual-master',
    built: crossed,
    ...cut('ka67', 'eth1'),
    whenBroken: { [EXT_1]: 'ka68', [EXT_2]: 'ka68', [INT_1]: 'ka68', [INT_2]: 'ka68' },
    whenHealed: crossed,
  },
  {
    row: 6,
    inventory: 'dual-network-async-dual-master',
    built: crossed,
    ...cut('ka67', 'eth1'),
    whenBroken: { ...crossed, [EXT_1]: 'ka68' },
    whenHealed: crossed,
  },
  {
    row: 13,
    inventory: 'three-node-three-master',
    built: { '172.16.8.101': 'ka1', '172.16.8.102': 'ka2', '172.16.8.103': 'ka3' },
    ...crash('ka1'),
    whenBroken: { '172.16.8.101': 'ka2', '172.16.8.102': 'ka2', '172.16.8.103': 'ka3' },
    whenHealed: { '172.16.8.101': 'ka1', '172.16.8.102': 'ka2', '172.16.8.103': 'ka3' },
  },
  {
    row: 14,
    inventory: 'three-node-full',
    built: { '172.16.8.101': 'ka1', '172.16.8.102': 'ka2', '172.16.8.103': 'ka3' },
    ...crash('ka1', 'ka2'),
    whenBroken: { '172.16.8.101': 'ka3', '172.16.8.102': 'ka3', '172.16.8.103': 'ka3' },
    whenHealed: { '172.16.8.101': 'ka1', '172.16.8.102': 'ka2', '172.16.8.103': 'ka3' },
  },
  {
    row: 15,
    inventory: 'unicast',
    built: { [INT_1]: 'ka67', [INT_2]: 'ka68' },
    ...crash('ka68'),
    whenBroken: { [INT_1]: 'ka67', [INT_2]: 'ka67' },
    whenHealed: { [INT_1]: 'ka67', [INT_2]: 'ka68' },
  },
  {
    row: 16,
    inventory: 'nopreempt',
    built: { [INT_1]: 'ka67' },
    ...crash('ka67'),
    whenBroken: { [INT_1]: 'ka68' },
    whenHealed: { [INT_1]: 'ka68' },
  },
];

/** Milliseconds that the VIPs of the failed host were away. */
async function rehearse(lab: Lab, topology: Topology): Promise<number> {
  const path = `${ROOT}inventory/${topology.inventory}.yml`;
  const first = await tandem(lab, ['apply', '-i', path]);
  expect(first.code, said(first)).toBe(0);
  await placed(lab, topology.built);
  const outageMs = await outageOf(lab, moved(topology.built, topology.whenBroken), async () => {
    await topology.broken(lab);
    await placed(lab, topology.whenBroken);
  });
  expect(outageMs).toBeLessThan(OUTAGE_MAX_MS);
  await topology.healed(lab);
  await placed(lab, topology.whenHealed);
  await healthy(lab, path);
  await placed(lab, topology.whenHealed);
  await idleAndDown(lab, path, [topology.inventory]);
  const nobody = Object.fromEntries(Object.keys(topology.built).map(vip => [vip, '']));
  expect(await placement(lab, Object.keys(topology.built))).toEqual(nobody);
  return outageMs;
}

const inSlot = slots(3);

describe.concurrent.each(TOPOLOGIES)('$inventory', topology => {
  test('is built, fails over as it should, and is taken down', ({ task }) =>
    inSlot(TOPOLOGIES.indexOf(topology), async () => {
      const spec = labSpecOf(
        [`${ROOT}inventory/${topology.inventory}.yml`],
        `t${TOPOLOGIES.indexOf(topology)}-${process.pid}`,
      );
      const lab = await labUp(spec, { ephemeral: true });
      try {
        const sniffer = await lab.sniff(spec.networks[0]?.name ?? '', { filter: 'vrrp' });
        const outageMs = await rehearse(lab, topology);
        const groups = (await sniffer.stop()).filter(frame => frame.dstIp?.startsWith('224.'));
        expect(groups.length > 0).toBe(topology.inventory !== 'unicast');
        const { row, built, fault, whenBroken, whenHealed } = topology;
        const text = `built: ${inWords(built)}. ${fault}: ${inWords(whenBroken)}. Healed: ${inWords(whenHealed)}. Second apply 0 changed, teardown`;
        reportRow(task, row, text, outageMs);
      } finally {
        await lab.down();
      }
    }));
});
