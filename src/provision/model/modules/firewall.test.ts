import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { rulesFor, ownTable, persistentText } from './nft-rules.ts';
import { parseRuleset } from './nft-ruleset.ts';
import type { OpeningArgs } from './opening.ts';
import { firewall } from './firewall.ts';
import { sha256Of } from './path-state.ts';
import { DEBIAN } from '#testing/module-host.ts';
import type { Change, PlanContext } from '#provision/model/module.ts';

const VRRP: OpeningArgs = {
  kind: 'vrrp',
  family: 4,
  protocol: 112,
  interface: 'eth0',
  group: '224.0.0.18',
  peers: [],
};
const UNICAST: OpeningArgs = {
  kind: 'vrrp',
  family: 4,
  protocol: 112,
  interface: 'eth0',
  group: null,
  peers: ['10.0.0.2', '10.0.0.3'],
};
const SIX: OpeningArgs = {
  kind: 'vrrp',
  family: 6,
  protocol: 112,
  interface: 'eth0',
  group: 'ff02::12',
  peers: [],
};

const POLICY_DROP = `table inet filter {
	set trusted {
		type ipv4_addr
		elements = { 10.0.0.1 }
	}

	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { invalid : drop, established : accept, related : accept }
		iifname "lo" accept comment "drop nothing"
		tcp dport 22 accept
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}

	chain output {
		type filter hook output priority filter; policy accept;
		accept comment "no reject, no drop"
	}
}
`;

const JUMPS = `table ip filter {
	chain input {
		type filter hook input priority filter; policy accept;
		ip protocol vmap { tcp : jump tcp_in, udp : jump udp_in }
	}

	chain tcp_in {
		goto last
	}

	chain udp_in {
	}

	chain last {
		reject with icmp port-unreachable
	}
}
table ip6 filter {
	chain input {
		type filter hook input priority filter; policy accept;
		jump udp_in
	}
}
`;

const IPTABLES = `# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
		counter packets 1 bytes 2 jump ufw-before-input
	}

	chain ufw-before-input {
	}
}
table inet other {
	chain input {
		type filter hook input priority 10; policy accept;
		ip saddr 192.0.2.1 drop
	}
}
`;

describe('rulesets', () => {
  test.each([
    [
      'a policy',
      POLICY_DROP,
      [
        ['input', true],
        ['forward', true],
        ['output', false],
      ],
    ],
    [
      'a rule behind jumps',
      JUMPS,
      [
        ['input', true],
        ['input', false],
      ],
    ],
    ['a ruleset without tables', '', []],
  ])('where packets can be dropped: %s', (_, text, expected) => {
    expect(parseRuleset(text).map(({ hook, drops }) => [hook, drops])).toEqual(expected);
  });

  test('whose table it is', () => {
    expect(parseRuleset(IPTABLES).map(({ table, owner }) => [table, owner])).toEqual([
      ['filter', 'ufw'],
      ['other', undefined],
    ]);
  });

  test.each([
    ['inet keepalived_igmp {', 'type filter hook output', 'keepalived'],
    ['ip keepalived {', 'type filter hook input', 'keepalived'],
    ['inet mine { # progname tandemd\n\tflags owner', 'type filter hook output', 'process'],
    ['inet mine {\n\tflags owner,persist', 'type filter hook input', 'process'],
    ['inet mine {', 'type filter hook input', undefined],
  ])('a VRRP daemon’s, and what a process keeps to itself: %s', (head, type, owner) => {
    const chain = `table ${head}\n\tchain c {\n\t\t${type} priority filter; policy accept;\n\t\tmeta l4proto igmp drop\n\t}\n}\n`;
    const chains = parseRuleset(chain);
    expect(chains.map(({ drops, owner: found }) => [drops, found])).toEqual([[true, owner]]);
    expect(rulesFor([VRRP], chains)).toHaveLength(owner === undefined ? 1 : 0);
  });
});

