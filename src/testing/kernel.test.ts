import { describe, expect, test } from 'vitest';
import { formatIp, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { gratuitousArp } from '#wire/arp.ts';
import type { KernelEvent, Result, VrrpSocketOptions } from '#linux/ports.ts';
import { FakeKernel, type FakeInterface } from './kernel.ts';
import { FakeClock } from './clock.ts';

const ip = (text: string) => must(parseIp(text), text);
const GROUP = ip('224.0.0.18');

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

/** Two hosts on a cable with a delay of 1 ms. */
function pair() {
  const clock = new FakeClock();
  const hosts = [new FakeKernel(clock), new FakeKernel(clock)] as const;
  const wire: Uint8Array[] = [];
  const cable = (far: () => FakeInterface) => ({
    transmit: (frame: Uint8Array) => {
      wire.push(frame);
      clock.at(clock.nowMs + 1, () => far().receive(frame));
    },
  });
  const eth: readonly [FakeInterface, FakeInterface] = [
    hosts[0].plug(
      'eth0',
      Uint8Array.of(2, 0, 0, 0, 0, 1),
      cable(() => eth[1]),
      [
        { address: ip('192.0.2.1'), prefix: 24 },
        { address: ip('fe80::1'), prefix: 64 },
      ],
    ),
    hosts[1].plug(
      'eth0',
      Uint8Array.of(2, 0, 0, 0, 0, 2),
      cable(() => eth[0]),
      [{ address: ip('192.0.2.2'), prefix: 24 }],
    ),
  ];
  return { clock, hosts, eth, wire };
}

function listen(kernel: FakeKernel, local: VrrpSocketOptions['local'], ifindex = 2) {
  const heard: string[] = [];
  const family = (local.cast === 'multicast' ? local.group : local.address).length === 4 ? 4 : 6;
  const socket = value(
    kernel.openVrrpSocket(
      { interfaceName: 'eth0', ifindex, family, protocol: 'vrrp', local },
      {
        packet: ({ bytes, offset, end, source, ttl }) =>
          heard.push(`${formatIp(source)} ttl ${ttl}: ${[...bytes.subarray(offset, end)].join(' ')}`),
        failed: () => {},
      },
    ),
  );
  return { socket, heard };
}

describe('a fake host', () => {
  test.each([
    ['IPv4', GROUP, '192.0.2.1'],
    ['IPv6', ip('ff02::12'), 'fe80::1'],
  ])('exchanges packets over its LAN (%s)', (_, group, source) => {
    const { clock, hosts } = pair();
    const [near, far] = hosts.map(host => listen(host, { cast: 'multicast', group }));
    const sender = must(near, 'near').socket;
    expect(sender.send(sender.target(group, ip(source)), Uint8Array.of(1, 2, 3, 4), 3)).toBe(3);
    expect(far?.heard).toEqual([]);
    clock.runUntil(1);
    expect(far?.heard).toEqual([`${source} ttl 255: 1 2 3`]);
    expect(near?.heard).toEqual([]);
  });

  test('sockets hear their own destination only, and nothing without carrier', () => {
    const { clock, hosts, eth } = pair();
    const { socket } = listen(hosts[0], { cast: 'multicast', group: GROUP });
    const address = ip('192.0.2.2');
    const far = listen(hosts[1], { cast: 'unicast', address });
    const other = listen(hosts[1], { cast: 'multicast', group: ip('224.0.0.111') });
    const target = socket.target(address, ip('192.0.2.1'));
    socket.send(target, Uint8Array.of(1), 1);
    clock.runUntil(5);
    eth[0].setCarrier(false);
    expect(socket.send(target, Uint8Array.of(2), 1)).toBe(1);
    clock.runUntil(10);
    expect([far.heard.length, other.heard.length]).toEqual([1, 0]);
  });

  test('drain delivers before the event loop does, and a closed socket hears nothing', () => {
    const { clock, hosts, eth, wire } = pair();
    const { socket } = listen(hosts[0], { cast: 'multicast', group: GROUP });
    const far = listen(hosts[1], { cast: 'multicast', group: GROUP });
    socket.send(socket.target(GROUP, ip('192.0.2.1')), Uint8Array.of(1), 1);
    eth[1].receive(must(wire[0], 'a frame'));
    far.socket.drain();
    expect(far.heard).toHaveLength(1);
    far.socket.close();
    clock.runUntil(10);
    expect(far.heard).toHaveLength(1);
  });

  test('refuses as Linux does', () => {
    const { hosts, eth } = pair();
    const [kernel] = hosts;
    const { socket } = listen(kernel, { cast: 'multicast', group: GROUP });
    const spec = { ifindex: 2, address: ip('192.0.2.9'), prefix: 32 };
    const codes = (answers: ReturnType<typeof kernel.tables.addAddresses>) => answers.map(each => each?.code);
    expect(
      codes(kernel.tables.addAddresses([spec, spec, { ...spec, ifindex: 9 }, { ...spec, prefix: 33 }])),
    ).toEqual([undefined, 'EEXIST', 'ENODEV', 'EINVAL']);
    expect(codes(kernel.tables.removeAddresses([spec, spec]))).toEqual([undefined, 'EADDRNOTAVAIL']);
    expect(socket.send(socket.target(GROUP, ip('192.0.2.9')), new Uint8Array(1), 1)).toBe(-22);
    eth[0].setUp(false);
    expect(socket.send(socket.target(GROUP, ip('192.0.2.1')), new Uint8Array(1), 1)).toBe(-100);
    kernel.refusal = call => (call.startsWith('address add') ? 1 : undefined);
    expect(codes(kernel.tables.addAddresses([spec]))).toEqual(['EPERM']);
    expect(() => listen(kernel, { cast: 'unicast', address: ip('192.0.2.77') })).toThrow('EADDRNOTAVAIL');
    expect(() => listen(kernel, { cast: 'multicast', group: GROUP }, 9)).toThrow('ENODEV');
  });

  test('tells watches of changes, from the event loop', () => {
    const { clock, hosts, eth } = pair();
    const events: KernelEvent[] = [];
    const watch = value(hosts[0].tables.watch(event => events.push(event)));
    eth[0].setCarrier(false);
    expect(events).toEqual([]);
    clock.runUntil(clock.nowMs);
    expect(events).toMatchObject([{ type: 'linkChanged', link: { up: true, running: false } }]);
    eth[0].remove();
    watch.drain();
    expect(events.map(event => event.type)).toEqual([
      'linkChanged',
      'addressRemoved',
      'addressRemoved',
      'linkRemoved',
    ]);
    watch.close();
    hosts[0].tables.emit({ type: 'resync' });
    clock.runUntil(10);
    expect(events).toHaveLength(4);
  });

  test('routes and rules are kept apart by what identifies them', () => {
    const { hosts } = pair();
    const { tables } = hosts[0];
    const base = { family: 4, type: 'unicast', table: 254, scope: 0, protocol: 112 } as const;
    const route = { ...base, destination: ip('10.0.0.0'), prefix: 8 };
    expect(tables.addRoutes([route, route, { ...route, metric: 5 }]).map(each => each?.code)).toEqual([
      undefined,
      'EEXIST',
      undefined,
    ]);
    expect(tables.removeRoutes([route, route]).map(each => each?.code)).toEqual([undefined, 'ESRCH']);
    const rule = { family: 4, priority: 5, action: 'lookup', table: 9, protocol: 112 } as const;
    expect(tables.addRules([rule, rule]).map(each => each?.code)).toEqual([undefined, 'EEXIST']);
    expect(tables.removeRules([rule, rule]).map(each => each?.code)).toEqual([undefined, 'ENOENT']);
    expect([
      value(tables.routes(4)).length,
      value(tables.routes(6)).length,
      value(tables.rules(4)).length,
    ]).toEqual([1, 0, 0]);
  });

  test('timers, frames and datagrams', () => {
    const { clock, hosts, wire } = pair();
    const fired: number[] = [];
    const timer = hosts[0].timer(() => fired.push(clock.nowMs));
    timer.arm(5);
    timer.arm(7);
    clock.runUntil(6);
    expect(fired).toEqual([]);
    clock.runUntil(20);
    timer.arm(3);
    clock.runUntil(20);
    expect(fired).toEqual([7, 20]);
    timer.arm(21);
    timer.disarm();
    clock.runUntil(30);
    expect(fired).toHaveLength(2);

    const frame = gratuitousArp(Uint8Array.of(2, 0, 0, 0, 0, 1), ip('192.0.2.9'));
    const packets = value(hosts[0].openPacketSocket());
    expect(packets.send(2, frame, frame.length)).toBe(frame.length);
    expect(wire).toEqual([frame]);
    expect(packets.send(9, frame, frame.length)).toBe(-6);

    const datagram = value(hosts[0].openUnixDatagram());
    datagram.send('@notify', Buffer.from('READY=1'));
    expect(hosts[0].datagrams).toEqual([{ path: '@notify', text: 'READY=1' }]);
    expect(hosts[0].setRealtime(50)).toBeUndefined();
    expect(hosts[0].realtimePriority).toBe(50);
  });
});
