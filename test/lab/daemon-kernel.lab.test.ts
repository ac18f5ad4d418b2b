import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { gaps, overlapMs, record, type Recording } from './daemon/adverts.ts';
import { fast } from './daemon/configurations.ts';
import { makeSegment, run, type Segment, type SegmentHost } from './daemon/segment.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

/** What tandemd does to its host's kernel besides VIPs, on real network namespaces. */

const WAIT = { timeout: 10_000, interval: 10 };

let segment: Segment;
let nodes: TandemNode[];
let recording: Recording | undefined;

beforeAll(buildRelease);

beforeEach(async () => {
  segment = await makeSegment(2);
  nodes = [];
});

afterEach(async () => {
  await recording?.stop();
  recording = undefined;
  await Promise.all(nodes.map(node => node.remove()));
  segment.remove();
});

function hostAt(index: number): SegmentHost {
  const host = segment.hosts[index];
  if (!host) throw new Error(`no host ${index}`);
  return host;
}

/** tandemd on the next host, started. */
function tandemd(config: string, ...options: string[]): TandemNode {
  const node = new TandemNode(hostAt(nodes.length), config);
  nodes.push(node);
  node.start(...options);
  return node;
}

async function pair(master: string, backup: string): Promise<[TandemNode, TandemNode]> {
  const a = tandemd(master);
  await a.expectLog('Entering BACKUP STATE');
  const b = tandemd(backup);
  await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
  return [a, b];
}

/** `ip …` in the namespace of a node's host. */
function ip(node: TandemNode, command: string): string {
  return node.host.namespace.ip(command);
}

function nft(node: TandemNode, ...argv: string[]): string {
  return run(node.host.namespace, ['nft', ...argv]).replaceAll(/\s+/g, ' ');
}

function answersPing(from: SegmentHost, address: string): boolean {
  try {
    run(from.namespace, ['ping', '-c1', '-W0.3', address]);
    return true;
  } catch {
    return false;
  }
}

async function reload(node: TandemNode, config: string): Promise<void> {
  node.write(config);
  expect((await node.command('reload')).stdout).toBe('loaded\n');
}

describe('no_accept', () => {
  const config = (more: string, vips = ['172.16.8.100/24', '172.16.8.101/24']): string =>
    fast({ priority: 254, vips, more });

  test('drops traffic to the VIPs of a MASTER, answers for them, and goes with the mastership', async () => {
    const a = tandemd(config('no_accept'));
    const other = hostAt(1);
    await a.expect('VG_1=MASTER');
    expect(a.log).not.toContain('not supported');
    expect(answersPing(other, '172.16.8.100')).toBe(false);
    expect(answersPing(other, '172.16.8.10')).toBe(true);
    // ARP is answered: the VIP is there.
    expect(other.namespace.ip('neigh show 172.16.8.100')).toMatch(/lladdr/);
    nft(a, 'flush', 'ruleset');
    expect(answersPing(other, '172.16.8.100')).toBe(false);
    await reload(a, config('no_accept', ['172.16.8.100/24', '172.16.8.102/24']));
    expect(nft(a, 'list', 'ruleset')).toContain('elements = { 172.16.8.100, 172.16.8.102 }');
    await reload(a, config('accept'));
    expect(answersPing(other, '172.16.8.100')).toBe(true);
    expect(nft(a, 'list', 'ruleset')).toBe('');
    await reload(a, config('no_accept'));
    expect(answersPing(other, '172.16.8.100')).toBe(false);
    a.host.cable(false);
    await a.expect('VG_1=FAULT');
    expect(nft(a, 'list', 'ruleset')).toBe('');
  });

  test('a killed daemon leaves no table, and one that is left is taken over', async () => {
    const a = tandemd(config('no_accept'));
    await a.expect('VG_1=MASTER');
    await a.end('SIGKILL');
    expect(nft(a, 'list', 'ruleset')).toBe('');
    // As a kernel without owned tables leaves it.
    nft(a, 'add', 'table', 'inet', 'keepalived');
    a.start();
    await a.expectLog('Entering BACKUP STATE');
    expect(nft(a, 'list', 'ruleset')).toBe('');
    await a.expect('VG_1=MASTER');
    expect(answersPing(hostAt(1), '172.16.8.100')).toBe(false);
  });
});

