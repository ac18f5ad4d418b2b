import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Keyword } from '#conf/keyword.ts';
import { argumentsOf, configurationWith, COMPARED_KEYWORDS } from '#testing/keyword-uses.ts';
import { Random } from '#testing/random.ts';
import { type ConfigCase, mutants } from './config-mutations.ts';

const WORDS = ['abc', '5x', '""'];

/** Arguments at and beyond what a keyword takes. */
function variants(argument: Argument): readonly string[] {
  switch (argument.type) {
    case 'flag':
      return ['extra'];
    case 'boolean':
      return ['', 'on', 'off', 'true', 'false', 'yes', 'no', 'perhaps', 'on off'];
    case 'integer':
      return ['', ...edges(argument.min, argument.max, 1), ...WORDS, '010', '0x10', '+7', '-3', '2.5', '4 5'];
    case 'seconds': {
      const step = argument.whole ? 1 : 0.001;
      return [
        '',
        ...edges(argument.min, argument.max, step),
        ...WORDS,
        '1.5',
        '.5',
        '2.',
        '1e1',
        '-1',
        '1.0000001',
        '4 5',
      ];
    }
    case 'choice':
      return [
        '',
        ...argument.values,
        argument.values[0]?.toLowerCase() ?? '',
        'none',
        `${argument.values[0]} x`,
      ];
    case 'word':
      return ['', 'name1', '"a b"', 'a b', 'x'.repeat(300)];
    case 'address':
      return ['', '192.168.0.1', '224.0.0.5', 'fe80::1', 'ff02::5', '300.1.1.1', '10.0.0.1/24', 'abc'];
    case 'script':
      return [
        '',
        '/bin/true',
        '"/bin/true a b"',
        '/bin/true root',
        '/bin/true root root',
        '/bin/true nosuchuser',
        '/nonexistent/x',
        '"/bin/true',
        'true',
      ];
    case 'weight':
      return [
        '',
        ...edges(argument.min, argument.max, 1),
        '0',
        ...WORDS,
        '5 reverse',
        '5 noreverse',
        '5 sideways',
        '-5 reverse',
      ];
    case 'block':
      return ['', '{', '{\n}', 'A {\n}', 'A B {\n}', '{ }', 'A { }'];
    case 'lines':
      return ['', '{\n}', 'A {\n}', '{ }'];
    case 'words':
      return ['', 'abc', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18'];
  }
}

function edges(min: number, max: number, step: number): string[] {
  return [min - step, min, max, max + step].map(value => String(Math.round(value * 1000) / 1000));
}

/** Each keyword with each of its variants, and twice. */
function keywordCases(): ConfigCase[] {
  return COMPARED_KEYWORDS.flatMap(keyword => {
    const usual = argumentsOf(keyword);
    const given = [...new Set([usual, ...variants(keyword.argument)])];
    const statements = [...given.map(text => `${keyword.name} ${text}`.trimEnd()), twice(keyword, usual)];
    return statements.map(statement => ({
      name: `${keyword.block} ${statement.replaceAll('\n', ' ')}`.trim(),
      text: configurationWith(keyword, statement),
    }));
  });
}

function twice({ name }: Keyword, usual: string): string {
  const statement = `${name} ${usual}`.trimEnd();
  return `${statement}\n${statement}`;
}

/** The configurations in `test/fixtures/keepalived`: good as they are. */
function fixtureCases(): ConfigCase[] {
  const folder = new URL('../fixtures/keepalived/', import.meta.url);
  return readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));
}

const SAMPLES = '/usr/share/doc/keepalived/samples';

/** The samples of the Debian package; none where packages are installed without documentation. */
function sampleCases(): ConfigCase[] {
  if (!existsSync(SAMPLES)) return [];
  return readdirSync(SAMPLES)
    .filter(name => name.startsWith('keepalived.conf'))
    .map(name => ({ name, text: readFileSync(join(SAMPLES, name), 'utf8') }));
}

/** Keyword cases that each rule of disagreement needs; the others are drawn by lot. */
const ALWAYS: ReadonlySet<string> = new Set([
  'child_wait_time',
  'track_file',
  'static_ipaddress',
  'vrrp_script S { script "/bin/true" } vrrp_script S { script "/bin/true" }',
  'vrrp_instance authentication { }',
  'vrrp_instance authentication A { }',
  'vrrp_instance mcast_src_ip 10.0.0.1/24',
  'vrrp_instance unicast_ttl ""',
  'vrrp_instance garp_master_repeat 2147483648',
  'vrrp_instance no_virtual_ipaddress',
  'global_defs json_version',
  'global_defs smtp_server abc',
  'global_defs smtp_helo_name',
  'global_defs script_user abc',
  'global_defs vrrp_skip_check_adv_addr perhaps',
  'global_defs vrrp_vmac_garp_intvl 10',
  'global_defs vrrp_cpu_affinity 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18',
  'global_defs include_check readable',
  'global_defs umask abc',
  'global_defs notification_email { }',
  'vrrp_script script /nonexistent/x',
  'vrrp_script script "/bin/true',
  'vrrp_script interval 1.5',
  'vrrp_script weight 5 noreverse',
  'virtual_server delay_loop 4294.968',
  'virtual_server mh-port extra',
  'virtual_server sorry_server_inhibit extra',
  'virtual_server weight 65536',
  'virtual_server 10.9.0.1 80 { protocol TCP lvs_sched rr lvs_method NAT real_server 192.168.0.4 80 { } } virtual_server 10.9.0.1 80 { protocol TCP lvs_sched rr lvs_method NAT real_server 192.168.0.4 80 { } }',
  'track_file init_file 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18',
]);

/** Every n-th keyword case is judged by the test. */
const SHARE = 8;

/** What the test judges: all kinds of cases, the same for the same seed. */
export function selectedCases(seed: number, mutantCount: number): ConfigCase[] {
  const random = new Random(seed);
  const fixtures = fixtureCases();
  return [
    ...fixtures,
    ...sampleCases(),
    ...exampleCases(),
    ...keywordCases().filter(({ name }) => ALWAYS.has(name) || random.chance(1 / SHARE)),
    ...mutants(fixtures, seed, mutantCount),
  ];
}

/** Whole configurations that a rule of disagreement is about. */
function exampleCases(): ConfigCase[] {
  const instance = (inside: string): string =>
    `vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.1\n}\n${inside}\n}\n`;
  return [
    { name: 'example: a script without enable_script_security', text: instance('notify /bin/true root') },
    { name: 'example: two keywords on a line', text: instance('priority 120 advert_int 2') },
    {
      name: 'example: an unknown scope',
      text: instance('virtual_ipaddress_excluded {\n10.0.0.2 scope lin\n}'),
    },
    {
      name: 'example: delays of an interface that is not there',
      text: `interface_up_down_delays {\neth7 1\n}\n${instance('')}`,
    },
    {
      name: 'example: a sync group that tracks a file that is not defined',
      text: `track_file F {\nfile /etc/hostname\n}\n${instance('')}${instance('').replaceAll(/V|eth0/g, each => (each === 'V' ? 'W' : 'eth1'))}vrrp_sync_group G {\ngroup {\nV\nW\n}\ntrack_file {\nnope\n}\n}\n`,
    },
  ];
}
