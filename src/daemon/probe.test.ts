import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { parseIp } from '#base/address.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { ProbeReport } from '#control/probe.ts';
import { FakeClock } from '#testing/clock.ts';
import { type FakeInterface, FakeKernel } from '#testing/kernel.ts';
import { LISTEN_ON_MS, probe } from './probe.ts';

const ip = (text: string) => must(parseIp(text), text);
const ROUND = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER_ROUND = new Uint8Array(8);

const conf = (words: string, vrid = 103) =>
  `vrrp_instance V {\ninterface eth0\nvirtual_router_id ${vrid}\npriority 100\n${words}\nvirtual_ipaddress {\n172.16.8.100\n}\n}`;
const unicast = (own: string, peer: string) => `unicast_src_ip ${own}\nunicast_peer {\n${peer}\n}`;

/** Two hosts on one cable that can swallow what goes one way. */
function pair() {
  const clock = new FakeClock();
  const lost = new Set<number>();
  const hosts: { readonly kernel: FakeKernel; readonly eth0: FakeInterface }[] = [];
  for (const number of [0, 1]) {
    const kernel = new FakeKernel(clock);
    const transmit = (frame: Uint8Array): void => {
      if (!lost.has(number)) clock.after(1, () => hosts[1 - number]?.eth0.receive(frame));
    };
    const own = { address: ip(`172.16.8.1${number}`), prefix: 24 };
    hosts.push({
      kernel,
      eth0: kernel.plug('eth0', Uint8Array.of(2, 0, 0, 0, 0, number), { transmit }, [own]),
    });
  }
  const start = (number: number, text: string, round = ROUND): ProbeReport[] => {
    const { config } = loadConfig('a.conf', memorySource({ 'a.conf': text }), { hostname: 'h' });
    const reports: ProbeReport[] = [];
    const options = { name: `ka${number}`, round, durationMs: 1000 };
    probe(must(hosts[number], 'a host').kernel, config, options, report => reports.push(report));
    return reports;
  };
  const run = (): void => clock.runUntil(clock.nowMs + 1000 + LISTEN_ON_MS + 10);
  return { clock, hosts, lost, start, run };
}

describe('two hosts that probe at the same time', () => {
  test.each([
    ['multicast', conf(''), conf('')],
    [
      'AH',
      conf('authentication {\nauth_type AH\nauth_pass x\n}'),
      conf('authentication {\nauth_type AH\nauth_pass y\n}'),
    ],
    ['unicast', conf(unicast('172.16.8.10', '172.16.8.11')), conf(unicast('172.16.8.11', '172.16.8.10'))],
  ])('hear each other: %s', (_what, left, right) => {
    const { start, run } = pair();
    const reports = [start(0, left), start(1, right)];
    run();
    for (const [number, [report]] of reports.entries()) {
      const { instances, heard, adverts } = must(report, 'a report');
      expect(instances).toMatchObject([
        { instance: 'V', vrid: 103, interface: 'eth0', sent: 6, problem: null },
      ]);
      expect(heard).toMatchObject([
        { name: `ka${1 - number}`, vrid: 103, source: `172.16.8.1${1 - number}`, frames: 6 },
      ]);
      expect(adverts).toEqual([]);
    }
  });

  test('one direction that is lost is seen by the one who hears nothing', () => {
    const { start, run, lost } = pair();
    lost.add(0);
    const reports = [start(0, conf('')), start(1, conf(''))];
    run();
    expect(reports.map(([report]) => report?.heard.map(each => each.name))).toEqual([['ka1'], []]);
  });

  test('frames of another probing do not count', () => {
    const { start, run } = pair();
    const reports = [start(0, conf('')), start(1, conf(''), OTHER_ROUND)];
    run();
    expect(reports.map(([report]) => report?.heard)).toEqual([[], []]);
  });

  test('adverts of virtual routers are reported, once per sender and VRID', () => {
    const { hosts, start, run } = pair();
    const [report] = [start(0, `${conf('')}\n${conf('', 104).replace('_instance V', '_instance W')}`)];
    const { kernel, eth0 } = must(hosts[1], 'a host');
    const group = ip('224.0.0.18');
    const options = { interfaceName: 'eth0', ifindex: eth0.ifindex, family: 4, protocol: 'vrrp' } as const;
    const opened = kernel.openVrrpSocket(
      { ...options, local: { cast: 'multicast', group } },
      { packet: () => {}, failed: () => {} },
    );
    if (!opened.ok) throw new Error(opened.failure.message);
    const target = opened.value.target(group, ip('172.16.8.11'));
    for (let n = 0; n < 3; n++) opened.value.send(target, Uint8Array.of(0x21, 77, 100, 0, 0, 1, 0, 0), 8);
    run();
    expect(report[0]?.adverts).toMatchObject([
      { vrid: 77, version: 2, priority: 100, source: '172.16.8.11', destination: '224.0.0.18', packets: 3 },
    ]);
  });
});

test.each([
  ['there is no interface eth9', conf('').replace('eth0', 'eth9'), () => {}],
  ['eth0 is down (ip link set eth0 up)', conf(''), (eth0: FakeInterface) => eth0.setUp(false)],
  ['eth0 has no carrier: is the cable in?', conf(''), (eth0: FakeInterface) => eth0.setCarrier(false)],
  ['no interface has the source address 10.0.0.1', conf('mcast_src_ip 10.0.0.1'), () => {}],
  ['eth0 has no IPv4 address to send from', conf('').replace('172.16.8.100', '172.16.8.10'), () => {}],
])('%s', (problem, text, before) => {
  const { hosts, start, run } = pair();
  before(must(hosts[0], 'a host').eth0);
  const reports = start(0, text);
  run();
  expect(reports).toMatchObject([{ instances: [{ problem, sent: 0 }], heard: [], adverts: [] }]);
});
