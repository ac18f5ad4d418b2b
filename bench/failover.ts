/**
 * `node bench/failover.ts [ROUNDS=100] [INTERVALS=1000,100,10]`: how long a backup takes to become master after a crash, a
 * clean stop and a cut cable, at adverts every so many milliseconds: tandemd's release, keepalived as Debian has it, and
 * keepalived scheduled in real time, side by side on segments of network namespaces. See docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '#base/assert.ts';
import { installPackages } from '../test/lab/daemon/packages.ts';
import { type RouterSpec, timersOf } from '../test/lab/daemon/router-spec.ts';
import { makeSegment } from '../test/lab/daemon/segment.ts';
import { CONTENDERS, type Contender, Router, versionsOf } from './failover/router.ts';
import { tapWire } from './failover/wire.ts';
import { median, quantile, row } from './statistics.ts';

const EVENTS = ['crash', 'clean stop', 'cable cut'] as const;
type Event = (typeof EVENTS)[number];

/** As `tandem` derives them. */
const PRIORITIES = [254, 253] as const;
const VIP = '172.16.8.100';
/** Segments of each contender at a time: at 1 s nearly all of the time is waiting. */
const LANES: Readonly<Record<number, number>> = { 1000: 4, 100: 2 };
const PATIENCE_MS = 30_000;

/** What one failover took, in ms. */
interface Sample {
  readonly event: Event;
  /** From the last advert of the old master (clean stop: its farewell) to the first of the new one. */
  readonly tookMs: number;
  /** What the RFC says to that. */
  readonly expectedMs: number;
  /** From the signal or the cut to the first advert of the new master. */
  readonly sinceEventMs: number;
}

async function lane(contender: Contender, intervalMs: number, rounds: number): Promise<Sample[]> {
  const segment = await makeSegment(2);
  const wire = await tapWire(segment);
  const specs = PRIORITIES.map((priority): RouterSpec => ({
    version: 3,
    priority,
    adverIntervalMs: intervalMs,
    nopreempt: true,
    vips: [VIP],
  }));
  const routers = segment.hosts.map((host, i) => new Router(host, contender, must(specs[i], 'a spec')));
  const samples: Sample[] = [];
  try {
    for (const router of routers) await router.start();
    for (let round = 0; round < rounds; round++)
      for (const event of EVENTS) {
        const sender = await wire.soleSender(intervalMs, PATIENCE_MS);
        const old = routers.findIndex(({ host }) => host.address === sender);
        const [from, to] = [must(routers[old], 'the master'), must(routers[1 - old], 'the backup')];
        // Any moment between two adverts.
        await sleep(Math.random() * intervalMs);
        const eventAtMs = Date.now();
        const restore = await act(event, from);
        const { skewMs, masterDownMs } = timersOf(must(specs[1 - old], 'a spec'), intervalMs);
        const first = await wire.waitFor(
          advert => advert.from === to.host.address && advert.atMs >= eventAtMs && advert.priority > 0,
          PATIENCE_MS,
        );
        const before = wire.adverts.filter(
          ({ from: source, atMs }) => source === sender && atMs < first.atMs,
        );
        const farewell = before.find(({ atMs, priority }) => atMs >= eventAtMs && priority === 0);
        const since = event === 'clean stop' ? farewell : before.at(-1);
        if (!since) throw new Error(`${contender}: no farewell: ${JSON.stringify(before.slice(-4))}`);
        samples.push({
          event,
          tookMs: first.atMs - since.atMs,
          expectedMs: event === 'clean stop' ? skewMs : masterDownMs,
          sinceEventMs: first.atMs - eventAtMs,
        });
        await restore();
      }
  } finally {
    await Promise.all(routers.map(router => router.remove()));
    wire.stop();
    segment.remove();
  }
  return samples;
}

/** Makes it happen; the function that comes back makes the router a BACKUP again. */
async function act(event: Event, router: Router): Promise<() => Promise<void>> {
  if (event === 'cable cut') return router.cut();
  await (event === 'crash' ? router.crash() : router.stop());
  return () => router.start();
}

function report(samples: ReadonlyMap<Contender, readonly Sample[]>): void {
  console.log(
    row([
      'event',
      'daemon',
      'n',
      'expected',
      'median',
      'over: median',
      'p99',
      'max',
      'since event: median',
      'p99',
    ]),
  );
  for (const event of EVENTS)
    for (const [contender, all] of samples) {
      const those = all.filter(sample => sample.event === event);
      const over = those.map(({ tookMs, expectedMs }) => tookMs - expectedMs);
      const sinceEvent = those.map(({ sinceEventMs }) => sinceEventMs);
      const cells = [
        median(those.map(({ expectedMs }) => expectedMs)),
        median(those.map(({ tookMs }) => tookMs)),
        median(over),
        quantile(over, 0.99),
        Math.max(...over),
        median(sinceEvent),
        quantile(sinceEvent, 0.99),
      ];
      console.log(row([event, contender, those.length, ...cells.map(value => value.toFixed(2))]));
    }
}

async function main(): Promise<void> {
  const [roundsText = '100', intervalsText = '1000,100,10'] = process.argv.slice(2);
  const rounds = Number(roundsText);
  installPackages('keepalived', 'tcpdump');
  execFileSync(process.execPath, ['scripts/build.ts', '--if-changed', '--only', 'release'], {
    cwd: join(import.meta.dirname, '..'),
  });
  const load = () => `load ${loadavg()[0]?.toFixed(1)}`;
  console.log(`${new Date().toISOString().slice(0, 10)}, ${versionsOf()}; milliseconds`);
  for (const intervalMs of intervalsText.split(',').map(Number)) {
    const lanes = Math.min(rounds, LANES[intervalMs] ?? 1);
    console.log(`\nadverts every ${intervalMs} ms, ${load()}`);
    const measured = CONTENDERS.map(async (contender): Promise<[Contender, Sample[]]> => {
      const each = Array.from({ length: lanes }, () =>
        lane(contender, intervalMs, Math.ceil(rounds / lanes)),
      );
      return [contender, (await Promise.all(each)).flat()];
    });
    report(new Map(await Promise.all(measured)));
    console.log(load());
  }
}

await main();
