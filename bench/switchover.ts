/**
 * `node bench/switchover.ts [TIMES=20]`: planned switchovers of the pair of inventory/two-node.yml by `tandem failover`, to
 * and fro, while a third host sends an echo to the virtual address every millisecond. See docs/benchmarks.md.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '#lab/lab.ts';
import { advertsOf } from '#testing/vrrp-senders.ts';
import { awaitHolder, INSTANCE, INVENTORY, NODES, raisePair, VIP } from '../test/support/pair.ts';
import { said, tandem } from '../test/support/tandem.ts';
import { median, row } from './statistics.ts';

const PROBE_MS = 1;
const SETTLE_MS = 2000;

interface Switchover {
  readonly sent: number;
  readonly lost: number;
  readonly largestGapMs: number;
  /** The command, from its start to its end. */
  readonly commandS: number;
  /** From the farewell to the first advert of the new master. */
  readonly takeoverMs: number;
}

async function switchOver(lab: Lab, to: string): Promise<Switchover> {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp' });
  const prober = await lab.probe('watch', VIP, { intervalMs: PROBE_MS });
  await prober.nextAnswer(5000);
  const startedAtMs = performance.now();
  const run = await tandem(lab, ['failover', INSTANCE, '--to', to, '-i', INVENTORY]);
  const commandS = (performance.now() - startedAtMs) / 1000;
  if (run.code !== 0) throw new Error(said(run));
  await awaitHolder(lab, to);
  await prober.nextAnswer(5000);
  const { sent, lost, largestGapMs } = await prober.stop();
  const adverts = advertsOf(await sniffer.stop());
  const farewell = adverts.findIndex(({ priority }) => priority === 0);
  const old = adverts[farewell];
  const first = adverts.slice(farewell + 1).find(({ source }) => source !== old?.source);
  if (!old || !first) throw new Error(`no farewell: ${JSON.stringify(adverts)}`);
  return { sent, lost, largestGapMs, commandS, takeoverMs: first.timeMs - old.timeMs };
}

async function main(): Promise<void> {
  const times = Number(process.argv[2] ?? 20);
  const load = () => `load ${loadavg()[0]?.toFixed(1)}`;
  const lab = await raisePair('switchover');
  try {
    const built = await tandem(lab, ['apply', '-i', INVENTORY]);
    if (built.code !== 0) throw new Error(said(built));
    await awaitHolder(lab, NODES[0]);
    console.log(`${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${load()}`);
    console.log(row(['to', 'sent', 'lost', 'largest gap ms', 'farewell to advert ms', 'command s']));
    const all: Switchover[] = [];
    for (let i = 1; i <= times; i++) {
      await sleep(SETTLE_MS);
      const to = NODES[i % 2] ?? NODES[0];
      const one = await switchOver(lab, to);
      all.push(one);
      const { sent, lost, largestGapMs, takeoverMs, commandS } = one;
      console.log(row([to, sent, lost, largestGapMs.toFixed(1), takeoverMs.toFixed(1), commandS.toFixed(2)]));
    }
    const clean = all.filter(({ lost }) => lost === 0).length;
    const gaps = all.map(({ largestGapMs }) => largestGapMs);
    console.log(
      `${clean} of ${times} without a lost packet; largest gap: median ${median(gaps).toFixed(1)} ms, most ${Math.max(...gaps).toFixed(1)} ms; ${load()}`,
    );
  } finally {
    await lab.down();
  }
}

await main();