describe('rules', () => {
  test.each([
    ['multicast', VRRP, 'iifname "eth0" meta nfproto ipv4 ip daddr 224.0.0.18 meta l4proto 112'],
    ['unicast', UNICAST, 'iifname "eth0" meta nfproto ipv4 ip saddr { 10.0.0.2, 10.0.0.3 } meta l4proto 112'],
    ['IPv6', SIX, 'iifname "eth0" meta nfproto ipv6 ip6 daddr ff02::12 meta l4proto 112'],
  ])('%s', (_, opening, text) => {
    expect(rulesFor([opening], parseRuleset(POLICY_DROP)).map(rule => rule.text)).toEqual([text]);
  });

  test('go into chains of their family only', () => {
    expect(rulesFor([SIX], parseRuleset(JUMPS))).toEqual([]);
    expect(rulesFor([VRRP], parseRuleset(JUMPS)).map(rule => rule.text)).toEqual([
      'iifname "eth0" ip daddr 224.0.0.18 meta l4proto 112',
    ]);
  });
});

function seenAs(fields: {
  file?: string;
  included?: boolean;
  ruleset: string;
  configuration?: string;
  iptables?: string;
  firewalld?: string;
}): Uint8Array {
  const { file = '', included = false, ruleset, configuration = '/etc/nftables.conf' } = fields;
  const { iptables = '', firewalld = '' } = fields;
  const head = [
    'nft yes',
    `configuration ${configuration}`,
    `included ${included ? 'yes' : 'no'}`,
    `file ${file}`,
  ];
  const sections = [`${head.join('\n')}\n\n${ruleset}`, iptables, firewalld];
  return new TextEncoder().encode(sections.join('\n\u0001\n'));
}

const context: PlanContext = {
  facts: DEBIAN,
  ledger: [],
  planned: new Map(),
  release: undefined,
  path: [],
  redact: text => text,
};

function planned(args: Record<string, unknown>, answer: Uint8Array): readonly Change[] {
  const parsed = firewall.schema.parse(args);
  return firewall.diff(parsed, firewall.parse(answer, parsed), context);
}

const OPEN = { family: 4, interface: undefined, group: undefined, peers: [] } as const;
const SERVICE: OpeningArgs = { ...OPEN, kind: 'service', protocol: 6, destination: '10.0.0.100', port: 80 };
const ANSWERS: OpeningArgs = {
  ...OPEN,
  kind: 'forward',
  protocol: 17,
  peers: ['10.0.0.8'],
  source_port: 53,
};
const EVERY_HOOK = ['prerouting', 'input', 'forward', 'output', 'postrouting']
  .map(hook => `chain ${hook} {\ntype filter hook ${hook} priority 0; policy drop;\n}\n`)
  .join('');

describe('where each kind is opened', () => {
  const toService = 'meta nfproto ipv4 ip daddr 10.0.0.100 tcp dport 80';
  test.each<[string, OpeningArgs, Record<string, string>]>([
    ['a service', SERVICE, { prerouting: toService, input: toService }],
    [
      'a service whose answers pass by',
      { ...SERVICE, untracked: true },
      { prerouting: toService, input: toService, output: toService, postrouting: toService },
    ],
    [
      'every port of a service',
      { ...OPEN, kind: 'service', protocol: 6, destination: '10.0.0.100' },
      {
        prerouting: 'meta nfproto ipv4 ip daddr 10.0.0.100 meta l4proto 6',
        input: 'meta nfproto ipv4 ip daddr 10.0.0.100 meta l4proto 6',
      },
    ],
    [
      'to a real server',
      { ...SERVICE, kind: 'forward', destination: '10.0.0.8', port: 8080 },
      {
        forward: 'meta nfproto ipv4 ip daddr 10.0.0.8 tcp dport 8080',
        output: 'meta nfproto ipv4 ip daddr 10.0.0.8 tcp dport 8080',
        postrouting: 'meta nfproto ipv4 ip daddr 10.0.0.8 tcp dport 8080',
      },
    ],
    ['a real server’s answers', ANSWERS, { forward: 'meta nfproto ipv4 ip saddr 10.0.0.8 udp sport 53' }],
    [
      'a health check',
      { ...SERVICE, kind: 'check', peers: ['10.0.0.2'], destination: '10.0.0.8' },
      {
        prerouting: 'meta nfproto ipv4 ip saddr 10.0.0.2 ip daddr 10.0.0.8 tcp dport 80',
        input: 'meta nfproto ipv4 ip saddr 10.0.0.2 ip daddr 10.0.0.8 tcp dport 80',
      },
    ],
    [
      'a tunnel',
      { ...OPEN, kind: 'tunnel', protocol: 4, peers: ['10.0.0.2'] },
      {
        prerouting: 'meta nfproto ipv4 ip saddr 10.0.0.2 meta l4proto 4',
        input: 'meta nfproto ipv4 ip saddr 10.0.0.2 meta l4proto 4',
      },
    ],
    [
      'the connection table’s synchronisation',
      { ...OPEN, kind: 'lvs-sync', protocol: 17, interface: 'eth1', group: '224.0.0.81', port: 8848 },
      {
        prerouting: 'iifname "eth1" meta nfproto ipv4 ip daddr 224.0.0.81 udp dport 8848',
        input: 'iifname "eth1" meta nfproto ipv4 ip daddr 224.0.0.81 udp dport 8848',
        output: 'oifname "eth1" meta nfproto ipv4 ip daddr 224.0.0.81 udp dport 8848',
        postrouting: 'oifname "eth1" meta nfproto ipv4 ip daddr 224.0.0.81 udp dport 8848',
      },
    ],
  ])('%s', (_, opening, expected) => {
    const chains = parseRuleset(`table inet t {\n${EVERY_HOOK}}\n`);
    const rules = rulesFor([opening], chains).map(({ chain, text }) => [chain.hook, text]);
    expect(Object.fromEntries(rules)).toEqual(expected);
  });

  test.each([
    [{ ...VRRP, port: 80 }, /only TCP/],
    [{ ...SERVICE, port: 0 }, /port/],
    [{ ...SERVICE, kind: 'servise' }, /kind/],
    [{ ...SERVICE, destination: 'web' }, /expected an address/],
  ])('%j is refused', (opening, message) => {
    expect(JSON.stringify(firewall.schema.safeParse({ openings: [opening] }).error?.issues)).toMatch(message);
  });
});

