import { describe, expect, test } from 'vitest';
import type { HeardAdvert, ProbeReport } from '#control/probe.ts';
import { diagnose, type DiagnosisInput } from './diagnosis.ts';
import { type Examination, neededModules, parseDaemons, parseMissingModules } from './examination.ts';
import type { Facts } from './facts.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { deriveTopology } from './topology.ts';

const site = (words: string) => `all:
  hosts:
    a: { ansible_host: 10.0.0.1, interfaces: { eth0: 10.0.0.1/24 } }
    b: { ansible_host: 10.0.0.2, interfaces: { eth0: 10.0.0.2/24 } }
topology:
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9]${words} }
`;

const facts = (nic: string, address: string): Facts => ({
  hostname: 'h',
  architecture: 'x64',
  kernel: '6.1',
  os: { id: 'debian', versionId: '12', idLike: [] },
  bootId: 'b',
  init: 'systemd',
  container: false,
  networkManager: false,
  interfaces: [
    { name: nic, mac: undefined, up: true, addresses: [{ address, prefix: 24, scope: 'global' }] },
  ],
});

const NAMES: Record<string, string> = { a: '10.0.0.1', b: '10.0.0.2' };
const advert = (vrid: number, source: string): HeardAdvert => ({
  vrid,
  version: 2,
  priority: 100,
  interface: 'eth0',
  source,
  destination: '224.0.0.18',
  packets: 4,
});

function report(name: string, hears: readonly string[], more: Partial<ProbeReport> = {}): ProbeReport {
  return {
    name,
    instances: [
      {
        instance: 'V',
        vrid: 7,
        interface: 'eth0',
        family: 4,
        source: NAMES[name] ?? null,
        destinations: ['224.0.0.18'],
        sent: 20,
        problem: null,
      },
    ],
    heard: hears.map(from => ({
      name: from,
      vrid: 7,
      interface: 'eth0',
      source: NAMES[from] ?? '',
      destination: '224.0.0.18',
      frames: 20,
    })),
    adverts: [],
    ...more,
  };
}

type Seen = Extract<Examination, { kind: 'seen' }>;
const seen = (name: string, more: Partial<Seen> = {}): Seen => ({
  kind: 'seen',
  facts: facts('eth0', NAMES[name] ?? ''),
  clock: { aheadMs: 3, uncertainMs: 5 },
  daemons: [],
  missingModules: [],
  probe: report(name, [name === 'a' ? 'b' : 'a']),
  ...more,
});

function judge(a: Examination, b: Examination, more: Partial<DiagnosisInput> = {}, words = '') {
  const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': site(words) }));
  const topology = deriveTopology(inventory);
  const [cluster] = topology.clusters;
  if (!cluster) throw new Error('no cluster');
  const { health, hearings, findings } = diagnose({
    cluster,
    hosts: topology.hosts,
    examinations: new Map([
      ['a', a],
      ['b', b],
    ]),
    firewall: new Map(),
    ownAddresses: new Set(Object.values(NAMES)),
    ...more,
  });
  const short = findings.map(({ severity, id, host, instance }) =>
    [severity, id, host, instance].join(' ').trim(),
  );
  return { health, hearings, findings, short };
}

describe('a pair', () => {
  test('in which each hears the other is fine', () => {
    const { health, hearings, findings } = judge(seen('a'), seen('b'));
    expect({ health, findings }).toEqual({ health: 'fine', findings: [] });
    expect(hearings).toEqual([
      { instance: 'V', from: 'b', to: 'a', heard: true },
      { instance: 'V', from: 'a', to: 'b', heard: true },
    ]);
  });

  test.each([
    ['multicast', '', 'IGMP snooping'],
    ['unicast', ', unicast: true', 'a route'],
    ['AH', ', authentication: { auth_type: AH, auth_pass: x }', 'IP protocol 51'],
  ])('of which one is deaf is broken, and by %s there is a way out', (_what, words, hint) => {
    const { health, short, findings } = judge(seen('a'), seen('b', { probe: report('b', []) }), {}, words);
    expect({ health, short }).toEqual({ health: 'broken', short: ['broken not-heard b V'] });
    expect(findings[0]?.message).toContain('does not hear a on eth0');
    expect(findings[0]?.hint).toContain(hint);
  });

  test('whose firewall is closed: an apply opens it', () => {
    const firewall = new Map([['b', ['3 rules added']]]);
    const deaf = judge(seen('a'), seen('b', { probe: report('b', []) }), { firewall });
    expect(deaf.short).toEqual(['degraded firewall b', 'broken not-heard b V']);
    expect(deaf.findings[1]?.hint).toContain('tandem apply --tags firewall');
    expect(judge(seen('a'), seen('b'), { firewall }).health).toBe('degraded');
  });

  test('of which one was heard for another virtual router only is deaf', () => {
    const heard = report('b', ['a']).heard.map(each => ({ ...each, vrid: 8 }));
    expect(judge(seen('a'), seen('b', { probe: report('b', [], { heard }) })).short).toEqual([
      'broken not-heard b V',
    ]);
  });

  test('that cannot be asked', () => {
    const lost = judge(seen('a'), { kind: 'unreachable', reason: 'connect: timed out' });
    expect(lost).toMatchObject({ health: 'unreachable', hearings: [], short: ['unreachable unreachable b'] });
    const failed = judge(seen('a'), { kind: 'failed', reason: 'no shell' });
    expect(failed).toMatchObject({ health: 'broken', short: ['broken examination-failed b'] });
    const unprobed = judge(seen('a'), seen('b', { probe: { problem: 'noexec' } }));
    expect(unprobed).toMatchObject({ health: 'broken', short: ['broken no-probe b V'] });
  });
});

