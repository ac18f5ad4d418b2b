import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VrrpInstance } from '#conf/model.ts';
import { SecretBytes } from '#conf/secret.ts';
import { advertisementFrom } from '#testing/advertisement.ts';
import type { Arrival } from '#testing/lan.ts';
import { config, instance, ip, vip } from '#testing/scenario-config.ts';
import { checksumOf, pseudoHeaderSum, sumWords } from '#wire/checksum.ts';
import { viewOf } from '#wire/layout.ts';
import type { Action } from './action.ts';
import type { RouterCounters } from './counters.ts';
import { createEngine, receive, step } from './engine.ts';
import { LADDER } from './ladder.ts';
import type { VirtualRouter, VrrpEngine } from './state.ts';

const OWN = ip('192.0.2.5');
const PEER = ip('192.0.2.9');
const GROUP = ip('224.0.0.18');
const position = { file: 'test.conf', line: 1, column: 1 };
const auth = (type: 'PASS' | 'AH', text = 'sesame\0\0'): Partial<VrrpInstance> => ({
  authentication: { type, data: new SecretBytes(new TextEncoder().encode(text)), position },
});
const peers = (...list: [string, number?, number?][]): Partial<VrrpInstance> => ({
  unicastPeers: list.map(([text, minTtl, maxTtl]) => ({ address: ip(text), minTtl, maxTtl, position })),
});

interface Rig {
  readonly engine: VrrpEngine;
  readonly router: VirtualRouter;
  readonly actions: Action[];
}

function backup(fields: Partial<VrrpInstance> = {}): Rig {
  const actions: Action[] = [];
  const engine = createEngine(config([instance(fields)]), 0, actions);
  const [router] = engine.routers;
  if (!router) throw new Error('no router');
  step(engine, { kind: 'linkChanged', interface: 'eth0', exists: true, up: true }, 0, actions);
  const address = router.family === 4 ? OWN : ip('fe80::5');
  step(engine, { kind: 'addressAdded', interface: 'eth0', address }, 0, actions);
  step(engine, { kind: 'start' }, 0, actions);
  actions.length = 0;
  return { engine, router, actions };
}

function hear(rig: Rig, arrival: Arrival): void {
  receive(rig.engine, rig.router.segment, arrival, 100, rig.actions);
}

/** Counters of the ladder that are not zero. */
function failures(router: VirtualRouter): Partial<RouterCounters> {
  const rungs = LADDER.map(rung => [rung.counter, router.counters[rung.counter]] as const);
  return Object.fromEntries(rungs.filter(([, count]) => count > 0));
}

/** Changes a byte of the VRRP message and, unless told otherwise, mends its checksum (no pseudo-header). */
function patch(arrival: Arrival, offset: number, value: number): Arrival {
  const view = viewOf(arrival.bytes);
  const base = arrival.offset;
  view.setUint8(base + offset, value);
  view.setUint16(base + 6, 0);
  view.setUint16(base + 6, checksumOf(sumWords(view, base, arrival.end)));
  return arrival;
}

interface Case {
  readonly rung: keyof RouterCounters;
  readonly title: string;
  readonly ours?: Partial<VrrpInstance>;
  readonly theirs?: Partial<VrrpInstance>;
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
  readonly change?: (arrival: Arrival) => Arrival;
}

