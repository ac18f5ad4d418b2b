/** docs/topologies.md: a table of what tests saw of each shipped topology. */
import type { Observation } from './topology-report.ts';

/** A topology that must work: the shipped inventories that show it. */
interface TopologyRow {
  readonly inventories: readonly string[];
  readonly what: string;
}

/** Row 1 first. */
export const TOPOLOGY_ROWS: readonly TopologyRow[] = [
  { inventories: ['two-node'], what: 'one network, active and standby' },
  { inventories: ['dual-master'], what: 'one network, two VIPs, masters crossed' },
  { inventories: ['dual-network-sync'], what: 'two networks that fail over together' },
  { inventories: ['dual-network-async'], what: 'two networks that fail over each for itself' },
  {
    inventories: ['dual-network-sync-dual-master'],
    what: 'two networks, two VIPs each, in two sync groups',
  },
  { inventories: ['dual-network-async-dual-master'], what: 'the same without sync groups' },
  { inventories: ['lvs-dr-dual-master'], what: 'direct routing: two directors, two real servers' },
  { inventories: ['lvs-nat-sync'], what: 'NAT with port mapping; servers answer through the VIP' },
  { inventories: ['lvs-tun'], what: 'tunnelling: the VIP on tunl0' },
  { inventories: ['lvs-dr-sorry'], what: 'TCP_CHECK, persistence, sorry server' },
  {
    inventories: ['nginx-dual-network-dual-master'],
    what: 'row 6 with nginx on the directors, tracked by a script',
  },
  { inventories: ['haproxy'], what: 'haproxy bound to the VIP on both nodes; its check restarts it' },
  { inventories: ['three-node-three-master'], what: 'three VIPs, each with one backup' },
  { inventories: ['three-node-full'], what: 'three VIPs, each with two backups' },
  { inventories: ['unicast'], what: 'row 2 without multicast' },
  { inventories: ['nopreempt', 'preempt-delay'], what: 'the old master comes back, and waits' },
  { inventories: ['tracking'], what: 'priorities that follow processes, files, interfaces and scripts' },
  { inventories: ['notify'], what: 'scripts, mail and a status file at every transition' },
  { inventories: ['vrrp-v3-ipv6'], what: 'VRRPv3 at 0.1 s, IPv4 and IPv6' },
  { inventories: ['mixed-pair'], what: 'one node runs stock keepalived' },
  { inventories: ['config-d'], what: 'one file per cluster, a log file of its own' },
  { inventories: ['lvs-dr-dual-stack'], what: 'three directors, IPv4 and IPv6' },
  { inventories: ['lvs-nat-dual-master'], what: 'row 5 with NAT, each pair with its real servers' },
  { inventories: ['vlan-pair'], what: 'three VLANs of a bond in one sync group' },
  { inventories: ['fleet'], what: 'ten pairs as ten clusters' },
];

const HEAD = `# Topologies

The shipped inventories, each rehearsed on real hosts in namespaces, or in a kernel with IPVS. \`npm test\` writes
this table at its end (with \`--shard\` the rows that were run). \`npm run docs:topologies\` writes it from
what the last runs of single files saw. Commit it when it says something new.

An outage is the longest time without an answer, to an echo or request every 10 ms or faster unless the row says
otherwise, on a machine that did other work too.

| # | inventory | what it is | test | what was seen | outage |
|---|---|---|---|---|---|
`;

const NOT_SEEN = 'nothing: no test of it passed';

/**
 * The page. A row without an observation keeps its line of `previous`, unless `complete`: then it says that nothing was
 * seen.
 */
export function topologiesPage(
  previous: string,
  observations: readonly Observation[],
  complete: boolean,
): string {
  const kept = new Map(
    previous.split('\n').flatMap(line => {
      const number = /^\| (\d+) \|/.exec(line)?.[1];
      return number === undefined ? [] : [[Number(number), line] as const];
    }),
  );
  const lines = TOPOLOGY_ROWS.map((row, index) => {
    const seen = observations
      .filter(one => one.row === index + 1)
      .toSorted((one, other) => one.test.localeCompare(other.test));
    const old = complete ? undefined : kept.get(index + 1);
    return seen.length === 0 && old !== undefined ? old : lineOf(index + 1, row, seen);
  });
  return `${HEAD}${lines.join('\n')}\n`;
}

function lineOf(number: number, row: TopologyRow, seen: readonly Observation[]): string {
  const inventories = row.inventories.map(name => `[${name}](../inventory/${name}.yml)`).join(', ');
  const cells = (of: (one: Observation) => string): string => seen.map(of).join('<br>');
  return `| ${[
    number,
    inventories,
    row.what,
    cells(one => testOf(one.test)),
    seen.length === 0 ? NOT_SEEN : cells(one => one.text.replaceAll('|', '\\|')),
    cells(one => (one.outageMs === undefined ? '–' : durationOf(one.outageMs))),
  ].join(' | ')} |`;
}

/** The file as a link, then the name. */
function testOf(test: string): string {
  const [file = '', ...names] = test.split(' › ');
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.(lab|ipvs|ipvs-lab)\.test\.ts$/, '');
  return `[${name}](../${file}): ${names.join(', ').replaceAll('|', '\\|')}`;
}

function durationOf(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
