import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { rulesFor, type OpeningArgs, ownTable, persistentText } from './nft-rules.ts';
import { parseRuleset } from './nft-ruleset.ts';
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
    expect(rulesFor([VRRP], parseRuleset(JUMPS))).toHaveLength(1);
  });
});

function seenAs(fields: {
  file?: string;
  included?: boolean;
  ruleset: string;
  configuration?: string;
  legacy?: string;
}): Uint8Array {
  const { file = '', included = false, ruleset, configuration = '/etc/nftables.conf', legacy = '' } = fields;
  const head = [
    'nft yes',
    `legacy${legacy}`,
    `configuration ${configuration}`,
    `included ${included ? 'yes' : 'no'}`,
    `file ${file}`,
  ];
  return new TextEncoder().encode(`${head.join('\n')}\n\n${ruleset}`);
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

  test.each([
    [{ ruleset: IPTABLES }, /kept by ufw.*allow protocol 112 on eth0 there/],
    [{ ruleset: '', legacy: ' nat filter' }, /iptables \(legacy\)/],
    [{ ruleset: POLICY_DROP, configuration: '' }, /install the package nftables/],
  ])('%j is refused', (fields, message) => {
    expect(() => planned({ openings: [VRRP] }, seenAs(fields))).toThrow(message);
  });

  test('nft takes what is written, also where the table is gone', () => {
    const check = spawnSync('nft', ['--version']);
    if (check.error) return;
    const text = persistentText(
      rulesFor([VRRP, UNICAST, SIX], parseRuleset(POLICY_DROP)),
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
