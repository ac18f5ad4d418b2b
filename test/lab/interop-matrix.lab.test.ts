import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { must } from '#base/assert.ts';
import { Course, type Entrant } from './daemon/course.ts';
import { installPackages } from './daemon/packages.ts';
import type { Program } from './daemon/peer.ts';
import type { RouterSpec } from './daemon/router-spec.ts';
import { run, start } from './daemon/segment.ts';
import { buildRelease } from './daemon/tandem-node.ts';
import type { Namespace } from './native/namespace.ts';

const WAIT = { timeout: 15_000, interval: 20 };

const V4 = { vips: ['172.16.8.100'] } as const;
const V6 = { vips: ['fe80::6464/64', '2001:db8::64/64'] } as const;
const V2 = { version: 2, adverIntervalMs: 1000, ...V4 } as const;
const V3 = { version: 3, adverIntervalMs: 100, ...V4 } as const;

type Dialect = Omit<RouterSpec, 'priority'>;

/** What happens in a row; the first peer is the preferred one. */
type Events = (course: Course) => Promise<void>;

interface Row {
  readonly name: string;
  /** One for all, or one for each: the preferred first. */
  readonly dialects: readonly [Dialect, ...Dialect[]];
  readonly peers: readonly Exclude<Program, 'tandemd'>[];
  readonly events: Events;
  /** Of the nodes, the preferred first. */
  readonly priorities?: readonly number[];
  /** The preferred one has the highest address. */
  readonly descending?: true;
}

/** Elected, hands over, preempts, loses its cable and gets it back, crashes. */
const pair: Events = async course => {
  await course.startAndWin(0, 1);
  await course.stopAndHandOver(0, 1);
  await course.startAndWin(0);
  await course.cutAndHeal(0, 1);
  await course.crashAndTakeOver(0, 1);
};

/** The same, and a split that nobody is told of. */
const pairAndSplit: Events = async course => {
  await course.startAndWin(0, 1);
  await course.stopAndHandOver(0, 1);
  await course.startAndWin(0);
  await course.cutAndHeal(0, 1);
  await course.splitAndHeal(0, 1);
  await course.crashAndTakeOver(0, 1);
};

/** What one network loses the other gives up: at the stop and at the cut. */
const group: Events = async course => {
  await pair(course);
  expect(course.farewells(0, 0, 1), 'priority 0 on the other network').toBe(2);
};

const three: Events = async course => {
  await course.startAndWin(0, 1, 2);
  await course.stopAndHandOver(0, 1);
  await course.crashAndTakeOver(1, 2);
  await course.startAndWin(1);
  await course.startAndWin(0);
  await course.splitAndHeal(0, 1);
  await course.crashAndTakeOver(0, 1);
};

/** Whoever is MASTER stays it among equals; when two are, the higher address stays. */
const tie: Events = async course => {
  await course.startAndWin(1);
  await course.start(0);
  await course.expectToStay(1);
  await course.splitAndHeal(1, 0, 0);
  await course.stopAndHandOver(0, 1);
  await course.start(0);
  await course.expectToStay(1);
  await course.crashAndTakeOver(1, 0);
};

const nopreempt: Events = async course => {
  await course.startAndWin(1);
  await course.start(0);
  await course.expectToStay(1);
  await course.stopAndHandOver(1, 0);
  await course.start(1);
  await course.expectToStay(0);
  await course.crashAndTakeOver(0, 1);
  await course.start(0);
  await course.expectToStay(1);
};

const BOTH = ['keepalived', 'frr'] as const;
const STOCK = ['keepalived'] as const;

/** The slow ones first: they take longest, and run beside each other. */
const ROWS: readonly Row[] = [
  { name: 'v2', dialects: [V2], peers: BOTH, events: pair },
  { name: 'v2, PASS', dialects: [{ ...V2, auth: 'PASS' }], peers: STOCK, events: pair },
  { name: 'v2, AH', dialects: [{ ...V2, auth: 'AH' }], peers: STOCK, events: pair },
  { name: 'v2, AH, use_vmac', dialects: [{ ...V2, auth: 'AH', vmac: true }], peers: STOCK, events: pair },
  { name: 'v2, unicast', dialects: unicast(V2), peers: STOCK, events: pair },
  { name: 'v3, 1 s', dialects: [{ ...V3, adverIntervalMs: 1000 }], peers: STOCK, events: pair },
  { name: 'v3, 100 ms', dialects: [V3], peers: BOTH, events: pairAndSplit },
  {
    name: 'v3, 10 ms',
    dialects: [{ ...V3, adverIntervalMs: 10, realTime: true }],
    peers: STOCK,
    events: pairAndSplit,
  },
  { name: 'v3, unicast', dialects: unicast(V3), peers: STOCK, events: pairAndSplit },
  { name: 'v3, IPv6', dialects: [{ ...V3, ...V6 }], peers: BOTH, events: pairAndSplit },
  { name: 'v3, use_vmac', dialects: [{ ...V3, vmac: true }], peers: STOCK, events: pairAndSplit },
  {
    name: 'v3, use_vmac on the preferred one',
    dialects: [{ ...V3, vmac: true }, V3],
    peers: STOCK,
    events: pairAndSplit,
  },
  {
    name: 'v3, use_vmac on the other',
    dialects: [V3, { ...V3, vmac: true }],
    peers: STOCK,
    events: pairAndSplit,
  },
  {
    name: 'v3, the interval is learned',
    dialects: [V3, { ...V3, adverIntervalMs: 1000 }],
    peers: BOTH,
    events: pairAndSplit,
  },
  {
    name: 'sync group, one of two networks is cut',
    dialects: [{ ...V3, secondVips: ['172.16.9.100'] }],
    peers: STOCK,
    events: group,
  },
  { name: 'three nodes', dialects: [V3], priorities: [254, 200, 100], peers: STOCK, events: three },
  {
    name: 'equal priorities',
    dialects: [V3],
    priorities: [100, 100],
    descending: true,
    peers: STOCK,
    events: tie,
  },
  { name: 'nopreempt', dialects: [{ ...V3, nopreempt: true }], peers: STOCK, events: nopreempt },
];

