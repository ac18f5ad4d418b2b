import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatIp, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { openKernel } from '#linux/kernel.ts';
import {
  type AddressSpec,
  type Kernel,
  type KernelEvent,
  type KernelWatch,
  OUR_PROTOCOL,
  type PacketFilter,
  type Result,
  type Route,
  type Rule,
  SCOPE,
  TABLE,
} from '#linux/ports.ts';
import { buildNative } from '../../scripts/build-native.ts';
import { makeNamespace, type Namespace } from './native/namespace.ts';

const ip = (text: string) => must(parseIp(text), text);

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

describe('rtnetlink on the running kernel', () => {
  let host: Namespace;
  let kernel: Kernel;
  let ifindex: number;

  beforeAll(async () => {
    buildNative(process.arch === 'arm64' ? 'arm64' : 'x64');
    host = await makeNamespace();
    host.ip('link add eth0 address 02:00:00:00:00:0a mtu 1400 type veth peer name peer0');
    host.ip('link set eth0 up');
    kernel = host.within(() => value(openKernel()));
    ifindex = must(
      value(kernel.tables.links()).find(link => link.name === 'eth0'),
      'eth0',
    ).ifindex;
  });
  afterAll(() => host.remove());

  function watch(): { events: KernelEvent[]; opened: KernelWatch } {
    const events: KernelEvent[] = [];
    const opened = host.within(() => value(kernel.tables.watch(event => events.push(event))));
    onTestFinished(() => opened.close());
    return { events, opened };
  }

  test('a link says what ip says', () => {
    const links = value(kernel.tables.links());
    expect(links.find(link => link.name === 'eth0')).toMatchObject({
      up: true,
      running: false,
      loopback: false,
      multicast: true,
      noArp: false,
      mtu: 1400,
      mac: Uint8Array.of(2, 0, 0, 0, 0, 10),
      hardwareType: 1,
      kind: 'veth',
    });
    expect(links.find(link => link.name === 'lo')).toMatchObject({ loopback: true, running: true });
  });

  test('carrier and removal are watched', async () => {
    const { events, opened } = watch();
    host.ip('link set peer0 up');
    // The kernel tells of carrier from a work queue of its own, after `ip` has ended.
    await vi.waitFor(() => {
      opened.drain();
      expect(events).toContainEqual(
        expect.objectContaining({
          type: 'linkChanged',
          link: expect.objectContaining({ name: 'eth0', up: true, running: true }),
        }),
      );
    });
    host.ip('link add gone type veth peer name gone-peer');
    host.ip('link del gone');
    opened.drain();
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'linkRemoved', link: expect.objectContaining({ name: 'gone' }) }),
    );
  });

  test('255 addresses are added in one batch, watched, marked as ours, and removed', () => {
    const { events, opened } = watch();
    const specs = Array.from({ length: 255 }, (_, i) => ({
      ifindex,
      address: ip(`10.1.0.${i}`),
      prefix: 32,
      label: 'eth0:vip',
    }));
    expect(kernel.tables.addAddresses(specs)).toEqual(specs.map(() => undefined));
    expect(kernel.tables.addAddresses(specs).map(failure => failure?.code)).toEqual(
      specs.map(() => 'EEXIST'),
    );
    const found = value(kernel.tables.addresses()).filter(address => address.label === 'eth0:vip');
    expect(found.map(address => formatIp(address.address))).toEqual(
      specs.map(spec => formatIp(spec.address)),
    );
    expect(found.every(address => address.ours && address.prefix === 32 && address.permanent)).toBe(true);
    opened.drain();
    expect(events.filter(event => event.type === 'addressAdded')).toHaveLength(255);

    expect(kernel.tables.removeAddresses(specs)).toEqual(specs.map(() => undefined));
    opened.drain();
    expect(events.filter(event => event.type === 'addressRemoved')).toHaveLength(255);
    expect(host.ip('-4 addr show dev eth0')).not.toContain('10.1.0.');
  });

  test('all properties of an address arrive', () => {
    const specs: AddressSpec[] = [
      { ifindex, address: ip('10.2.0.1'), prefix: 24, broadcast: ip('10.2.0.255'), scope: SCOPE.link },
      { ifindex, address: ip('10.2.1.1'), prefix: 32, peer: ip('10.2.1.2'), noPrefixRoute: true },
      { ifindex, address: ip('2001:db8::1'), prefix: 64, noDad: true, preferredLifetimeS: 0 },
    ];
    expect(kernel.tables.addAddresses(specs)).toEqual([undefined, undefined, undefined]);
    onTestFinished(() => void kernel.tables.removeAddresses(specs));
    const found = value(kernel.tables.addresses());
    const find = (text: string) => found.find(address => formatIp(address.address) === text);
    expect(find('10.2.0.1')).toMatchObject({ scope: SCOPE.link, broadcast: ip('10.2.0.255'), prefix: 24 });
    expect(find('10.2.1.1')).toMatchObject({ peer: ip('10.2.1.2') });
    expect(find('2001:db8::1')).toMatchObject({ deprecated: true, tentative: false, prefix: 64, ours: true });
    expect(host.ip('-6 addr show dev eth0')).toMatch(/2001:db8::1\/64.*nodad.*deprecated|deprecated.*nodad/);
    expect(host.ip('-4 route show table all')).not.toContain('10.2.1.2 dev eth0 proto kernel');
  });

  test('a refusal is a value that names the address, the errno and the kernel’s reason; the rest goes on', () => {
    const good = { ifindex, address: ip('10.3.0.1'), prefix: 32 };
    const [noSuchLink, added, removed] = kernel.tables.addAddresses([
      { ifindex: 9999, address: ip('10.3.0.9'), prefix: 32 },
      good,
      { ifindex, address: ip('10.3.0.8'), prefix: 33 },
    ]);
    expect(noSuchLink).toMatchObject({ code: 'ENODEV' });
    expect(noSuchLink?.message).toContain('address add 10.3.0.9/32 on ifindex 9999: ENODEV');
    expect(added).toBeUndefined();
    expect(removed?.code).toBe('EINVAL');
    expect(removed?.message).toMatch(/Invalid prefix length/i);
    expect(kernel.tables.removeAddresses([good, good]).map(failure => failure?.code)).toEqual([
      undefined,
      'EADDRNOTAVAIL',
    ]);
  });

  test('a watch that was overrun asks for a resync and goes on', async () => {
    const { events } = watch();
    const specs = Array.from({ length: 250 }, (_, i) => ({
      ifindex,
      address: ip(`10.4.0.${i}`),
      prefix: 32,
    }));
    // Queue limits are per socket and bounded by 4 MiB: turn addresses over until the kernel gives up.
    for (let round = 0; round < 40; round++) {
      kernel.tables.addAddresses(specs);
      kernel.tables.removeAddresses(specs);
    }
    // By the event loop, not by drain: libuv stops watching a socket in error, and the addon must start it again.
    await expect.poll(() => events, { timeout: 5000 }).toEqual([{ type: 'resync' }]);
    kernel.tables.addAddresses(specs.slice(0, 1));
    await expect.poll(() => events.map(event => event.type), { timeout: 5000 }).toContain('addressAdded');
    kernel.tables.removeAddresses(specs.slice(0, 1));
  });

  test('routes are added, found, watched and removed', () => {
    const { events, opened } = watch();
    const local = { ifindex, address: ip('192.0.2.1'), prefix: 24 };
    kernel.tables.addAddresses([local]);
    onTestFinished(() => void kernel.tables.removeAddresses([local]));
    const base = { family: 4, scope: SCOPE.global, protocol: OUR_PROTOCOL, table: TABLE.main } as const;
    const routes: Route[] = [
      {
        ...base,
        destination: ip('198.51.100.0'),
        prefix: 24,
        type: 'unicast',
        gateway: ip('192.0.2.2'),
        metric: 50,
        mtuBytes: 1300,
        ifindex,
      },
      {
        ...base,
        destination: ip('0.0.0.0'),
        prefix: 0,
        type: 'unicast',
        table: 1000,
        gateway: ip('192.0.2.3'),
        source: ip('192.0.2.1'),
        ifindex,
      },
      { ...base, destination: ip('203.0.113.0'), prefix: 24, type: 'blackhole' },
      {
        ...base,
        destination: ip('198.18.0.0'),
        prefix: 15,
        type: 'unicast',
        nextHops: [
          { gateway: ip('192.0.2.2'), ifindex, weight: 3 },
          { gateway: ip('192.0.2.3'), ifindex, weight: 1 },
        ],
      },
    ];
    expect(kernel.tables.addRoutes(routes)).toEqual(routes.map(() => undefined));
    const found = value(kernel.tables.routes(4)).filter(route => route.protocol === OUR_PROTOCOL);
    expect(found).toHaveLength(routes.length);
    expect(found).toEqual(expect.arrayContaining(routes));
    expect(kernel.tables.removeRoutes(routes)).toEqual(routes.map(() => undefined));
    expect(kernel.tables.removeRoutes(routes).map(failure => failure?.code)).toEqual(
      routes.map(() => 'ESRCH'),
    );
    opened.drain();
    const removed = events.flatMap(event => (event.type === 'routeRemoved' ? [event.route] : []));
    expect(removed).toEqual(expect.arrayContaining(routes));
  });

  test('rules are added, found, watched and removed', () => {
    const { events, opened } = watch();
    const rules: Rule[] = [
      {
        family: 4,
        priority: 100,
        action: 'lookup',
        table: 1000,
        protocol: OUR_PROTOCOL,
        from: { address: ip('192.0.2.7'), prefix: 32 },
      },
      {
        family: 6,
        priority: 101,
        action: 'unreachable',
        table: 0,
        protocol: OUR_PROTOCOL,
        to: { address: ip('2001:db8::'), prefix: 32 },
        iifName: 'eth0',
        invert: true,
      },
      {
        family: 4,
        priority: 102,
        action: 'lookup',
        table: TABLE.main,
        protocol: OUR_PROTOCOL,
        mark: 5,
        markMask: 0xff,
        suppressPrefixLength: 0,
      },
    ];
    expect(kernel.tables.addRules(rules)).toEqual(rules.map(() => undefined));
    const found = [...value(kernel.tables.rules(4)), ...value(kernel.tables.rules(6))];
    expect(found.filter(rule => rule.protocol === OUR_PROTOCOL)).toEqual(expect.arrayContaining(rules));
    expect(kernel.tables.removeRules(rules)).toEqual(rules.map(() => undefined));
    expect(kernel.tables.removeRules(rules).map(failure => failure?.code)).toEqual(rules.map(() => 'ENOENT'));
    opened.drain();
    const removed = events.flatMap(event => (event.type === 'ruleRemoved' ? [event.rule] : []));
    expect(removed).toEqual(expect.arrayContaining(rules));
  });
});