describe('firewall', () => {
  test('where nothing filters nothing is added', () => {
    expect(planned({ openings: [VRRP] }, seenAs({ ruleset: '', configuration: '' }))).toEqual([]);
  });

  test('a chain that can drop is opened, and then there is nothing to do', () => {
    const [change] = planned({ openings: [VRRP] }, seenAs({ ruleset: POLICY_DROP }));
    expect(change).toMatchObject({ summary: 'opened in inet filter input', effect: 'none' });
    const text = change?.after ?? '';
    const rule = /insert rule inet filter input (.*)/.exec(text)?.[1] ?? '';
    const opened = POLICY_DROP.replace('\t\tct state', `\t\t${rule}\n\t\tct state`);
    expect(
      planned({ openings: [VRRP] }, seenAs({ ruleset: opened, file: sha256Of(text), included: true })),
    ).toEqual([]);
    expect(
      planned({ openings: [VRRP] }, seenAs({ ruleset: POLICY_DROP, file: sha256Of(text), included: true })),
    ).toHaveLength(1);
    expect(
      planned({ openings: [] }, seenAs({ ruleset: opened, file: sha256Of(text), included: true })),
    ).toMatchObject([{ summary: 'openings removed: nothing filters any more' }]);
  });

  test('a default drop can cut the connection', () => {
    const [change] = planned(
      { openings: [VRRP], default: 'drop', allow: [{ port: 22 }] },
      seenAs({ ruleset: '' }),
    );
    expect(change).toMatchObject({ effect: 'connectivity', summary: 'default drop in table inet tandem' });
  });

  test('a chain is opened without nftables’ own service: the way out is said', () => {
    expect(() => planned({ openings: [VRRP] }, seenAs({ ruleset: POLICY_DROP, configuration: '' }))).toThrow(
      /install the package nftables/,
    );
  });

  test('a table that another program writes is left to that program', () => {
    expect(rulesFor([VRRP], parseRuleset(IPTABLES)).map(({ chain }) => chain.table)).toEqual(['other']);
  });

  test('nft takes what is written, also where the table is gone', () => {
    const check = spawnSync('nft', ['--version']);
    if (check.error) return;
    const text = persistentText(
      rulesFor([VRRP, UNICAST, SIX, SERVICE, ANSWERS], parseRuleset(`${POLICY_DROP}${JUMPS}`)),
      ownTable(
        [VRRP, SIX],
        [
          { protocol: 'tcp', port: 22, from: [] },
          { protocol: 'udp', port: '5000-5010', from: ['192.0.2.0/24', '2001:db8::/32'] },
        ],
      ),
    );
    const nft = spawnSync('nft', ['-c', '-f', '-'], { input: text });
    expect(nft.stderr.toString()).not.toMatch(/syntax|Error(?!.*Operation not permitted)/);
  });
});
