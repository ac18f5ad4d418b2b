import { describe, expect, test } from 'vitest';
import { formatCidr } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { FakeClock } from '#testing/clock.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { ip } from '#testing/scenario-config.ts';
import { HostWatch } from './host-watch.ts';
import { Interfaces } from './interfaces.ts';
import { Log } from './log.ts';
import { StaticNetwork } from './static-network.ts';

const CONFIG = `static_ipaddress {
  10.7.0.1/24 dev eth0
}
static_routes {
  10.8.0.0/16 via 10.7.0.2 dev eth0
}
static_rules {
  from 10.7.0.0/24 table 77 priority 700
}
`;

function configured(text: string): Config {
  const source = { read: () => text, glob: () => [] };
  return checkConfig('a.conf', source, { hostname: 'ka67' }).config;
}

function rig() {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock);
  const lines: string[] = [];
  const log = new Log({ write: (_, line) => void lines.push(line) }, () => clock.nowMs, true);
  const interfaces = new Interfaces();
  const missing: string[][] = [];
  const network = new StaticNetwork(kernel, interfaces, log, now => void missing.push([...now].flat()));
  const watch = new HostWatch(kernel.tables, interfaces, {
    event: () => {},
    appeared: () => {},
    vanished: () => {},
    noticed: event => network.noticed(event),
  });
  const eth0 = kernel.plug('eth0', Uint8Array.of(2, 0, 0, 0, 0, 1), { transmit: () => {} });
  watch.start();
  const found = <T>(result: { ok: boolean; value?: T[] }): T[] => must(result.value, 'a table');
  const there = (): string[] => [
    ...found(kernel.tables.addresses()).map(formatCidr),
    ...found(kernel.tables.routes(4)).map(each => `route ${each.prefix}`),
    ...found(kernel.tables.rules(4)).map(each => `rule ${each.priority}`),
  ];
  return { clock, kernel, lines, missing, network, eth0, there };
}

const ALL = ['10.7.0.1/24', 'route 16', 'rule 700'];

describe('static addresses, routes and rules', () => {
  test('come back at once, then at most once a second, and go at the end', () => {
    const { clock, kernel, lines, network, there } = rig();
    network.apply(configured(CONFIG));
    expect(there()).toEqual(ALL);
    clock.runUntil(clock.nowMs + 2000);
    const remove = (): void => {
      kernel.tables.removeRules(rulesOf(kernel));
      clock.runUntil(clock.nowMs + 1);
    };
    remove();
    expect(there()).toEqual(ALL);
    remove();
    expect(there()).not.toContain('rule 700');
    clock.runUntil(clock.nowMs + 1000);
    expect(there()).toEqual(ALL);
    expect(lines.filter(line => line.includes('is put back'))).toHaveLength(2);
    network.close();
    expect(there()).toEqual([]);
  });

  test('a reload removes what is gone and leaves the rest alone', () => {
    const { network, there } = rig();
    network.apply(configured(CONFIG));
    network.apply(configured(CONFIG.replace(/static_rules.*/s, '')));
    expect(there()).toEqual(ALL.slice(0, 2));
    network.apply(configured(''));
    expect(there()).toEqual([]);
  });

  test('what the host had is not removed, what a predecessor left is', () => {
    const { kernel, eth0, network, there } = rig();
    const own = { ifindex: eth0.ifindex, address: ip('10.7.0.1'), prefix: 24 };
    kernel.tables.addAddresses([own], false);
    network.apply(configured(CONFIG));
    network.close();
    expect(there()).toEqual(['10.7.0.1/24']);
    kernel.tables.removeAddresses([own]);
    kernel.tables.addAddresses([own]);
    network.apply(configured(CONFIG));
    network.close();
    expect(there()).toEqual([]);
  });

  test('an interface that comes later gets its addresses, and the refusal is told once', () => {
    const { clock, kernel, lines, network, there } = rig();
    network.apply(configured(CONFIG.replaceAll('eth0', 'eth1').replace(/static_routes.*/s, '')));
    clock.runUntil(clock.nowMs + 3000);
    expect(lines.filter(line => line.includes('cannot be added yet'))).toHaveLength(1);
    kernel.plug('eth1', Uint8Array.of(2, 0, 0, 0, 0, 2), { transmit: () => {} });
    clock.runUntil(clock.nowMs + 1);
    expect(there()).toEqual(['10.7.0.1/24']);
  });
});

describe('track_group', () => {
  const TRACKED = `${CONFIG.replace('dev eth0\n', 'dev eth1 track_group T\n')}
vrrp_instance V { interface eth0\n virtual_router_id 1\n virtual_ipaddress { 10.9.0.1 } }
track_group T { group { V } }
`;

  test('is told what cannot be there, and when it is there', () => {
    const { clock, kernel, missing, network } = rig();
    network.apply(configured(TRACKED));
    expect(missing).toEqual([['T', 'static address 10.7.0.1/24 on eth1']]);
    kernel.plug('eth1', Uint8Array.of(2, 0, 0, 0, 0, 2), { transmit: () => {} });
    clock.runUntil(clock.nowMs + 1001);
    expect(missing.slice(1)).toEqual([[]]);
  });

  test('what can be put back is not missing', () => {
    const { clock, kernel, missing, network, there } = rig();
    network.apply(configured(TRACKED.replace('dev eth1', 'dev eth0')));
    clock.runUntil(clock.nowMs + 2000);
    const found = kernel.tables.addresses();
    kernel.tables.removeAddresses(
      (found.ok ? found.value : []).map(({ ifindex, address, prefix }) => ({ ifindex, address, prefix })),
    );
    clock.runUntil(clock.nowMs + 1001);
    expect(there()).toContain('10.7.0.1/24');
    expect(missing).toEqual([]);
  });
});

function rulesOf(kernel: FakeKernel) {
  const rules = kernel.tables.rules(4);
  return rules.ok ? rules.value : [];
}
