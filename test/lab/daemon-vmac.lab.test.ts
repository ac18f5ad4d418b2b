import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { record, type Recording } from './daemon/adverts.ts';
import { fast } from './daemon/configurations.ts';
import { makeSegment, run, type Segment, type SegmentHost, start } from './daemon/segment.ts';
import { longestDoubleMs } from './daemon/senders.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

/** Virtual MAC addresses on real network namespaces. */

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
function tandemd(config: string): TandemNode {
  const node = new TandemNode(hostAt(nodes.length), config);
  nodes.push(node);
  node.start();
  return node;
}

/** `ip …` in the namespace of a node's host. */
function ip(node: TandemNode, command: string): string {
  return node.host.namespace.ip(command);
}

/** Runs a script in the namespace of a node's host. */
function shell(node: TandemNode, script: string): string {
  return run(node.host.namespace, ['sh', '-ec', script]);
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

/** Why a node has refused adverts. */
async function refusedBy(node: TandemNode): Promise<string[]> {
  const { instances } = await node.status();
  return instances.flatMap(({ counters }) =>
    Object.entries(counters.refused).flatMap(([rung, count]) => (count > 0 ? [rung] : [])),
  );
}

/** What the segment's switch sees from now on, one line for each frame. */
async function watchFrames(filter: string): Promise<() => string[]> {
  const argv = ['tcpdump', '-i', 'br0', '-e', '-n', '-q', '-l', '--immediate-mode', filter];
  const tcpdump = start(segment.switchNamespace, argv);
  await vi.waitFor(() => expect(tcpdump.said()).toContain('listening on'), WAIT);
  return () =>
    tcpdump
      .said()
      .split('\n')
      .filter(line => / > /.test(line));
}

/** MAC and IP address of each sender of adverts. */
const senders = (frames: readonly string[]): string[] =>
  [...new Set(frames.map(line => line.replace(/^\S+ (\S+) > .* ([\d.]+) > 224.*$/, '$1 $2')))].sort();

describe('use_vmac', () => {
  const config = (more: string): string => fast({ priority: 254, vips: ['172.16.8.100'], more });
  const macOf = (node: TandemNode): string =>
    /link\/ether (\S+)/.exec(ip(node, '-o link show vrrp.103'))?.[1] ?? '';

  test('VIPs and adverts have the virtual MAC address; it is taken over, made again and removed', async () => {
    const a = tandemd(config('use_vmac'));
    const other = hostAt(1);
    const arp = (): string =>
      run(a.host.namespace, [
        'sh',
        '-c',
        'cat /proc/sys/net/ipv4/conf/eth0/arp_ignore /proc/sys/net/ipv4/conf/eth0/arp_announce',
      ]);
    const neighbour = (): string => other.namespace.ip('neigh show 172.16.8.100');
    await a.expect('VG_1=MASTER');
    expect(arp()).toBe('1\n2\n');
    expect(macOf(a)).toBe('00:00:5e:00:01:67');
    expect(ip(a, 'addr show dev vrrp.103')).toContain('172.16.8.100/32');
    expect(answersPing(other, '172.16.8.100')).toBe(true);
    expect(neighbour()).toContain('00:00:5e:00:01:67');
    expect(answersPing(other, '172.16.8.10')).toBe(true);
    expect(other.namespace.ip('neigh show 172.16.8.10')).not.toContain('00:00:5e');
    const senders = (): string =>
      run(segment.switchNamespace, ['tcpdump', '-i', 'br0', '-e', '-n', '-q', '-c1', 'ip proto 112']);
    expect(senders()).toMatch(/00:00:5e:00:01:67 > 01:00:5e:00:00:12.* 172\.16\.8\.10 > 224\.0\.0\.18/);

    await reload(a, config(''));
    expect(arp()).toBe('0\n0\n');
    await reload(a, config('use_vmac'));
    ip(a, 'link del vrrp.103');
    await vi.waitFor(() => expect(ip(a, 'addr show dev vrrp.103')).toContain('172.16.8.100/32'), WAIT);
    await vi.waitFor(() => expect(senders()).toContain('00:00:5e:00:01:67 > 01:00:5e:00:00:12'), WAIT);

    await a.end('SIGKILL');
    const index = ip(a, '-o link show vrrp.103').split(':')[0];
    a.start();
    await a.expect('VG_1=MASTER');
    expect(ip(a, '-o link show vrrp.103').split(':')[0]).toBe(index);
    await reload(a, config('use_vmac\n vmac_xmit_base'));
    expect(senders()).not.toContain('00:00:5e:00:01:67 > 01:00:5e:00:00:12');
    await reload(a, config(''));
    expect(ip(a, 'link show')).not.toContain('vrrp.103');
    expect(a.host.extraAddresses()).toEqual(['172.16.8.100/32']);
    expect((await a.instance()).counters).toMatchObject({ becomeMaster: 1, vipsRestored: 0 });
    expect(await a.end()).toBe(0);
    expect(ip(a, 'link show')).not.toContain('vrrp.103');
    expect(a.log).not.toMatch(/^<[0-4]>/m);
  });

  test('a macvlan that a killed daemon left and nobody wants is removed', async () => {
    const a = tandemd(config('use_vmac'));
    await a.expect('VG_1=MASTER');
    await a.end('SIGKILL');
    a.write(config(''));
    a.start();
    await a.expect('VG_1=MASTER');
    expect(ip(a, 'link show')).not.toContain('vrrp.103');
  });
});

describe('a pair with use_vmac', () => {
  const VMAC = '00:00:5e:00:01:67';
  const VERSION_2 = 'version 2\n advert_int 1\n authentication {\n auth_type AH\n auth_pass pa55word\n }';

  /** Elects `a`, and checks who speaks from then on. */
  async function elected(a: TandemNode, b: TandemNode, ...names: string[]): Promise<void> {
    await Promise.all([
      a.expect(...names.map(name => `${name}=MASTER`)),
      b.expect(...names.map(name => `${name}=BACKUP`)),
    ]);
  }

  test('has one MASTER through everything that happens to its macvlans', async () => {
    const config = (priority: number, more = 'use_vmac'): string => fast({ priority, more });
    recording = await record(segment);
    const a = tandemd(config(254));
    await a.expect('VG_1=MASTER');
    const b = tandemd(config(100));
    await b.expectLog('Entering BACKUP STATE');
    await elected(a, b, 'VG_1');
    // Nobody's settings, reports or dumps of the host make a BACKUP deaf or talkative.
    const misplaced = await watchFrames(`ether src ${VMAC} and not src host ${a.host.address} and not arp`);
    shell(b, 'sysctl -qw net.ipv4.conf.vrrp/103.rp_filter=1 net.ipv4.conf.all.rp_filter=2');
    ip(b, 'link set vrrp.103 down');
    await vi.waitFor(() => expect(ip(b, 'link show vrrp.103')).toContain(',UP'), WAIT);
    ip(b, 'link del vrrp.103');
    await vi.waitFor(() => expect(ip(b, 'link show vrrp.103')).toContain(',UP'), WAIT);
    ip(a, 'link set vrrp.103 down');
    await vi.waitFor(() => expect(ip(a, 'addr show vrrp.103')).toMatch(/,UP[^]*172.16.8.100/), WAIT);
    const reversePath = ['all', 'eth0', 'vrrp.103'].map(name => `/proc/sys/net/ipv4/conf/${name}/rp_filter`);
    expect(shell(b, `cat ${reversePath.join(' ')}`)).toBe('0\n2\n0\n');
    // As a switch that snoops and asks; what the BACKUP's NIC answers is in time, too.
    const reports = await watchFrames(`igmp and src host ${b.host.address}`);
    ip(b, 'link set eth0 down');
    ip(b, 'link set eth0 up');
    await vi.waitFor(() => expect(reports().join('\n')).toMatch(/igmp/), WAIT);
    await elected(a, b, 'VG_1');
    await reload(b, config(100, ''));
    await elected(a, b, 'VG_1');
    await reload(b, config(100, 'use_vmac other0'));
    await elected(a, b, 'VG_1');
    expect(misplaced()).toEqual([]);
    await recording.caughtUp();
    expect(longestDoubleMs(recording.adverts())).toBe(0);
    expect(new Set(recording.adverts().map(({ from }) => from))).toEqual(new Set([a.host.address]));
    expect((await b.instance()).counters).toMatchObject({ becomeMaster: 0 });
    expect(await refusedBy(b)).toEqual([]);
    expect((await a.instance()).counters.becomeMaster).toBe(1);
    for (const node of [a, b]) {
      expect(await node.end()).toBe(0);
      expect(node.log).not.toMatch(/^<[0-4]>(?!.*eth0 is down)/m);
    }
    expect(shell(b, 'cat /proc/sys/net/ipv4/conf/all/rp_filter')).toBe('2\n');
  });

  test.each([
    { name: 'version 3', more: '' },
    { name: 'version 2 with AH', more: VERSION_2 },
  ])('$name, with and without a virtual MAC address on one NIC', async ({ more }) => {
    const config = (priority: number): string =>
      fast(
        { name: 'WITH', priority, more: `${more}\n use_vmac` },
        { name: 'WITHOUT', vrid: 104, vips: ['172.16.8.101'], priority, more },
        { name: 'TOO', vrid: 105, vips: ['172.16.8.102'], priority, more: `${more}\n use_vmac` },
      );
    const a = tandemd(config(254));
    await a.expect('WITH=MASTER', 'WITHOUT=MASTER', 'TOO=MASTER');
    const b = tandemd(config(100));
    await elected(a, b, 'WITH', 'WITHOUT', 'TOO');
    const frames = await watchFrames('ip proto 112 or ip proto 51');
    const before = (await b.status()).instances.map(each => each.counters.advertsReceived);
    await vi.waitFor(() => expect(frames().length).toBeGreaterThan(9), WAIT);
    expect(senders(frames())).toEqual(
      [VMAC, '00:00:5e:00:01:69', /(\S+) brd/.exec(ip(a, '-o link show eth0'))?.[1] ?? '']
        .sort()
        .map(mac => `${mac} ${a.host.address}`),
    );
    await vi.waitFor(async () => {
      const after = await b.status();
      const received = after.instances.map((each, i) => each.counters.advertsReceived - (before[i] ?? 0));
      expect(Math.min(...received)).toBeGreaterThan(2);
    }, WAIT);
    expect(await refusedBy(b)).toEqual([]);
    const { instances } = await b.status();
    expect(instances.map(each => each.counters.becomeMaster)).toEqual([0, 0, 0]);
    await a.end('SIGKILL');
    await b.expect('WITH=MASTER', 'WITHOUT=MASTER', 'TOO=MASTER');
    a.start();
    await elected(a, b, 'WITH', 'WITHOUT', 'TOO');
    for (const node of [a, b]) expect(node.log).not.toMatch(/^<[0-3]>/m);
  });

  test('against a peer without it', async () => {
    const a = tandemd(fast({ priority: 254, more: 'use_vmac' }));
    const b = tandemd(fast({ priority: 100 }));
    await elected(a, b, 'VG_1');
    await reload(a, fast({ priority: 50, more: 'use_vmac' }));
    await elected(b, a, 'VG_1');
    await b.end('SIGKILL');
    await a.expect('VG_1=MASTER');
    b.start();
    await elected(b, a, 'VG_1');
    expect((await a.instance()).counters.becomeMaster).toBe(2);
  });
});
