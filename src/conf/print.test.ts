import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Argument, BlockName, Keyword } from './keyword.ts';
import { loadConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import type { Config } from './model.ts';
import { printConfig } from './print.ts';
import { SecretBytes } from './secret.ts';
import { keywordsOf } from './tables.ts';

const load = (text: string): Config =>
  loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' }).config;

/** A model as plain data, without positions and with passwords readable. */
function plain(value: unknown): unknown {
  if (value instanceof SecretBytes) return [...value.reveal()];
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (key === 'position' ? [] : [[key, plain(part)]])),
  );
}

const NAMES = ['eth0', 'eth1', 'V', 'W', 's', 'p', 'f'];
const name = fc.constantFrom(...NAMES);
const word = fc.oneof(name, fc.constantFrom('"a b"', '/run/x', 'a#b', '"#"', 'ü', "it's"));
const address = fc.constantFrom(
  '10.0.0.1',
  '10.0.0.2',
  '192.0.2.9',
  'fe80::1',
  'fd00::2',
  '224.0.0.7',
  'ff02::7',
);
const prefix = fc.tuple(address, fc.constantFrom('', '/8', '/24', '/32', '/64')).map(parts => parts.join(''));
const number = (min: number, max: number) =>
  fc.oneof(fc.integer({ min, max: Math.min(max, min + 300) }), fc.constantFrom(min, max, 0)).map(String);
const optional = (text: fc.Arbitrary<string>) => fc.option(text, { nil: '' });
const sentence = (...parts: fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map(words => words.filter(Boolean).join(' '));
const options = (...texts: string[]) => fc.subarray(texts).map(list => list.join(' '));
const lines = (line: fc.Arbitrary<string>) =>
  fc.array(line, { maxLength: 3 }).map(list => `{\n${list.join('\n')}\n}`);

const addressLine = sentence(
  prefix,
  optional(fc.constantFrom('brd +', 'brd 10.0.0.255', 'peer 10.0.0.9')),
  options(
    'dev eth1',
    'scope link',
    'label eth1:1',
    'home',
    '-nodad',
    'noprefixroute',
    'no_track',
    'preferred_lft 5',
  ),
);
const routeLine = sentence(
  optional(fc.constantFrom('blackhole', 'unreachable')),
  prefix,
  options(
    'via 10.0.0.9',
    'dev eth1',
    'src 10.0.0.8',
    'table 100',
    'table bird',
    'metric 5',
    'mtu lock 1400',
    'onlink',
    'append',
  ),
  optional(fc.constant('nexthop via 10.0.0.3 weight 3 nexthop via 10.0.0.4 dev eth0 onlink')),
);
const ruleLine = sentence(
  options(
    'not',
    'from 10.0.0.0/8',
    'iif eth0',
    'fwmark 1/15',
    'preference 9',
    'sport 10-20',
    'uidrange 5-6',
    'ip_proto udp',
  ),
  fc.constantFrom('table 5', 'lookup main', 'goto 40', 'prohibit', 'inet6 from fd00::/8 table x'),
);
const trackLine = sentence(name, optional(fc.constantFrom('weight 5', 'weight -7 reverse', 'weight 0')));

const LINES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  virtual_ipaddress: addressLine,
  virtual_ipaddress_excluded: addressLine,
  static_ipaddress: addressLine,
  virtual_routes: routeLine,
  static_routes: routeLine,
  virtual_rules: ruleLine,
  static_rules: ruleLine,
  unicast_peer: sentence(address, options('min_ttl 5', 'max_ttl 200')),
  interface_up_down_delays: sentence(name, fc.constantFrom('1', '0.5 2', '0.000001')),
  linkbeat_interfaces: sentence(name, optional(fc.constant('MII'))),
  notification_email: word,
};

function argument({ argument, name: keyword }: Keyword): fc.Arbitrary<string> {
  switch (argument.type) {
    case 'flag':
      return fc.constant('');
    case 'boolean':
      return fc.constantFrom('', 'on', 'no');
    case 'integer':
      return number(argument.min, argument.max);
    case 'seconds':
      return argument.whole
        ? number(argument.min, argument.max)
        : fc.constantFrom('0.01', '1', '2.71828', '40.95');
    case 'choice':
      return fc.constantFrom(...argument.values);
    case 'word':
      return keyword === 'interface' ? name : word;
    case 'address':
      return address;
    case 'script':
      return fc.constantFrom(
        '/bin/x',
        '"/bin/sh -c \'a b; c\'" root',
        '"/bin/x \\"q\\" \\\\\\\\ {}" root daemon',
        '"/bin/x \'\' $HOME"',
      );
    case 'weight':
      return sentence(number(argument.min, argument.max), optional(fc.constant('reverse')));
    case 'lines':
      return lines(LINES[keyword] ?? (keyword.startsWith('track_') ? trackLine : name));
    case 'words':
      return wordsArgument(keyword, argument);
    case 'block':
      return blockText(argument.block);
  }
}

