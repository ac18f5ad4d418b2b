/** What firewalld forwards: its policy as it is planned, from what firewall-cmd prints. */
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { InterfaceFact } from '#provision/model/facts.ts';
import { foldLedger, record } from '#provision/model/ledger.ts';
import type { PlanContext } from '#provision/model/module.ts';
import { DEBIAN } from '#testing/module-host.ts';
import { parseFirewalld, surroundings } from './firewall-firewalld.ts';
import { POLICY_RESOURCE, policyChanges } from './firewalld-policy.ts';
import type { OpeningArgs } from './opening.ts';

const OPEN = { family: 4, protocol: 6, peers: [] } as const;
const SERVICE: OpeningArgs = {
  ...OPEN,
  kind: 'service',
  destination: '10.0.0.100',
  port: 80,
  translated: true,
};
const ANSWERS: OpeningArgs = { ...OPEN, kind: 'forward', peers: ['10.1.0.8'], source_port: 8080 };
/** To a real server, and back. */
const FORWARDS: readonly OpeningArgs[] = [
  { ...OPEN, kind: 'forward', destination: '10.1.0.8', port: 8080 },
  ANSWERS,
];
const VRRP: OpeningArgs = { ...OPEN, kind: 'vrrp', protocol: 112, interface: 'eth0', peers: ['10.0.0.2'] };

const context: PlanContext = {
  facts: DEBIAN,
  ledger: [],
  planned: new Map(),
  release: undefined,
  path: [],
  redact: text => text,
};

const ZONES = `public (default, active)
  target: default
  interfaces: eth0

trusted (active)
  target: ACCEPT
  interfaces: eth1
`;

const THERE = `tandem (active)
  priority: -1
  target: CONTINUE
  ingress-zones: ANY
  egress-zones: ANY
  services: 
  rich rules: 
\trule family="ipv4" destination address="10.1.0.8" port port="8080" protocol="tcp" accept
\trule family="ipv4" source address="10.1.0.8" source-port port="8080" protocol="tcp" accept
`;

