/** iptables, ufw and firewalld: what is asked of them, from what they print. */
import { describe, expect, test } from 'vitest';
import type { PlanContext } from '#provision/model/module.ts';
import { DEBIAN } from '#testing/module-host.ts';
import { firewalldChanges, parseFirewalld } from './firewall-firewalld.ts';
import { iptablesChanges, parseIptables } from './firewall-iptables.ts';
import { parseZones, zoneRules } from './firewalld-rules.ts';
import { filterRules, parseFilterTable } from './iptables-rules.ts';
import type { OpeningArgs } from './opening.ts';

const OPEN = { family: 4, interface: 'eth0', group: undefined, peers: [] } as const;
const VRRP: OpeningArgs = { ...OPEN, kind: 'vrrp', protocol: 112, group: '224.0.0.18' };
const UNICAST: OpeningArgs = { ...OPEN, kind: 'vrrp', protocol: 112, peers: ['10.0.0.2', '10.0.0.3'] };
const SERVICE: OpeningArgs = {
  ...OPEN,
  kind: 'service',
  protocol: 6,
  interface: undefined,
  destination: '10.0.0.100',
  port: 80,
};

/** To a real server of a NAT director, and back. */
const FORWARDS: readonly OpeningArgs[] = [
  { ...OPEN, interface: undefined, kind: 'forward', protocol: 6, destination: '10.1.0.8', port: 8080 },
  { ...OPEN, interface: undefined, kind: 'forward', protocol: 6, peers: ['10.1.0.8'], source_port: 8080 },
];

const context: PlanContext = {
  facts: DEBIAN,
  ledger: [],
  planned: new Map(),
  release: undefined,
  path: [],
  redact: text => text,
};

const IPTABLES = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A OUTPUT -p tcp -g web
-A web -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
const UFW = `*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
-A INPUT -j ufw-before-input
-A OUTPUT -j ufw-before-output
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
COMMIT
`;

/** `iptables` has rules in `saved`; `ip6tables` is not there. */
function seen(saved: string, file: string, content = '*filter\n') {
  return parseIptables(`\nprogram iptables\nfile ${file}\n${content}live\n${saved}\n\nprogram \n`);
}

describe('iptables', () => {
  test.each([
    [
      'multicast, in and out, where a policy or a chain behind drops',
      IPTABLES,
      [VRRP],
      ['-A INPUT -d 224.0.0.18 -i eth0 -p 112', '-A OUTPUT -d 224.0.0.18 -o eth0 -p 112'],
    ],
    [
      'a rule for each peer, before what ufw decides',
      UFW,
      [UNICAST],
      ['-A ufw-before-input -s 10.0.0.2 -i eth0 -p 112', '-A ufw-before-input -s 10.0.0.3 -i eth0 -p 112'],
    ],
    ['a service', UFW, [SERVICE], ['-A ufw-before-input -d 10.0.0.100 -p tcp -m tcp --dport 80']],
    [
      'what passes through, to a real server and back',
      IPTABLES.replace('FORWARD ACCEPT', 'FORWARD DROP'),
      FORWARDS,
      [
        '-A FORWARD -d 10.1.0.8 -p tcp -m tcp --dport 8080',
        '-A FORWARD -s 10.1.0.8 -p tcp -m tcp --sport 8080',
        '-A OUTPUT -d 10.1.0.8 -p tcp -m tcp --dport 8080',
      ],
    ],
    [
      'what passes through, before what ufw decides',
      UFW.replace(':INPUT DROP', ':FORWARD DROP'),
      FORWARDS,
      [
        '-A ufw-before-forward -d 10.1.0.8 -p tcp -m tcp --dport 8080',
        '-A ufw-before-forward -s 10.1.0.8 -p tcp -m tcp --sport 8080',
      ],
    ],
    [
      'nothing where nothing drops',
      IPTABLES.replace('DROP', 'ACCEPT').replace('REJECT', 'ACCEPT'),
      [VRRP],
      [],
    ],
  ])('%s', (_, saved, openings, expected) => {
    const rules = filterRules(openings, 4, parseFilterTable(saved)).split('\n').filter(Boolean);
    expect(rules.map(rule => rule.replace(/ -m comment.*/, ''))).toEqual(expected);
    for (const rule of rules) expect(rule).toMatch(/ -m comment --comment tandem-[0-9a-f]{8} -j ACCEPT$/);
  });

  test('there is nothing to do once live rules and file have them, however they are spelled', () => {
    const [change] = iptablesChanges([VRRP], seen(IPTABLES, '/etc/iptables/rules.v4'), context);
    expect(change).toMatchObject({ summary: 'opened in iptables', effect: 'none' });
    const rules = change?.after ?? '';
    const quoted = rules.replaceAll(/(tandem-\w+)/g, '"$1"');
    const both = seen(`${IPTABLES}${quoted}`, '/etc/iptables/rules.v4', `*filter\n${rules}`);
    expect(iptablesChanges([VRRP], both, context)).toEqual([]);
    expect(iptablesChanges([], both, context)).toMatchObject([{ after: '' }]);
    const reloaded = seen(IPTABLES, '/etc/iptables/rules.v4', `*filter\n${rules}`);
    expect(iptablesChanges([VRRP], reloaded, context)).toHaveLength(1);
  });

  test.each([
    [IPTABLES, '', '', /nothing loads its rules at boot.*netfilter-persistent save/],
    [IPTABLES, '/etc/iptables/rules.v4', '', /no section \*filter/],
    [UFW, '', '', /package ufw/],
  ])('rules that a boot would lose are refused', (saved, file, content, message) => {
    expect(() => iptablesChanges([VRRP], seen(saved, file, content), context)).toThrow(message);
  });
});

