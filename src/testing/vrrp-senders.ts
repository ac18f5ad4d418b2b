/** Who spoke for a virtual router, and whether two did at once: read off sniffed frames. Pure. */
import { viewOf } from '#wire/layout.ts';
import {
  adverIntervalMs,
  IPPROTO_VRRP,
  PRIORITY_RELEASE,
  TYPE_ADVERTISEMENT,
  VRRP_HEADER_LENGTH,
  vrrpV2Header,
} from '#wire/vrrp.ts';

/** What is needed of a sniffed frame. */
export interface SniffedFrame {
  readonly timeMs: number;
  readonly srcIp?: string;
  /** IP protocol number. */
  readonly proto?: number;
  /** What follows the IP header. */
  readonly payload: Uint8Array;
}

/** One advertisement on the wire. */
export interface SniffedAdvert {
  readonly timeMs: number;
  readonly source: string;
  readonly vrid: number;
  /** 0–255; 0 gives the router up. */
  readonly priority: number;
  /** As the packet announces it. */
  readonly intervalMs: number;
}

/** A time during which one source spoke for a virtual router without a pause. */
export interface Stint {
  readonly source: string;
  readonly vrid: number;
  /** Its first advert. */
  readonly fromMs: number;
  /** Its last advert, or the one with priority 0 that ended it. */
  readonly toMs: number;
  /** With a priority above 0. */
  readonly adverts: number;
}

/** A time during which two sources spoke for the same virtual router. */
export interface Overlap {
  readonly vrid: number;
  readonly sources: readonly [string, string];
  readonly fromMs: number;
  readonly ms: number;
}

/** A source that says nothing for more than so many of its own intervals has stopped. */
const PAUSE_INTERVALS = 2;

/** The advertisements among `frames`, in their order; versions 2 and 3, not behind AH. */
export function advertsOf(frames: readonly SniffedFrame[]): SniffedAdvert[] {
  return frames.flatMap(({ proto, srcIp, payload, timeMs }) => {
    if (proto !== IPPROTO_VRRP || srcIp === undefined || payload.length < VRRP_HEADER_LENGTH) return [];
    const view = viewOf(payload);
    const versionType = vrrpV2Header.field.versionType.get(view, 0);
    const version = versionType >> 4;
    if ((versionType & 0x0f) !== TYPE_ADVERTISEMENT || (version !== 2 && version !== 3)) return [];
    const vrid = vrrpV2Header.field.vrid.get(view, 0);
    const priority = vrrpV2Header.field.priority.get(view, 0);
    return { timeMs, source: srcIp, vrid, priority, intervalMs: adverIntervalMs(view, 0, version) };
  });
}

/** Every stint of every source and virtual router, in the order of their beginnings. */
export function stintsOf(adverts: readonly SniffedAdvert[]): Stint[] {
  const open = new Map<string, Stint>();
  const stints: Stint[] = [];
  const close = (key: string): void => {
    const stint = open.get(key);
    if (stint) stints.push(stint);
    open.delete(key);
  };
  for (const { timeMs, source, vrid, priority, intervalMs } of adverts) {
    const key = `${vrid} ${source}`;
    let stint = open.get(key);
    if (stint && timeMs - stint.toMs > PAUSE_INTERVALS * intervalMs) {
      close(key);
      stint = undefined;
    }
    if (priority !== PRIORITY_RELEASE) {
      const { fromMs = timeMs, adverts: before = 0 } = stint ?? {};
      open.set(key, { source, vrid, fromMs, toMs: timeMs, adverts: before + 1 });
    } else if (stint) {
      open.set(key, { ...stint, toMs: timeMs });
      close(key);
    }
  }
  stints.push(...open.values());
  return stints.toSorted((a, b) => a.fromMs - b.fromMs);
}

/** Every pair of stints of different sources that overlap, the longest first. */
export function overlapsOf(stints: readonly Stint[]): Overlap[] {
  const overlaps = stints.flatMap((one, index) =>
    stints.slice(index + 1).flatMap(other => {
      if (one.vrid !== other.vrid || one.source === other.source) return [];
      const fromMs = Math.max(one.fromMs, other.fromMs);
      const ms = Math.min(one.toMs, other.toMs) - fromMs;
      return ms > 0 ? { vrid: one.vrid, sources: [one.source, other.source] as const, fromMs, ms } : [];
    }),
  );
  return overlaps.toSorted((a, b) => b.ms - a.ms);
}

/** How long, at the most, two sources spoke for one virtual router at once, in ms; 0 if they never did. */
export function longestOverlapMs(frames: readonly SniffedFrame[]): number {
  return overlapsOf(stintsOf(advertsOf(frames)))[0]?.ms ?? 0;
}