describe('a host', () => {
  const withProblem = (problem: string): ProbeReport => {
    const { instances, ...rest } = report('b', []);
    return { ...rest, instances: instances.map(each => ({ ...each, sent: 0, problem })) };
  };

  test.each<[string, Partial<Seen>, string, string]>([
    [
      'a clock that is off',
      { clock: { aheadMs: -4000, uncertainMs: 20 } },
      'degraded clock-skew b',
      '4.0 s behind',
    ],
    [
      'keepalived where tandemd is wanted',
      { daemons: [{ name: 'keepalived', pid: 5 }] },
      'degraded foreign-daemon b',
      'keepalived runs there (process 5)',
    ],
    ['a kernel without a module', { missingModules: ['ip_vs'] }, 'broken kernel-module b', 'no module ip_vs'],
    [
      'a NIC that is down',
      { probe: withProblem('eth0 is down') },
      'broken cannot-advertise b V',
      'eth0 is down',
    ],
    [
      'no such NIC, said once',
      { facts: facts('ens3', '10.0.0.2'), probe: withProblem('there is no interface eth0') },
      'broken interface-unknown b',
      'i.yml:',
    ],
  ])('with %s', (_what, more, short, message) => {
    const result = judge(seen('a'), seen('b', more));
    expect(result.short).toEqual([short]);
    expect(result.findings[0]?.message).toContain(message);
  });

  test('whose clock may be right, for all that can be told, is left alone', () => {
    expect(judge(seen('a'), seen('b', { clock: { aheadMs: 3000, uncertainMs: 2500 } })).findings).toEqual([]);
    expect(judge(seen('a'), seen('b', { clock: undefined })).findings).toEqual([]);
  });
});

describe('adverts', () => {
  const hearing = (...adverts: HeardAdvert[]) =>
    judge(
      seen('a', { probe: report('a', ['b'], { adverts }) }),
      seen('b', { probe: report('b', ['a'], { adverts }) }),
    );

  test('of the members are no news', () => {
    expect(hearing(advert(7, '10.0.0.1'), advert(9, '10.0.0.2')).findings).toEqual([]);
  });

  test('of somebody else with our VRID are a collision, told once', () => {
    expect(hearing(advert(7, '10.0.0.3'))).toMatchObject({
      health: 'broken',
      short: ['broken vrid-collision a V'],
    });
  });

  test('of another virtual router are a note, and all is fine', () => {
    expect(hearing(advert(8, '10.0.0.3'))).toMatchObject({ health: 'fine', short: ['note other-router a'] });
  });

  test('with our VRID in the other family, or on another NIC, are of another virtual router', () => {
    expect(hearing(advert(7, 'fe80::3')).short).toEqual(['note other-router a']);
    expect(hearing({ ...advert(7, '10.0.0.3'), interface: 'eth1' }).short).toEqual(['note other-router a']);
  });
});

describe('what a host says', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('daemons with their first processes; modules that are missing', () => {
    expect(parseDaemons(bytes('keepalived 70\nkeepalived 69\nvrrpd 4\n'))).toEqual([
      { name: 'keepalived', pid: 69 },
      { name: 'vrrpd', pid: 4 },
    ]);
    expect(parseMissingModules(bytes('ip_vs missing no\nmacvlan built-in no\n'))).toEqual(['ip_vs']);
  });

  test('modules follow from the topology', () => {
    const { inventory } = loadInventory(
      ['i.yml'],
      memoryFiles({ 'i.yml': site(', use_vmac: true, accept: false') }),
    );
    const host = deriveTopology(inventory).hosts.get('a');
    expect(host && neededModules(host)).toEqual(['macvlan', 'nf_tables']);
  });
});
