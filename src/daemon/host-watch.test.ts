import { describe, expect, test } from 'vitest';
import { formatIp, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { Address, Link } from '#linux/ports.ts';
import { FakeClock } from '#testing/clock.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { HostWatch } from './host-watch.ts';
import { Interfaces } from './interfaces.ts';

const ip = (text: string) => must(parseIp(text), text);
const port = { transmit: () => {} };
const mac = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);

function watched() {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock);
  const eth0 = kernel.plug('eth0', mac(1), port, [{ address: ip('10.0.0.1'), prefix: 24 }]);
  clock.runUntil(1);
  const told: string[] = [];
  const interfaces = new Interfaces();
  const watch = new HostWatch(kernel.tables, interfaces, {
    appeared: link => told.push(`appeared ${link.name}`),
    vanished: link => told.push(`vanished ${link.name}`),
    noticed: () => {},
    event: event =>
      told.push(
        event.kind === 'linkChanged'
          ? `${event.interface} ${event.exists ? (event.up ? 'up' : 'down') : 'gone'}`
          : `${event.kind === 'addressAdded' ? '+' : '-'}${formatIp(event.address)} ${event.interface}`,
      ),
  });
  expect(watch.start()).toBeUndefined();
  const news = (): string[] => {
    clock.runUntil(clock.nowMs + 1);
    return told.splice(0);
  };
  return { kernel, eth0, interfaces, watch, news };
}

describe('the host watch', () => {
  test('tells what is there, then what changes', () => {
    const { kernel, eth0, watch, news } = watched();
    expect(news()).toEqual(['appeared eth0', 'eth0 up', '+10.0.0.1 eth0']);
    kernel.tables.addAddresses([{ ifindex: eth0.ifindex, address: ip('10.0.0.2'), prefix: 32 }]);
    eth0.setCarrier(false);
    expect(news()).toEqual(['+10.0.0.2 eth0', 'eth0 down']);
    expect(watch.isPresent('eth0', ip('10.0.0.2'))).toBe(true);
    expect(watch.isPresent('eth1', ip('10.0.0.2'))).toBe(false);
    eth0.remove();
    expect(news()).toEqual(['-10.0.0.1 eth0', '-10.0.0.2 eth0', 'vanished eth0', 'eth0 gone']);
  });

  test('a rename is a departure and an arrival, with the addresses', () => {
    const { kernel, eth0, news } = watched();
    news();
    const link = must(kernel.tables.link(eth0.ifindex), 'eth0');
    kernel.tables.setLink({ ...link, name: 'lan0' });
    expect(news()).toEqual(['eth0 gone', 'appeared lan0', 'lan0 up', '+10.0.0.1 lan0']);
  });

  test('a tentative address is told when it can be used', () => {
    const { kernel, eth0, news } = watched();
    news();
    const found = kernel.tables.addresses();
    const usable = must(found.ok ? found.value[0] : undefined, 'an address');
    const address: Address = {
      ...usable,
      address: ip('fe80::1'),
      tentative: true,
      family: 6,
      ifindex: eth0.ifindex,
    };
    kernel.tables.emit({ type: 'addressAdded', address });
    expect(news()).toEqual([]);
    kernel.tables.emit({ type: 'addressAdded', address: { ...address, tentative: false } });
    expect(news()).toEqual(['+fe80::1 eth0']);
  });

  test('what notifications were lost about is found by comparing', () => {
    const { kernel, eth0, news } = watched();
    const eth1 = kernel.plug('eth1', mac(2), port, [{ address: ip('10.1.0.1'), prefix: 24 }]);
    news();
    const silent = kernel.tables.emit.bind(kernel.tables);
    kernel.tables.emit = () => {};
    eth1.remove();
    kernel.tables.addAddresses([{ ifindex: eth0.ifindex, address: ip('10.0.0.9'), prefix: 32 }]);
    kernel.tables.removeAddresses([{ ifindex: eth0.ifindex, address: ip('10.0.0.1'), prefix: 24 }]);
    kernel.tables.emit = silent;
    expect(news()).toEqual([]);
    kernel.tables.emit({ type: 'resync' });
    expect(news()).toEqual([
      '-10.1.0.1 eth1',
      'vanished eth1',
      'eth1 gone',
      'eth0 up',
      '-10.0.0.1 eth0',
      '+10.0.0.9 eth0',
    ]);
  });
});

test('a link is found by name and by index, under its present name only', () => {
  const interfaces = new Interfaces();
  const link = (ifindex: number, name: string) => ({ ifindex, name }) as unknown as Link;
  interfaces.put(link(1, 'a'));
  interfaces.put(link(1, 'b'));
  expect(interfaces.byName('a')).toBeUndefined();
  expect(interfaces.byName('b')?.ifindex).toBe(1);
  interfaces.put(link(2, 'b'));
  interfaces.remove(link(1, 'b'));
  expect(interfaces.byName('b')?.ifindex).toBe(2);
});
