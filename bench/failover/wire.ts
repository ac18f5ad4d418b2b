/** Adverts on a segment, as its switch sees them. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseFrame } from '#lab/frame.ts';
import { PcapReader } from '#lab/pcap.ts';
import type { Segment } from '../../test/lab/daemon/segment.ts';

/** VRRP's number as an IP protocol. */
const VRRP = 112;
const LOOK_MS = 2;

export interface WireAdvert {
  /** Unix epoch, with microseconds as fraction. */
  readonly atMs: number;
  readonly from: string;
  readonly priority: number;
}

/** A recording that goes on. */
export interface Wire {
  /** In the order of sending. */
  readonly adverts: readonly WireAdvert[];
  /** The first advert, past or future, that satisfies `condition`. Throws after `timeoutMs`. */
  waitFor(condition: (advert: WireAdvert) => boolean, timeoutMs: number): Promise<WireAdvert>;
  /** Who alone has sent for five intervals. Throws after `timeoutMs`. */
  soleSender(intervalMs: number, timeoutMs: number): Promise<string>;
  stop(): void;
}

export async function tapWire(segment: Segment): Promise<Wire> {
  const enter = ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=${segment.switchNamespace.path}`];
  const tcpdump = ['tcpdump', '-i', 'br0', '-n', '-U', '--immediate-mode', '-w', '-', `ip proto ${VRRP}`];
  const [program = '', ...rest] = [...enter, ...tcpdump];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const adverts: WireAdvert[] = [];
  const reader = new PcapReader();
  child.stdout.on('data', (chunk: Buffer) => {
    for (const { timeMs, frame } of reader.push(chunk)) {
      const { srcIp, payload } = parseFrame(timeMs, frame);
      // RFC 5798 §5.2: the priority is the third byte.
      adverts.push({ atMs: timeMs, from: srcIp ?? '', priority: payload[2] ?? 0 });
    }
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('listening on')) resolve();
    });
    child.once('exit', () => reject(new Error(`tcpdump: ${said}`)));
  });
  const until = async <T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> => {
    const deadlineAtMs = performance.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (performance.now() > deadlineAtMs)
        throw new Error(
          `not within ${timeoutMs} ms: ${what}; the last: ${JSON.stringify(adverts.slice(-8))}`,
        );
      await sleep(LOOK_MS);
    }
  };
  return {
    adverts,
    waitFor: (condition, timeoutMs) => until('an advert', timeoutMs, () => adverts.find(condition)),
    soleSender: (intervalMs, timeoutMs) =>
      until('one sender', timeoutMs, () => {
        const sinceMs = Date.now() - 5 * intervalMs;
        const recent = adverts.slice(-12).filter(({ atMs }) => atMs >= sinceMs);
        const [first] = recent;
        const isAlone =
          recent.length >= 3 && recent.every(one => one.from === first?.from && one.priority > 0);
        return isAlone ? first?.from : undefined;
      }),
    stop: () => void child.kill('SIGTERM'),
  };
}