describe('firewalld’s policy', () => {
  const settings = [
    'ingress-zone=ANY',
    'egress-zone=ANY',
    'rich-rule=rule family="ipv4" destination address="10.1.0.8" port port="8080" protocol="tcp" accept',
    'rich-rule=rule family="ipv4" source address="10.1.0.8" source-port port="8080" protocol="tcp" accept',
  ];
  const ledger: PlanContext['ledger'] = foldLedger(
    [record.intend(POLICY_RESOURCE, 'all', [], settings), record.done(POLICY_RESOURCE)].join('\n'),
  ).entries;
  const applied: PlanContext = { ...context, ledger };

  interface Host {
    readonly flags?: string;
    readonly live?: string;
    readonly permanent?: string;
    readonly unlike?: string;
    readonly zones?: string;
  }

  /** What is planned on a host. */
  function planned(openings: readonly OpeningArgs[], host: Host, on = context) {
    const { flags = 'policies yes\nfile no', live = '', permanent = '', unlike = '', zones = ZONES } = host;
    const policy = [flags, live, permanent, unlike].join('\n\u0003\n');
    const seenThere = must(
      parseFirewalld(['public', zones, zones, policy, '', ''].join('\n\u0002\n')),
      'it runs',
    );
    return policyChanges(openings, seenThere.policy, surroundings(openings, seenThere, on), on);
  }
  const made: Host = { flags: 'policies yes\nfile yes', live: THERE, permanent: THERE };

  test('is made by a reload, which is guarded, and then there is nothing to do', () => {
    expect(planned(FORWARDS, {})).toMatchObject([
      { to: settings, effect: 'connectivity', summary: expect.stringContaining('firewalld reloads') },
    ]);
    expect(planned(FORWARDS, made, applied)).toEqual([]);
    expect(planned([VRRP], {})).toEqual([]);
  });

  test.each<[string, Host, string]>([
    ['a rule is gone', { ...made, live: THERE.replace(/\trule .*source-port.*\n/, '') }, 'none'],
    ['its file is gone', { ...made, flags: 'policies yes\nfile no', permanent: '' }, 'none'],
    ['a zone is gone', { ...made, permanent: THERE.replace('ingress-zones: ANY', 'ingress-zones:') }, 'none'],
    ['it is not live', { ...made, live: '' }, 'connectivity'],
  ])('is mended where %s', (_, host, effect) => {
    expect(planned(FORWARDS, host, applied)).toMatchObject([{ to: settings, effect, closes: false }]);
  });

  test('another real server needs no reload; one that is gone closes', () => {
    const more = [...FORWARDS, { ...ANSWERS, peers: ['10.1.0.9'] }];
    expect(planned(more, made, applied)).toMatchObject([{ effect: 'none', closes: false }]);
    expect(planned(FORWARDS.slice(1), made, applied)).toMatchObject([{ effect: 'none', closes: true }]);
    expect(planned([], made, applied)).toMatchObject([{ to: [], effect: 'connectivity', closes: true }]);
  });

  test.each<[string, readonly OpeningArgs[], Host, RegExp]>([
    [
      'without policies',
      FORWARDS,
      { flags: 'policies no\nfile no' },
      /older than 0\.9.*firewall_manage: false/,
    ],
    [
      'for every port of a real server',
      [{ ...OPEN, kind: 'forward', destination: '10.1.0.8' }],
      {},
      /answers of 10\.1\.0\.8 .* give the real server a port/,
    ],
    ['that has the name already', FORWARDS, made, /“tandem” that Tandem did not make/],
    [
      'whose reload would lose something',
      FORWARDS,
      { unlike: 'zone public ports 2222/tcp\n' },
      /zone public ports 2222\/tcp\. .*--runtime-to-permanent/,
    ],
  ])('one %s is refused with the way out', (_, openings, host, message) => {
    expect(() => planned(openings, host)).toThrow(message);
  });

  test('what is about to be mended in a zone does not stand against a reload', () => {
    const unlike = 'zone public rule family="ipv4" source address="10.0.0.2" protocol value="112" accept\n';
    expect(() => planned(FORWARDS, { unlike })).toThrow(/source address="10\.0\.0\.2"/);
    expect(planned([...FORWARDS, VRRP], { unlike })).toHaveLength(1);
  });

  describe('between interfaces, since 2.0', () => {
    const pairs = ZONES.replace('  target: default\n', '$&  ingress-priority: 0\n');
    const nic = (name: string, address: string): InterfaceFact => ({
      name,
      mac: undefined,
      up: true,
      addresses: [{ address, prefix: 24, scope: 'global' }],
    });
    const onNics = (...interfaces: InterfaceFact[]): PlanContext => ({
      ...context,
      facts: { ...DEBIAN, interfaces },
    });
    const openings = [SERVICE, ...FORWARDS];
    const [clients, bound, servers] = [
      nic('eth7', '10.0.0.2'),
      nic('eth1', '10.0.0.3'),
      nic('eth8', '10.1.0.2'),
    ];

    test.each([
      ['clients and servers are', onNics(clients, servers), /eth8, eth7.*--add-interface=eth8/],
      ['one NIC for both is', onNics(nic('eth7', '10.0.0.2'), nic('eth7', '10.1.0.2')), /\(eth7\)/],
    ])('refused where %s on NICs that no zone names', (_, on, message) => {
      expect(() => planned(openings, { zones: pairs }, on)).toThrow(message);
      expect(planned(openings, {}, on)).toHaveLength(1);
    });

    test('one of the two in a zone is enough', () => {
      expect(planned(openings, { zones: pairs }, onNics(bound, servers))).toHaveLength(1);
      expect(planned(openings, { zones: pairs }, onNics(clients, nic('eth0', '10.1.0.2')))).toHaveLength(1);
    });
  });
});