function unicast(dialect: Dialect): [Dialect, Dialect] {
  const [one, other] = ['172.16.8.10', '172.16.8.11'];
  return [
    { ...dialect, unicast: { own: one, peers: [other] } },
    { ...dialect, unicast: { own: other, peers: [one] } },
  ];
}

/** Of one row: who is who, the preferred first. Several are run beside each other. */
interface Case {
  readonly name: string;
  readonly row: Row;
  readonly lineUps: readonly (readonly Program[])[];
}

/** Each row with tandemd in each role; among three there are two of it, or two of the other. What is slow shares a test. */
const CASES: readonly Case[] = ROWS.flatMap(row =>
  row.peers.flatMap(peer => {
    const lineUps: readonly (readonly Program[])[] =
      (row.priorities?.length ?? 2) === 3
        ? [
            ['tandemd', peer, 'tandemd'],
            [peer, 'tandemd', 'tandemd'],
            [peer, 'tandemd', peer],
            ['tandemd', peer, peer],
          ]
        : [
            ['tandemd', peer],
            [peer, 'tandemd'],
          ];
    if (row.dialects[0].adverIntervalMs >= 1000)
      return [{ name: `${row.name}: tandemd and ${peer}, both ways`, row, lineUps }];
    return lineUps.map(programs => ({
      name: `${row.name}: ${programs.join(', then ')}`,
      row,
      lineUps: [programs],
    }));
  }),
);

function entrants(row: Row, programs: readonly Program[]): Entrant[] {
  const priorities = row.priorities ?? [254, 100];
  return programs.map((program, i) => ({
    program,
    spec: { ...(row.dialects[i] ?? row.dialects[0]), priority: priorities[i] ?? 100 },
  }));
}

beforeAll(async () => {
  installPackages('keepalived', 'tshark', 'frr');
  await buildRelease();
}, 300_000);

describe('interoperation', () => {
  test.concurrent('tshark has no complaint about any kind of advert', async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-pcap-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const kinds = ROWS.filter(({ events }) => events === pair || events === pairAndSplit);
    const captures = await Promise.all(
      kinds.map(async ({ dialects: [dialect] }, i) => {
        const file = join(folder, `${i}.pcap`);
        return { file, namespace: await capture({ ...dialect, priority: 200 }, file, onTestFinished) };
      }),
    );
    const merged = join(folder, 'all.pcap');
    const [first] = captures;
    const { namespace } = must(first, 'a capture');
    run(namespace, ['mergecap', '-w', merged, ...captures.map(({ file }) => file)]);
    const fields = ['vrrp.checksum.status', '_ws.expert.severity', 'vrrp.prio'].flatMap(name => ['-e', name]);
    const argv = ['tshark', '-r', merged, '-Y', 'vrrp', '-T', 'fields', ...fields];
    const decoded = run(namespace, argv).trimEnd().split('\n');
    // Three adverts and the farewell of each.
    expect(decoded.length).toBeGreaterThanOrEqual(4 * kinds.length);
    expect(new Set(decoded)).toEqual(new Set(['1\t\t200', '1\t\t0']));
  });

  test.concurrent.for(CASES)('$name', async ({ row, lineUps }, { onTestFinished }) => {
    const race = async (programs: readonly Program[]): Promise<void> => {
      const course = await Course.make(onTestFinished, entrants(row, programs), row.descending);
      expect(course.peers).toHaveLength(programs.length);
      await row.events(course);
      course.expectOrder();
    };
    const outcomes = await Promise.allSettled(lineUps.map(race));
    for (const [i, outcome] of outcomes.entries())
      if (outcome.status === 'rejected')
        throw new Error(`${lineUps[i]?.join(', then ')}: ${String(outcome.reason)}`, {
          cause: outcome.reason,
        });
  });
});

/** Writes to `file` what tandemd sends from its election to its stop; returns where. */
async function capture(
  spec: RouterSpec,
  file: string,
  onTestFinished: (end: () => Promise<void>) => void,
): Promise<Namespace> {
  const course = await Course.make(onTestFinished, [
    { program: 'tandemd', spec },
    { program: 'tandemd', spec },
  ]);
  const filter = 'ip proto 112 or ip proto 51 or ip6 proto 112';
  const argv = ['tcpdump', '-i', 'br0', '-U', '--immediate-mode', '-w', file, filter];
  const tcpdump = start(course.switchNamespace, argv);
  await vi.waitFor(() => expect(tcpdump.said()).toContain('listening on'), WAIT);
  await course.start(0);
  await vi.waitFor(() => expect(course.adverts().length).toBeGreaterThanOrEqual(3), WAIT);
  await course.peer(0).end('SIGTERM');
  await vi.waitFor(() => expect(course.adverts().at(-1)?.priority).toBe(0), WAIT);
  const done = new Promise(resolve => tcpdump.process.once('exit', resolve));
  tcpdump.process.kill('SIGTERM');
  await done;
  return course.switchNamespace;
}