describe('routes and rules', () => {
  const STATIC = `static_ipaddress {
  10.7.0.1/24 dev eth0
}
static_routes {
  10.8.0.0/16 via 10.7.0.2 dev eth0
}
static_rules {
  from 10.7.0.0/24 table 77 priority 700
}
`;
  const routing = `virtual_routes {
    10.9.0.0/16 via 172.16.8.1 dev eth0
    default via 172.16.8.1 table 55
  }
  virtual_rules {
    from 172.16.8.100 table 55 priority 550
  }`;
  const routes = (node: TandemNode): string => ip(node, 'route show table all proto 112');
  const rules = (node: TandemNode): string => ip(node, 'rule show');

  test('static ones exist while the daemon runs, come back, and go', async () => {
    const a = tandemd(STATIC + fast({ priority: 254 }));
    const all = (): void => {
      expect(ip(a, 'addr show dev eth0')).toContain('10.7.0.1/24');
      expect(routes(a)).toContain('10.8.0.0/16 via 10.7.0.2 dev eth0');
      expect(rules(a)).toContain('from 10.7.0.0/24 lookup 77');
    };
    await a.expect('VG_1=MASTER');
    all();
    ip(a, 'route del 10.8.0.0/16');
    ip(a, 'rule del priority 700');
    ip(a, 'addr del 10.7.0.1/24 dev eth0');
    await vi.waitFor(all, WAIT);
    ip(a, 'link set eth0 down');
    await a.expect('VG_1=FAULT');
    ip(a, 'link set eth0 up');
    await vi.waitFor(all, WAIT);
    await a.end('SIGKILL');
    all();
    // Of those that a killed daemon left, the new configuration has the address only.
    const fixed = STATIC.split('\n').slice(0, 3).join('\n');
    a.write(`${fixed}\n${fast({ priority: 254 })}`);
    a.start();
    await a.expect('VG_1=MASTER');
    expect(ip(a, 'addr show dev eth0')).toContain('10.7.0.1/24');
    expect(routes(a)).toBe('');
    expect(rules(a)).not.toContain('lookup 77');
    expect(await a.end()).toBe(0);
    expect(ip(a, 'addr show dev eth0')).not.toContain('10.7.0.1');
  });

  test('virtual ones follow the mastership, and leftovers the leftover addresses', async () => {
    const config = (priority: number): string => fast({ priority, more: routing });
    const a = tandemd(config(254));
    const present = (): void => {
      expect(routes(a)).toContain('10.9.0.0/16 via 172.16.8.1 dev eth0');
      expect(routes(a)).toContain('default via 172.16.8.1 dev eth0 table 55');
      expect(rules(a)).toContain('550:\tfrom 172.16.8.100 lookup 55');
    };
    await a.expect('VG_1=MASTER');
    present();
    await a.end('SIGKILL');
    const b = tandemd(config(255));
    await b.expect('VG_1=MASTER');
    present();
    a.start();
    await a.expect('VG_1=BACKUP');
    expect(routes(a)).toBe('');
    expect(rules(a)).not.toContain('550:');
    await b.end();
    await a.expect('VG_1=MASTER');
    present();
    await a.end('SIGKILL');
    a.start();
    await a.expectLog('Entering BACKUP STATE');
    present();
    await a.expect('VG_1=MASTER');
    expect(await a.end()).toBe(0);
    expect(routes(a)).toBe('');
    expect(rules(a)).not.toContain('550:');
  });
});

