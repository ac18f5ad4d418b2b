import { vi } from 'vitest';
import { type Segment, start } from './segment.ts';

/** One VRRP advertisement as it passed the switch. */
export interface Advert {
  /** Kernel's time stamp, Unix epoch in ms. */
  readonly atMs: number;
  /** Source MAC address of its frame. */
  readonly mac: string;
  readonly from: string;
  readonly to: string;
  readonly vrid: number;
  readonly priority: number;
  /** The interval that it states. */
  readonly intervalMs: number;
}

/** A gratuitous ARP. */
interface GratuitousArp {
  readonly atMs: number;
  readonly address: string;
}

/** Records what passes a switch. */
export interface Recording {
  adverts(): Advert[];
  arps(): GratuitousArp[];
  /** Waits until something is recorded that passed now or later: a recording lags behind. Adverts must be under way. */
  caughtUp(): Promise<void>;
  /** Everything that tcpdump wrote, for messages. */
  text(): string;
  stop(): Promise<void>;
}

const CATCH_UP_MS = 15_000;

const ADVERT =
  /^(\d+\.\d+) (\S+) > \S+ ethertype IPv[46] [^:]*: (\S+) > (\S+): .*VRRPv[23], Advertisement, .*?vrid (\d+), prio (\d+),.* intvl (\d+)(c?)s/;
const ARP = /^(\d+\.\d+) \S+ > \S+ ethertype ARP [^:]*: (?:Request who-has (\S+) .*?tell \2,|Reply)/;

/** Starts recording; returns when nothing is missed any more. */
export async function record(segment: Segment, bridge = 'br0'): Promise<Recording> {
  const argv = [
    'tcpdump',
    '-i',
    bridge,
    '-n',
    '-e',
    '-tt',
    '-l',
    '--immediate-mode',
    // What 255 instances send in a second must fit while tcpdump waits for a processor.
    '-B',
    '16384',
    'ip proto 112 or ip proto 51 or ip6 proto 112 or arp',
  ];
  const tcpdump = start(segment.switchNamespace, argv);
  await vi.waitFor(
    () => {
      if (!tcpdump.said().includes('listening on')) throw new Error(`tcpdump: ${tcpdump.said()}`);
    },
    { timeout: 5000, interval: 20 },
  );
  const matches = (pattern: RegExp): (string | undefined)[][] =>
    tcpdump
      .said()
      .split('\n')
      .flatMap(line => {
        const match = pattern.exec(line);
        return match ? [[...match]] : [];
      });
  const newestMs = () =>
    Number(/.*(?:^|\n)(\d+\.\d+) [^\n]*\n/s.exec(tcpdump.said())?.[1] ?? Number.NaN) * 1000;
  return {
    caughtUp: () => {
      const nowMs = Date.now();
      return vi.waitFor(
        () => {
          if (!(newestMs() >= nowMs)) throw new Error(`recorded up to ${newestMs()}, not to ${nowMs}`);
        },
        { timeout: CATCH_UP_MS, interval: 20 },
      );
    },
    adverts: () =>
      matches(ADVERT).map(([, at, mac = '', from = '', to = '', vrid, priority, interval, centi]) => ({
        atMs: Number(at) * 1000,
        mac,
        from,
        to,
        vrid: Number(vrid),
        priority: Number(priority),
        intervalMs: Number(interval) * (centi === 'c' ? 10 : 1000),
      })),
    arps: () => matches(ARP).map(([, at, address = '']) => ({ atMs: Number(at) * 1000, address })),
    text: tcpdump.said,
    stop: () =>
      new Promise(resolve => {
        tcpdump.process.once('exit', () => resolve());
        tcpdump.process.kill('SIGTERM');
      }),
  };
}

/** Gaps between successive adverts, in ms. */
export function gaps(adverts: readonly Advert[]): number[] {
  return adverts.slice(1).map((advert, i) => advert.atMs - (adverts[i]?.atMs ?? advert.atMs));
}

/**
 * The longest time during which two senders of one VRID were both at work, in ms: from the first advert of a new sender
 * to the last one of the old. Priority 0 is a farewell and does not count.
 */
export function overlapMs(adverts: readonly Advert[]): number {
  const spans = new Map<string, { first: number; last: number }>();
  for (const { from, atMs, priority } of adverts) {
    if (priority === 0) continue;
    const span = spans.get(from);
    if (span) span.last = atMs;
    else spans.set(from, { first: atMs, last: atMs });
  }
  const [one, other] = [...spans.values()];
  return one && other ? Math.max(0, Math.min(one.last, other.last) - Math.max(one.first, other.first)) : 0;
}
