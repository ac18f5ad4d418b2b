/**
 * `node bench/failover-picture.ts`: records a planned switchover and a crash of the master in the lab (two Debian hosts,
 * a third that watches), and draws docs/pictures/failover.svg from what was on the wire. The recording is kept beside it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '#base/assert.ts';
import type { FrameRecord } from '#lab/frame.ts';
import type { Lab } from '#lab/lab.ts';
import { drawTimeline, type Recording } from '#testing/timeline.ts';
import { prepareLab } from '../scripts/prepare-lab.ts';
import { awaitHolder, INSTANCE, INVENTORY, NODES, raisePair, VIP } from '../test/support/pair.ts';
import { tandem } from '../test/support/tandem.ts';

const FOLDER = new URL('../docs/pictures/', import.meta.url);
const ADDRESSES: Readonly<Record<string, string>> = { '172.16.8.10': 'ka67', '172.16.8.11': 'ka68' };
const PROBE_MS = 10;
const VRRP = 112;

/** Records around `act`, which returns when the event happened (epoch milliseconds) once it is over. */
async function record(
  lab: Lab,
  about: Pick<Recording, 'title' | 'event' | 'fromMs' | 'toMs'>,
  act: () => Promise<number>,
): Promise<Recording> {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp or arp' });
  const prober = await lab.probe('watch', VIP, { intervalMs: PROBE_MS });
  await prober.nextAnswer(5000);
  await sleep(-about.fromMs);
  const atMs = await act();
  await prober.nextAnswer(15_000);
  await sleep(Math.max(0, atMs + about.toMs - Date.now()));
  const { answeredAtMs, sent, lost } = await prober.stop();
  const frames = await sniffer.stop();
  const relative = (ms: number): number => Math.round((ms - atMs) * 10) / 10;
  const shown = (ms: number): boolean => ms >= about.fromMs && ms <= about.toMs;
  return {
    ...about,
    sent,
    lost,
    hosts: NODES.map(name => hostRecord(name, frames, relative, shown)),
    answeredMs: answeredAtMs.map(relative).filter(shown),
  };
}

function hostRecord(
  name: string,
  frames: readonly FrameRecord[],
  relative: (ms: number) => number,
  shown: (ms: number) => boolean,
): Recording['hosts'][number] {
  const adverts = frames.filter(one => one.proto === VRRP && ADDRESSES[one.srcIp ?? ''] === name);
  const macs = new Set(adverts.map(({ srcMac }) => srcMac));
  const arps = frames.filter(
    one => one.etherType === 0x0806 && one.srcIp === VIP && one.dstIp === VIP && macs.has(one.srcMac),
  );
  return {
    name,
    // RFC 3768 §5.1: the priority is the third byte.
    adverts: adverts
      .map(one => ({ atMs: relative(one.timeMs), priority: one.payload[2] ?? 0 }))
      .filter(({ atMs }) => shown(atMs)),
    gratuitousArpsMs: arps.map(one => relative(one.timeMs)).filter(shown),
  };
}

/** When a host said that it lets go, of the frames that come from now on. */
async function releasedBy(lab: Lab, name: string): Promise<() => Promise<number>> {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp' });
  return async () => {
    const release = await sniffer.waitFor(
      one => one.proto === VRRP && ADDRESSES[one.srcIp ?? ''] === name && one.payload[2] === 0,
      10_000,
    );
    await sniffer.stop();
    return release.timeMs;
  };
}

async function main(): Promise<void> {
  await prepareLab();
  const lab = await raisePair('picture');
  try {
    const applied = await tandem(lab, ['apply', '-i', INVENTORY]);
    if (applied.code !== 0) throw new Error(applied.stdout + applied.stderr);
    await awaitHolder(lab, 'ka67');
    const planned = await record(
      lab,
      { title: 'tandem failover', event: 'ka67 hands over', fromMs: -2500, toMs: 3500 },
      async () => {
        const released = await releasedBy(lab, 'ka67');
        const { code, stdout, stderr } = await tandem(lab, ['failover', INSTANCE, '-i', INVENTORY]);
        if (code !== 0) throw new Error(stdout + stderr);
        return await released();
      },
    );
    const back = await tandem(lab, ['failover', INSTANCE, '--to', 'ka67', '-i', INVENTORY]);
    if (back.code !== 0) throw new Error(back.stdout + back.stderr);
    await awaitHolder(lab, 'ka67');
    await sleep(2000);
    const crashed = await record(
      lab,
      { title: 'A crash of the master', event: 'ka67 crashes', fromMs: -2500, toMs: 5500 },
      async () => {
        const atMs = Date.now();
        await lab.crash('ka67');
        return atMs;
      },
    );
    const recordings = [planned, crashed];
    for (const one of recordings) must(one.answeredMs[0], `answers in ${one.title}`);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(new URL('failover.json', FOLDER), `${JSON.stringify(recordings)}\n`);
    writeFileSync(
      new URL('failover.svg', FOLDER),
      drawTimeline(recordings, 'Two nodes, one virtual address'),
    );
  } finally {
    await lab.down();
  }
}

await main();