describe('interfaces', () => {
  test('interface_up_down_delays: a short cut is not noticed, a long one is after its delay', async () => {
    const a = tandemd(`interface_up_down_delays {\n eth0 1 0\n}\n${fast({ priority: 254 })}`);
    await a.expect('VG_1=MASTER');
    a.host.cable(false);
    await sleep(300);
    a.host.cable(true);
    const cutAtMs = Date.now();
    a.host.cable(false);
    await a.expect('VG_1=FAULT');
    expect(Date.now() - cutAtMs).toBeGreaterThan(950);
    expect((await a.instance()).counters.becomeMaster).toBe(1);
    a.host.cable(true);
    await a.expect('VG_1=MASTER');
  });

  test('an interface that is not there ends the start, unless dynamic_interfaces is set', async () => {
    const a = tandemd(fast({ priority: 254 }).replaceAll('eth0', 'late0'));
    expect(await a.exited()).toBe(1);
    expect(a.log).toMatch(/keepalived\.conf:1: vrrp_instance VG_1: interface late0 does not exist/);
    a.write(`global_defs {\n dynamic_interfaces\n}\n${fast({ priority: 254 }).replaceAll('eth0', 'late0')}`);
    a.start();
    await a.expect('VG_1=FAULT');
  });

  test('promote_secondaries is set while it is asked for; garp_extra_if announces on other interfaces', async () => {
    const host = hostAt(0);
    host.namespace.ip('link add eth1 type veth peer name peer1');
    host.namespace.ip('link set peer1 up');
    host.namespace.ip('link set eth1 up');
    const more = 'promote_secondaries\n garp_extra_if all 1\n garp_master_delay 0';
    const vips = ['172.16.8.100/24', '172.16.8.101/24', '10.1.0.100 dev eth1'];
    const setting = (): string =>
      run(host.namespace, ['cat', '/proc/sys/net/ipv4/conf/eth0/promote_secondaries']).trim();
    expect(setting()).toBe('0');
    const a = tandemd(fast({ priority: 254, vips, more }));
    await a.expect('VG_1=MASTER');
    expect(setting()).toBe('1');
    await a.expectLog('(extraInterface)');
    expect(a.log).toContain('Sending gratuitous ARPs on eth0: 1 (extraInterface)');
    expect(await a.end()).toBe(0);
    expect(setting()).toBe('0');
  });
});

describe('time', () => {
  test('a stopped BACKUP stays one; a stopped MASTER yields without another advert', async () => {
    const [a, b] = await pair(fast({ priority: 253 }), fast({ priority: 254, more: 'nopreempt' }));
    b.signal('SIGSTOP');
    await sleep(5000);
    b.signal('SIGCONT');
    await vi.waitFor(async () => expect((await b.status()).stalls?.count).toBe(1), WAIT);
    expect((await b.status()).stalls?.longestMs).toBeGreaterThan(4000);
    expect(await b.instance()).toMatchObject({ state: 'BACKUP', counters: { becomeMaster: 0 } });
    expect((await b.command('stats')).stdout).toMatch(/^tandem_stalls_total 1$/m);

    recording = await record(segment);
    a.signal('SIGSTOP');
    await b.expect('VG_1=MASTER');
    a.signal('SIGCONT');
    await Promise.all([a.expect('VG_1=BACKUP'), b.expect('VG_1=MASTER')]);
    await sleep(300);
    await recording.caughtUp();
    expect(overlapMs(recording.adverts())).toBe(0);
    expect(a.log).toMatch(/the process was held up for \d+ ms \(stopped, or no CPU\)/);
  });

  test('a stopped MASTER that is the better one is alone again within an interval', async () => {
    const [a, b] = await pair(fast({ priority: 254 }), fast({ priority: 253 }));
    a.signal('SIGSTOP');
    await b.expect('VG_1=MASTER');
    recording = await record(segment);
    a.signal('SIGCONT');
    await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    await vi.waitFor(() => expect(recording?.adverts().length).toBeGreaterThan(5), WAIT);
    expect(overlapMs(recording.adverts())).toBeLessThanOrEqual(100);
    expect((await a.instance()).counters.becomeMaster).toBe(1);
  });

  test('a reload of 255 instances loses no advert on the wire and changes no state', async () => {
    const numbers = Array.from({ length: 255 }, (_, i) => i + 1);
    const instances = (count: number) =>
      numbers.slice(0, count).map(vrid => ({
        name: `V_${vrid}`,
        vrid,
        priority: 254,
        vips: [`172.16.9.${vrid}`],
      }));
    const a = tandemd(fast(...instances(255)));
    await a.expect(...numbers.map(vrid => `V_${vrid}=MASTER`));
    recording = await record(segment);
    await reload(a, `${fast(...instances(255))}# changed\n`);
    await sleep(600);
    await recording.caughtUp();
    const adverts = recording.adverts();
    for (const vrid of numbers) {
      const own = adverts.filter(each => each.vrid === vrid);
      expect(own.length).toBeGreaterThan(4);
      expect(own.every(each => each.priority === 254)).toBe(true);
      expect(Math.max(...gaps(own)), `VRID ${vrid}`).toBeLessThan(195);
    }
    const { instances: after } = await a.status();
    expect(after.every(each => each.state === 'MASTER' && each.counters.becomeMaster === 1)).toBe(true);
  });
});