const CASES: readonly Case[] = [
  { rung: 'ahPresence', title: 'AH that is not configured', theirs: auth('AH') },
  { rung: 'ahPresence', title: 'no AH where it is configured', ours: auth('AH') },
  { rung: 'packetLength', title: 'cut by one byte', change: a => ({ ...a, end: a.end - 1 }) },
  { rung: 'packetLength', title: 'more addresses than bytes', change: a => patch(a, 3, 2) },
  { rung: 'packetLength', title: 'fewer addresses than bytes', theirs: long(), change: a => patch(a, 3, 2) },
  { rung: 'packetLength', title: 'truncated by the buffer', change: a => ({ ...a, truncated: true }) },
  { rung: 'ttl', title: 'multicast, TTL 254', change: a => ({ ...a, ttl: 254 }) },
  {
    rung: 'ttl',
    title: 'unicast, below min_ttl',
    ours: peers(['192.0.2.9', 250]),
    to: OWN,
    change: a => ({ ...a, ttl: 249 }),
  },
  {
    rung: 'ttl',
    title: 'unicast, above max_ttl',
    ours: peers(['192.0.2.9', 0, 64]),
    to: OWN,
    change: a => ({ ...a, ttl: 65 }),
  },
  { rung: 'version', title: 'version 3 to version 2', theirs: { version: 3 } },
  { rung: 'version', title: 'version 2 to version 3', ours: { version: 3 } },
  { rung: 'type', title: 'type 2', change: a => patch(a, 0, 0x22) },
  { rung: 'authTypeInvalid', title: 'type 3', change: a => patch(a, 4, 3) },
  { rung: 'authTypeMismatch', title: 'none where PASS is configured', ours: auth('PASS') },
  { rung: 'authTypeMismatch', title: 'PASS where none is configured', theirs: auth('PASS') },
  { rung: 'authFailure', title: 'another password', ours: auth('PASS'), theirs: auth('PASS', 'sesamf\0\0') },
  { rung: 'authFailure', title: 'another key', ours: auth('AH'), theirs: auth('AH', 'sesamf\0\0') },
  {
    rung: 'authFailure',
    title: 'AH, a byte changed on the way',
    ours: auth('AH'),
    theirs: auth('AH'),
    change: a => {
      a.bytes[a.offset + 26] = 255;
      return a;
    },
  },
  {
    rung: 'checksum',
    title: 'version 2',
    change: a => {
      a.bytes[a.offset + 2] = 7;
      return a;
    },
  },
  {
    rung: 'checksum',
    title: 'version 2 with a pseudo-header',
    change: a => {
      const view = viewOf(a.bytes);
      const pseudo = pseudoHeaderSum(a.source, a.destination, 112, a.end - a.offset);
      view.setUint16(a.offset + 6, 0);
      view.setUint16(a.offset + 6, checksumOf(sumWords(view, a.offset, a.end, pseudo)));
      return a;
    },
  },
  { rung: 'cast', title: 'unicast to a multicast router', to: OWN },
  { rung: 'cast', title: 'multicast to a unicast router', ours: peers(['192.0.2.9']) },
  {
    rung: 'unknownPeer',
    title: 'check_unicast_src',
    ours: { ...peers(['192.0.2.8']), checkUnicastSrc: true },
    to: OWN,
  },
  { rung: 'ownAddress', title: 'our own packet came back', from: OWN },
  { rung: 'adverInterval', title: '2 s where 1 s is configured', theirs: { advertIntervalMs: 2000 } },
  { rung: 'addressList', title: 'another address', theirs: { virtualAddresses: [vip('192.0.2.101')] } },
  { rung: 'addressList', title: 'one more address', theirs: long() },
  { rung: 'addressList', title: 'none', theirs: { virtualAddresses: [] } },
];

function long(): Partial<VrrpInstance> {
  return { virtualAddresses: Array.from({ length: 9 }, (_, i) => vip(`192.0.2.${100 + i}`)) };
}

describe('each rung of the receive ladder', () => {
  test.each(CASES)('$rung: $title', ({ rung, ours, theirs, from = PEER, to = GROUP, change }) => {
    const rig = backup(ours);
    const arrival = advertisementFrom(instance(theirs), from, to, 120);
    hear(rig, change ? change(arrival) : arrival);
    expect(failures(rig.router)).toEqual({ [rung]: 1 });
    const accepted = rung === 'addressList' ? 1 : 0;
    expect(rig.router.counters.advertisementsReceived).toBe(accepted);
    expect(rig.actions.map(action => action.kind)).toEqual(['log']);
  });

  test('has a case, apart from the VRID by which the router was found', () => {
    const tested = new Set(CASES.map(({ rung }) => rung));
    expect(LADDER.map(rung => rung.counter).filter(rung => !tested.has(rung))).toEqual(['vrid']);
  });

  test('vrid: a packet that was matched to the wrong router', () => {
    const rig = backup();
    rig.router.segment.byVrid[52] = rig.router;
    hear(rig, advertisementFrom(instance({ virtualRouterId: 52 }), PEER));
    expect(failures(rig.router)).toEqual({ vrid: 1 });
  });

  test('says the same only once in ten seconds', () => {
    const rig = backup();
    for (let i = 0; i < 5; i++) hear(rig, { ...advertisementFrom(instance(), PEER), ttl: 1 });
    expect(rig.router.counters.ttl).toBe(5);
    expect(rig.actions).toHaveLength(1);
  });
});

