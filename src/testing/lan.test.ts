import { describe, expect, test } from 'vitest';
import { FakeClock } from './clock.ts';
import { type Arrival, FakeLan, frame, type Port } from './lan.ts';
import { Random } from './random.ts';
import { ip } from './scenario-config.ts';

const GROUP = ip('224.0.0.18');
const payload = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function rig() {
  const clock = new FakeClock();
  const lan = new FakeLan(clock, new Random(1));
  const ports = [1, 2, 3].map(number => {
    const arrivals: Arrival[] = [];
    const port: Port = {
      name: `n${number}`,
      addresses: () => [ip(`192.0.2.${number}`)],
      receive: arrival => arrivals.push(arrival),
    };
    lan.attach(port);
    return { port, arrivals };
  });
  const [a, b, c] = ports;
  if (!a || !b || !c) throw new Error('three ports');
  const send = (destination = GROUP, times = 1) => {
    for (let i = 0; i < times; i++) lan.send(a.port, { source: ip('192.0.2.1'), destination, payload });
    clock.runUntil(clock.nowMs + 100);
    return [a, b, c].map(({ arrivals }) => arrivals.splice(0).length);
  };
  return { lan, clock, a, b, c, send };
}

describe('a LAN', () => {
  test('carries multicast to all others and unicast to its owner', () => {
    const { send } = rig();
    expect(send()).toEqual([0, 1, 1]);
    expect(send(ip('192.0.2.3'))).toEqual([0, 0, 1]);
    expect(send(ip('192.0.2.9'))).toEqual([0, 0, 0]);
  });

  test('can be cut in one direction, and healed', () => {
    const { lan, send } = rig();
    lan.cut('n1', 'n2');
    lan.cut('n3', 'n1');
    expect(send()).toEqual([0, 0, 1]);
    lan.heal();
    expect(send()).toEqual([0, 1, 1]);
  });

  test('loses and duplicates as often as it is told to', () => {
    const { lan, send } = rig();
    lan.faults.loss = 0.5;
    expect(send(ip('192.0.2.2'), 1000)[1]).toBeGreaterThan(400);
    expect(send(ip('192.0.2.2'), 1000)[1]).toBeLessThan(600);
    lan.faults.loss = 0;
    lan.faults.duplication = 1;
    expect(send(ip('192.0.2.2'), 10)[1]).toBe(20);
  });

  test('corrupts one bit of the payload, not of the sender’s buffer', () => {
    const { lan, clock, a, b } = rig();
    lan.faults.corruption = 1;
    lan.send(a.port, { source: ip('192.0.2.1'), destination: GROUP, payload });
    clock.runUntil(100);
    const [arrival] = b.arrivals;
    if (!arrival) throw new Error('nothing arrived');
    const flipped = [...payload].map((byte, i) => byte ^ (arrival.bytes[arrival.offset + i] ?? 0));
    expect(flipped.filter(bits => bits !== 0)).toHaveLength(1);
    expect([...payload]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('delivers within the configured delay', () => {
    const { lan, clock, a, b } = rig();
    Object.assign(lan.faults, { minDelayMs: 2, maxDelayMs: 3 });
    lan.send(a.port, { source: ip('192.0.2.1'), destination: GROUP, payload });
    clock.runUntil(1.99);
    expect(b.arrivals).toHaveLength(0);
    clock.runUntil(3);
    expect(b.arrivals).toHaveLength(1);
  });

  test('gives IPv4 packets with their header, as raw sockets do', () => {
    const packet = frame({ source: ip('192.0.2.1'), destination: GROUP, payload });
    expect([packet.offset, packet.end, packet.bytes[8], packet.bytes[9]]).toEqual([20, 28, 255, 112]);
    expect(frame({ source: ip('fe80::1'), destination: ip('ff02::12'), payload }).offset).toBe(0);
  });
});

test('the same seed gives the same numbers, within their range', () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => random.next());
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
  const dice = new Random(5);
  const rolls = new Set(Array.from({ length: 200 }, () => dice.integer(1, 6)));
  expect(rolls).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});