const WORDS: Readonly<Record<string, string[]>> = {
  use_vmac: ['', 'vr5', 'vr5 02:00:00:00:01', '02:00:00:00:01:07'],
  garp_extra_if: ['100', 'all 5'],
  vrrp_garp_extra_if: ['100', 'all 5'],
  init_file: ['', '7', '8 overwrite'],
  param_match: ['', 'initial'],
  smtp_server: ['mail', '192.0.2.1 2525'],
  vrrp_cpu_affinity: ['0', '1 3'],
  max_auto_priority: ['', '5', '-1'],
  dynamic_interfaces: ['', 'allow_if_changes'],
};

function wordsArgument(
  keyword: string,
  argument: Extract<Argument, { type: 'words' }>,
): fc.Arbitrary<string> {
  const known = WORDS[keyword];
  if (known) return fc.constantFrom(...known);
  const [min, max] = argument.words;
  return fc.array(word, { minLength: min, maxLength: Math.min(max, 3) }).map(list => list.join(' '));
}

const SKIPPED = new Set(['include_check', 'random_seed']);

function blockText(block: BlockName): fc.Arbitrary<string> {
  const rows = [...keywordsOf(block).values()].filter(
    row => row.support !== 'notSupported' && !SKIPPED.has(row.name),
  );
  const statement = fc.constantFrom(...rows).chain(row => argument(row).map(text => `${row.name} ${text}`));
  return fc.array(statement, { maxLength: 12 }).map(list => `{\n${list.join('\n')}\n}`);
}

const required = (block: string, text: string): string => {
  const basics =
    block === 'vrrp_instance'
      ? 'interface eth9\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.0.77\n}\n'
      : '';
  const script = block === 'vrrp_script' ? 'script /bin/t\n' : '';
  const file = block === 'track_file' ? 'file /run/t\n' : '';
  const process = block === 'vrrp_track_process' ? 'process nginx\n' : '';
  return text.replace('{\n', `{\n${basics}${script}${file}${process}`);
};

const configText = fc
  .array(
    fc
      .constantFrom(...[...keywordsOf('').values()].filter(row => row.support !== 'notSupported'))
      .chain(row => fc.tuple(fc.constant(row), name, argument(row)))
      .map(([row, title, text]) => {
        const named = row.argument.type === 'block' && row.argument.words[0] === 1;
        return `${row.name} ${named ? `${title} ` : ''}${required(row.name, text)}`;
      }),
    { maxLength: 8 },
  )
  .map(statements => statements.join('\n'));

test('a printed configuration reads back as the same model', () => {
  fc.assert(
    fc.property(configText, text => {
      const config = load(text);
      const printed = printConfig(config);
      expect(plain(load(printed)), printed).toEqual(plain(config));
    }),
    { numRuns: 300 },
  );
});

test('the generator reaches what it is for', () => {
  const configs = fc.sample(configText, { numRuns: 300, seed: 1 }).map(load);
  const has = (pick: (config: Config) => readonly unknown[]): boolean =>
    configs.some(config => pick(config).length > 0);
  const lists: ((config: Config) => readonly unknown[])[] = [
    config => config.vrrpScripts,
    config => config.trackProcesses,
    config => config.staticRoutes,
    config => config.garpGroups,
    config => config.vrrpInstances.flatMap(instance => instance.unicastPeers),
    config => config.vrrpInstances.flatMap(instance => instance.virtualRules),
    config => config.vrrpInstances.flatMap(instance => instance.authentication ?? []),
  ];
  expect(lists.map(has)).toEqual(lists.map(() => true));
});

test('what defaults say already is left out', () => {
  const text = `global_defs {
  router_id r1
}

vrrp_script chk {
  script "/bin/sh -c 'test -f /x # y'"
}

vrrp_instance V {
  interface eth0
  virtual_router_id 5
  priority 100
  virtual_ipaddress {
    192.0.2.9/24 label eth0:1
  }
  track_script {
    chk weight 0
  }
}
`;
  expect(printConfig(load(text))).toBe(text);
});