describe('what is accepted', () => {
  /** How often it was accepted, and what it failed. */
  const verdict = (rig: Rig, arrival: Arrival) => {
    hear(rig, arrival);
    return { accepted: rig.router.counters.advertisementsReceived, ...failures(rig.router) };
  };
  const ACCEPTED = { accepted: 1 };

  test.each([
    ['version 2', {}, {}],
    ['version 2 with a password', auth('PASS'), auth('PASS')],
    ['version 2 with AH', auth('AH'), auth('AH')],
    ['version 3 with the pseudo-header (keepalived, FRR)', { version: 3 }, { version: 3 }],
    ['version 3 without it (RFC 9568)', { version: 3 }, { version: 3, v3ChecksumAsV2: true }],
    ['version 3 at another interval', { version: 3 }, { version: 3, advertIntervalMs: 40950 }],
    ['addresses in another order', two(100, 101), two(101, 100)],
  ] as const)('%s', (_, ours, theirs) => {
    expect(verdict(backup(ours), advertisementFrom(instance(theirs), PEER))).toEqual(ACCEPTED);
  });

  test('IPv6', () => {
    const arrival = advertisementFrom(instance({ family: 6 }), ip('fe80::9'));
    expect(verdict(backup({ family: 6 }), arrival)).toEqual(ACCEPTED);
  });

  test('IPv6 not without the pseudo-header', () => {
    const rig = backup({ family: 6 });
    hear(rig, patch(advertisementFrom(instance({ family: 6 }), ip('fe80::9')), 2, 100));
    expect(failures(rig.router)).toEqual({ checksum: 1 });
  });

  test('unicast, with the real peers in the pseudo-header', () => {
    expect(
      verdict(
        backup({ version: 3, ...peers(['192.0.2.9']) }),
        advertisementFrom(instance({ version: 3, ...peers(['192.0.2.5']) }), PEER, OWN),
      ),
    ).toEqual(ACCEPTED);
  });

  test('unicast with AH, whose TTL does not count', () => {
    const theirs = instance({ ...auth('AH'), ...peers(['192.0.2.5']) });
    const arrival = advertisementFrom(theirs, PEER, OWN);
    arrival.bytes[8] = 63;
    expect(verdict(backup({ ...auth('AH'), ...peers(['192.0.2.9']) }), { ...arrival, ttl: 63 })).toEqual(
      ACCEPTED,
    );
  });

  test('padding to the Ethernet minimum', () => {
    const arrival = advertisementFrom(instance(), PEER);
    const bytes = new Uint8Array(46);
    bytes.set(arrival.bytes);
    expect(verdict(backup(), { ...arrival, bytes, end: 46 })).toEqual(ACCEPTED);
  });

  // Whole packets as keepalived 2.2.7 sent them, from 10.9.9.1 with the key `sesame`.
  test.each([
    [
      'multicast',
      52,
      '45c0004000030000ff33c7ab0a090901e0000012700400000a0909010000000327bb457010a58925b4495f46213464010201655a0a0909660000000000000000',
    ],
    [
      'unicast',
      56,
      '45c0004000030000ff3394b30a0909010a090902700400000a09090100000003a5b5041edb52634bb53b9e6d21386401020165520a09096a0000000000000000',
    ],
  ])("keepalived's AH, %s", (cast, virtualRouterId, text) => {
    const bytes = Uint8Array.from(Buffer.from(text, 'hex'));
    const ours = {
      ...auth('AH'),
      ...(cast === 'unicast' ? peers(['10.9.9.1']) : {}),
      virtualRouterId,
      virtualAddresses: [vip(cast === 'unicast' ? '10.9.9.106' : '10.9.9.102')],
    };
    const [source, destination] = [bytes.slice(12, 16), bytes.slice(16, 20)];
    expect(
      verdict(backup(ours), { bytes, offset: 20, end: 64, truncated: false, ttl: 255, source, destination }),
    ).toEqual(ACCEPTED);
  });

  test('an AH packet only once', () => {
    const rig = backup(auth('AH'));
    const arrival = advertisementFrom(instance(auth('AH')), PEER);
    expect(verdict(rig, arrival)).toEqual(ACCEPTED);
    hear(rig, arrival);
    expect(failures(rig.router)).toEqual({ authFailure: 1 });
  });
});

function two(first: number, second: number): Partial<VrrpInstance> {
  return { virtualAddresses: [vip(`192.0.2.${first}`), vip(`192.0.2.${second}`)] };
}

describe('whatever arrives', () => {
  test('other VRIDs and stumps are counted on the segment', () => {
    const rig = backup();
    hear(rig, advertisementFrom(instance({ virtualRouterId: 7 }), PEER));
    const arrival = advertisementFrom(instance(), PEER);
    hear(rig, { ...arrival, end: arrival.offset + 7 });
    expect(rig.router.segment.counters).toEqual({ tooShort: 1, unknownVrid: 1 });
  });

  const kinds = [{}, auth('PASS'), auth('AH'), { version: 3 } as const, { family: 6 } as const];
  test('never throws, and is accepted only if it is an advertisement', () => {
    const rigs = kinds.map(fields => backup(fields));
    const noise = fc.record({
      kind: fc.nat({ max: kinds.length - 1 }),
      bytes: fc.uint8Array({ maxLength: 80 }),
      offset: fc.constantFrom(0, 20, 24),
      truncated: fc.boolean(),
      ttl: fc.constantFrom(255, 64),
    });
    fc.assert(
      fc.property(noise, ({ kind, bytes, offset, truncated, ttl }) => {
        const rig = rigs[kind];
        if (!rig) return;
        const [source, destination] =
          rig.router.family === 4 ? [PEER, GROUP] : [ip('fe80::9'), ip('ff02::12')];
        if (bytes.length > offset + 1) bytes[offset + 1] = 51;
        hear(rig, { bytes, offset, end: bytes.length, truncated, ttl, source, destination });
        expect(rig.router.counters.advertisementsReceived).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  test('one flipped bit is never accepted', () => {
    for (const fields of kinds) {
      const source = 'family' in fields ? ip('fe80::9') : PEER;
      const { bytes, offset } = advertisementFrom(instance(fields), source);
      for (let bit = 0; bit < (bytes.length - offset) * 8; bit++) {
        const rig = backup(fields);
        const arrival = advertisementFrom(instance(fields), source);
        const at = offset + (bit >> 3);
        arrival.bytes[at] = (arrival.bytes[at] ?? 0) ^ (1 << (bit & 7));
        hear(rig, arrival);
        expect(rig.router.counters.advertisementsReceived, `bit ${bit}`).toBe(0);
      }
    }
  });
});
