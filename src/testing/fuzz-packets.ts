import { must } from '#base/assert.ts';
import type { VrrpInstance } from '#conf/model.ts';
import { SecretBytes } from '#conf/secret.ts';
import type { Action } from '#vrrp/action.ts';
import { createEngine, nextDeadline, receive, step } from '#vrrp/engine.ts';
import type { VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import { advertisementFrom } from './advertisement.ts';
import { fuzz, type FuzzResult } from './fuzz-meter.ts';
import type { Arrival } from './lan.ts';
import { Random } from './random.ts';
import { config, instance, ip, vip } from './scenario-config.ts';

const POSITION = { file: 'test.conf', line: 1, column: 1 };
const authentication = (type: 'PASS' | 'AH'): Partial<VrrpInstance> => ({
  authentication: { type, data: new SecretBytes(new TextEncoder().encode('sesame\0\0')), position: POSITION },
});
const unicastPeers = (address: string): Partial<VrrpInstance> => ({
  unicastPeers: [{ address: ip(address), minTtl: 200, maxTtl: 255, position: POSITION }],
  checkUnicastSrc: true,
});
const many = Array.from({ length: 255 }, (_, index) => vip(`10.0.0.${index}`));

/** Routers of every family, version, cast and authentication. */
const KINDS: readonly Partial<VrrpInstance>[] = [
  {},
  authentication('PASS'),
  authentication('AH'),
  { ...authentication('AH'), ...unicastPeers('192.0.2.9') },
  unicastPeers('192.0.2.9'),
  { virtualAddresses: many },
  { version: 3, advertIntervalMs: 10 },
  { version: 3, v3ChecksumAsV2: true, preempt: 'nopreempt' },
  { version: 3, ...unicastPeers('192.0.2.9') },
  { family: 6 },
  { family: 6, ...unicastPeers('fe80::9') },
  { family: 6, version: 2 },
];

/** A router that hears packets, as backup or, with the highest priority but one, mostly as master. */
class Listener {
  readonly actions: Action[] = [];
  readonly engine: VrrpEngine;
  readonly router: VirtualRouter;
  readonly fields: Partial<VrrpInstance>;
  readonly priority: number;
  nowMs = 0;

  constructor(fields: Partial<VrrpInstance>, priority: number) {
    this.fields = fields;
    this.priority = priority;
    this.engine = createEngine(config([instance({ ...fields, priority })]), 0, this.actions);
    this.router = must(this.engine.routers[0], 'a router');
    const address = this.own;
    step(this.engine, { kind: 'linkChanged', interface: 'eth0', exists: true, up: true }, 0, this.actions);
    step(this.engine, { kind: 'addressAdded', interface: 'eth0', address }, 0, this.actions);
    step(this.engine, { kind: 'start' }, 0, this.actions);
  }

  get own(): Uint8Array {
    return ip(this.fields.family === 6 ? 'fe80::5' : '192.0.2.5');
  }

  get peer(): Uint8Array {
    return ip(this.fields.family === 6 ? 'fe80::9' : '192.0.2.9');
  }

  hear(arrival: Arrival): void {
    this.actions.length = 0;
    if (nextDeadline(this.engine) <= this.nowMs)
      step(this.engine, { kind: 'deadline', socketsDrained: true }, this.nowMs, this.actions);
    receive(this.engine, this.router.segment, arrival, this.nowMs, this.actions);
  }
}

/** Sends packets that are good, changed, cut or noise to all kinds of routers; the same seed sends the same. */
export function fuzzPackets(count: number, seed: number): FuzzResult & { readonly accepted: number } {
  const random = new Random(seed);
  const listeners = KINDS.flatMap(fields => [new Listener(fields, 100), new Listener(fields, 254)]);
  const result = fuzz(count, () => {
    const listener = must(listeners[random.integer(0, listeners.length - 1)], 'a listener');
    const sender = random.chance(0.9)
      ? listener.fields
      : must(KINDS[random.integer(0, KINDS.length - 1)], 'a kind');
    const arrival = mutate(good(listener, sender, random), random);
    listener.nowMs += random.chance(0.01) ? random.between(0, 5000) : random.between(0, 20);
    return {
      run: () => listener.hear(arrival),
      again: () => new Listener(listener.fields, listener.priority).hear(arrival),
      describe: () => JSON.stringify({ ...arrival, bytes: Buffer.from(arrival.bytes).toString('hex') }),
    };
  });
  const accepted = listeners.reduce((sum, { router }) => sum + router.counters.advertisementsReceived, 0);
  return { ...result, accepted };
}

/** What a peer would send that is configured alike, or like another kind. */
function good(listener: Listener, sender: Partial<VrrpInstance>, random: Random): Arrival {
  const isUnicast = (sender.unicastPeers ?? []).length > 0;
  const theirs = instance(sender);
  const sameFamily = (sender.family ?? 4) === (listener.fields.family ?? 4);
  const source = sameFamily ? listener.peer : ip(sender.family === 6 ? 'fe80::9' : '192.0.2.9');
  const own = sameFamily ? listener.own : ip(sender.family === 6 ? 'fe80::5' : '192.0.2.5');
  return advertisementFrom(theirs, source, isUnicast ? own : theirs.mcastGroup, random.integer(0, 255));
}

/** Half of the packets arrive as sent. */
function mutate(arrival: Arrival, random: Random): Arrival {
  if (random.chance(0.5)) return arrival;
  const { bytes } = arrival;
  switch (random.integer(0, 5)) {
    case 0:
      for (let i = random.integer(1, 4); i > 0; i--)
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      return arrival;
    case 1:
      return { ...arrival, end: random.integer(0, arrival.end) };
    case 2: {
      const cut = bytes.slice(0, random.integer(0, bytes.length));
      return {
        ...arrival,
        bytes: cut,
        end: Math.min(arrival.end, cut.length),
        truncated: random.chance(0.5),
      };
    }
    case 3: {
      const noise = Uint8Array.from({ length: random.integer(0, 1500) }, () => random.integer(0, 255));
      return {
        ...arrival,
        bytes: noise,
        offset: random.integer(0, 60),
        end: random.integer(0, noise.length),
      };
    }
    case 4: {
      const long = new Uint8Array(bytes.length + random.integer(1, 64));
      long.set(bytes);
      return { ...arrival, bytes: long, end: long.length };
    }
    default:
      return {
        ...arrival,
        ttl: random.integer(0, 255),
        source: random.chance(0.5) ? arrival.destination : arrival.source,
      };
  }
}