describe('nftables on the running kernel', () => {
  let host: Namespace;
  let kernel: Kernel;

  beforeAll(async () => {
    host = await makeNamespace();
    for (const address of ['10.9.0.1/32', '10.9.0.2/32', 'fd00::1/128'])
      host.ip(`addr add ${address} dev lo`);
    kernel = host.within(() => value(openKernel()));
  });
  afterAll(() => host.remove());

  const nft = (command: string): string =>
    execFileSync('nsenter', [`--net=${host.path}`, 'nft', ...command.split(' ')], { encoding: 'utf8' });
  const ruleset = (): string => nft('list ruleset').replaceAll(/\s+/g, ' ');
  const open = (): PacketFilter => {
    const filter = host.within(() => value(kernel.openPacketFilter('tandem_test')));
    onTestFinished(() => filter.close());
    return filter;
  };
  const answers = (address: string): boolean =>
    spawnSync('nsenter', [`--net=${host.path}`, 'ping', '-c1', '-W0.1', address]).status === 0;

  test('the table is there while something is dropped, and goes with its socket', () => {
    const filter = open();
    expect(ruleset()).toBe('');
    expect(filter.drop([ip('10.9.0.1'), ip('fd00::1')])).toBeUndefined();
    expect(ruleset()).toMatch(/icmpv6 type (135-136|\{ nd-neighbor-solicit, nd-neighbor-advert \}) accept/);
    expect(ruleset()).toContain('ip daddr @vips4 drop');
    expect(ruleset()).toContain('ip6 daddr @vips6 drop');
    expect(['10.9.0.1', '10.9.0.2', 'fd00::1'].map(answers)).toEqual([false, true, false]);
    expect(filter.drop([ip('10.9.0.1'), ip('10.9.0.2')])).toBeUndefined();
    expect(ruleset()).toContain('elements = { 10.9.0.1, 10.9.0.2 }');
    expect(filter.accept([ip('10.9.0.1'), ip('fd00::1')])).toBeUndefined();
    expect(['10.9.0.1', '10.9.0.2', 'fd00::1'].map(answers)).toEqual([false, false, true]);
    nft('flush ruleset');
    expect(ruleset()).toContain('10.9.0.2');
    expect(filter.accept([ip('10.9.0.1'), ip('10.9.0.2')])).toBeUndefined();
    expect(ruleset()).toBe('');
    filter.drop([ip('10.9.0.1')]);
    filter.close();
    expect(ruleset()).toBe('');
  });

  test('a leftover is removed, and what is in the way is replaced', () => {
    nft('add table inet tandem_test');
    const filter = open();
    expect(ruleset()).toBe('');
    nft('add table inet tandem_test');
    expect(filter.drop([ip('10.9.0.1')])).toBeUndefined();
    expect(ruleset()).toContain('elements = { 10.9.0.1 }');
    expect(filter.clear()).toBeUndefined();
    expect(ruleset()).toBe('');
  });
});
