import { describe, expect, test } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { AdvertisementPacket } from '#wire/vrrp-packet.ts';
import { advertsOf, longestOverlapMs, overlapsOf, type SniffedFrame, stintsOf } from './vrrp-senders.ts';

const A = '172.16.8.10';
const B = '172.16.8.11';

const ip = (text: string): Uint8Array => must(parseIp(text), text);

function advert(
  timeMs: number,
  source: string,
  priority = 100,
  vrid = 103,
  version: 2 | 3 = 2,
): SniffedFrame {
  const packet = new AdvertisementPacket({
    version,
    vrid,
    adverIntervalMs: 1000,
    addresses: [ip('172.16.8.100')],
    source: ip(source),
    destination: ip('224.0.0.18'),
    cast: 'multicast',
    pseudoHeader: true,
  });
  packet.setPriority(priority);
  return { timeMs, srcIp: source, proto: 112, payload: packet.bytes };
}

/** Adverts of `source` at `atMs`, each 1 s after the other. */
const series = (source: string, fromMs: number, count: number): SniffedFrame[] =>
  Array.from({ length: count }, (_, index) => advert(fromMs + index * 1000, source));

const sorted = (frames: readonly SniffedFrame[]): SniffedFrame[] =>
  frames.toSorted((a, b) => a.timeMs - b.timeMs);
const spans = (frames: readonly SniffedFrame[]) =>
  stintsOf(advertsOf(sorted(frames))).map(({ source, fromMs, toMs, adverts }) => [
    source,
    fromMs,
    toMs,
    adverts,
  ]);

describe('adverts', () => {
  test.each([2, 3] as const)('version %d is read', version => {
    expect(advertsOf([advert(5, A, 254, 7, version)])).toEqual([
      { timeMs: 5, source: A, vrid: 7, priority: 254, intervalMs: 1000 },
    ]);
  });

  test('other protocols, other types and what is cut short are none', () => {
    const whole = advert(0, A);
    const otherType = Uint8Array.from(whole.payload, (byte, index) => (index === 0 ? 0x22 : byte));
    expect(
      advertsOf([
        { ...whole, proto: 17 },
        { ...whole, payload: whole.payload.subarray(0, 7) },
        { ...whole, payload: otherType },
      ]),
    ).toEqual([]);
  });
});

describe('stints', () => {
  test('last from the first advert to the last', () => {
    expect(spans(series(A, 0, 4))).toEqual([[A, 0, 3000, 4]]);
  });

  test('end with priority 0, which is none of their adverts', () => {
    expect(spans([...series(A, 0, 2), advert(1400, A, 0), ...series(A, 1500, 1)])).toEqual([
      [A, 0, 1400, 2],
      [A, 1500, 1500, 1],
    ]);
    expect(spans([advert(0, A, 0)])).toEqual([]);
  });

  test('end with a silence of more than two intervals', () => {
    expect(spans([...series(A, 0, 2), ...series(A, 3000, 1), ...series(A, 5001, 1)])).toEqual([
      [A, 0, 3000, 3],
      [A, 5001, 5001, 1],
    ]);
  });
});

describe('overlaps', () => {
  test('a crash, a release and a preemption are none', () => {
    const crash = [...series(A, 0, 3), ...series(B, 5609, 3)];
    const release = [...series(B, 10_000, 1), advert(10_200, B, 0), ...series(A, 10_204, 2)];
    const preemption = [...series(B, 20_000, 2), ...series(A, 21_300, 2)];
    for (const frames of [crash, release, preemption]) expect(longestOverlapMs(sorted(frames))).toBe(0);
  });

  test('two masters are one for as long as both go on', () => {
    const frames = sorted([...series(A, 0, 5), ...series(B, 500, 3)]);
    expect(overlapsOf(stintsOf(advertsOf(frames)))).toEqual([
      { vrid: 103, sources: [A, B], fromMs: 500, ms: 2000 },
    ]);
    expect(longestOverlapMs(frames)).toBe(2000);
  });

  test('of different virtual routers are none', () => {
    expect(
      longestOverlapMs([advert(0, A), advert(500, B, 100, 104), advert(1000, A), advert(1500, B, 100, 104)]),
    ).toBe(0);
  });
});