const ZONES = `public (default, active)
  target: default
  interfaces: eth0
  sources: 
  protocols: 
  rich rules: 
	rule family="ipv4" source address="10.0.0.2" protocol value="112" accept

trusted (active)
  target: ACCEPT
  interfaces: eth1
  rich rules: 

work
  target: default
  interfaces: 
  rich rules: 
`;

describe('firewalld', () => {
  const zones = parseZones(ZONES);
  test.each<[string, OpeningArgs, readonly string[]]>([
    [
      'the interface’s zone',
      VRRP,
      ['public: rule family="ipv4" destination address="224.0.0.18" protocol value="112" accept'],
    ],
    ['a zone that takes everything needs nothing', { ...VRRP, interface: 'eth1' }, []],
    [
      'the default zone for an interface that no zone names',
      { ...VRRP, interface: 'eth9', group: undefined, peers: ['10.0.0.2'] },
      ['work: rule family="ipv4" source address="10.0.0.2" protocol value="112" accept'],
    ],
    [
      'every zone in use for any interface, and conntrack told to leave it alone',
      { ...SERVICE, untracked: true },
      [
        'public: rule family="ipv4" destination address="10.0.0.100" port port="80" protocol="tcp" accept',
        'work: rule family="ipv4" destination address="10.0.0.100" port port="80" protocol="tcp" accept',
        'direct: ipv4 raw PREROUTING 0 -d 10.0.0.100 -p tcp --dport 80 -j CT --notrack',
      ],
    ],
  ])('%s', (_, opening, expected) => {
    const rules = zoneRules([opening], zones, 'work');
    expect(rules.map(({ zone, text }) => `${zone ?? 'direct'}: ${text}`)).toEqual(expected);
  });

  test('what IPVS keeps from conntrack is taken from it altogether, but for the director’s own checks', () => {
    const rules = zoneRules([{ ...SERVICE, translated: true }, ...FORWARDS], zones, 'work');
    expect(rules.flatMap(({ zone, text }) => (zone === undefined ? [text] : []))).toEqual([
      'ipv4 raw PREROUTING 0 -d 10.0.0.100 -p tcp --dport 80 -j CT --notrack',
      'ipv4 raw PREROUTING 0 -d 10.1.0.8 -p tcp --dport 8080 -m addrtype --dst-type UNICAST -j CT --notrack',
      'ipv4 raw PREROUTING 0 -s 10.1.0.8 -p tcp --sport 8080 -m addrtype --dst-type UNICAST -j CT --notrack',
    ]);
  });

  const answer = (live: string, permanent: string) =>
    parseFirewalld(['public', live, permanent, '', '', ''].join('\n\u0002\n'));

  test('what was there already is not ours', () => {
    const one: OpeningArgs = { ...UNICAST, peers: ['10.0.0.2'] };
    expect(firewalldChanges([one], answer(ZONES, ZONES), context)).toEqual([]);
    const bare = ZONES.replace(/\trule .*\n/, '');
    expect(firewalldChanges([one], answer(ZONES, bare), context)).toMatchObject([
      { to: [{ zone: 'public', permanent: true }], summary: 'opened in firewalld: public' },
    ]);
  });

  test('where it does not run there is nothing to do', () => {
    expect(parseFirewalld('')).toBeUndefined();
    expect(firewalldChanges([VRRP], undefined, context)).toEqual([]);
  });
});
