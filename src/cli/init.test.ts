import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { UsageError } from './exit.ts';
import { PACKAGE_ROOT, loadSite } from './site.ts';
import { program } from './program.ts';

let folder: string;
let said: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tandem-init-')), 'web');
  said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    said += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const init = (...argv: string[]) => program().parseAsync(['node', 'tandem', 'init', folder, ...argv]);
const PAIR = [
  '--hosts',
  'n1=10.0.0.1,n2=10.0.0.2',
  '--interface',
  'ens192',
  '--vip',
  '10.0.0.9',
  '--vrid',
  '7',
];
const inventory = () => readFileSync(join(folder, 'web.yml'), 'utf8');

describe('tandem init', () => {
  test('writes the pair with its own words, which validates', async () => {
    await init(...PAIR);
    const site = loadSite({ inventory: [folder] });
    expect(site.warnings).toEqual([]);
    const [cluster] = site.topology.clusters;
    expect([cluster?.name, cluster?.hosts]).toEqual(['web', ['n1', 'n2']]);
    expect(site.variables('n1').get('ansible_host')).toBe('10.0.0.1');
    expect(site.variables('n1').get('vrrp_pass')).toMatch(/^[a-zA-Z2-9]{8}$/);
    expect(inventory()).toContain('interface: ens192');
    expect(inventory()).not.toMatch(/172\.16|eth0|103|ka6|Tandem-1|interfaces:/);
    expect(statSync(join(folder, 'group_vars/all/secrets.yml')).mode & 0o777).toBe(0o600);
    expect(said).toContain('ssh-keyscan 10.0.0.1 10.0.0.2');
    expect(said).toMatch(/tandem apply -i \S+\/web\/\n$/);
  });

  test('keeps prefixes that are given, and takes as many words as the topology has', async () => {
    const words = [
      '--hosts',
      'a=172.16.8.11/23,b=172.16.8.10/23',
      '--interface',
      'eth7',
      '--vip',
      '172.16.8.101,172.16.8.100',
      '--vrid',
      '192,191',
    ];
    await init('--topology', 'dual-master', ...words);
    const { instances } = loadSite({ inventory: [folder] }).topology.clusters[0] ?? { instances: [] };
    expect(inventory()).toContain('a: { ansible_host: 172.16.8.11, interfaces: { eth7: 172.16.8.11/23 } }');
    expect(inventory()).toMatch(
      /VI_1:\n[^V]*virtual_router_id: 192\n[^V]*virtual_ipaddress: \[172\.16\.8\.101\]/,
    );
    expect(instances.map(instance => instance.name)).toEqual(['VI_1', 'VI_2']);
  });

  test('overwrites nothing', async () => {
    await init(...PAIR);
    const before = inventory();
    await expect(init(...PAIR)).rejects.toThrow('is there already and is not overwritten');
    expect(inventory()).toBe(before);
  });

  const shipped = readdirSync(join(PACKAGE_ROOT, 'inventory')).map(file => file.replace('.yml', ''));
  test.each(shipped)('%s is written as it is shipped, but for the password, and validates', async name => {
    await init('--topology', name);
    const text = readFileSync(join(PACKAGE_ROOT, 'inventory', `${name}.yml`), 'utf8');
    expect(inventory()).toBe(text.replace(/^ +vrrp_pass: .*\n/m, ''));
    expect(loadSite({ inventory: [folder] }).warnings).toEqual([]);
    expect(said).toContain('edit ');
  });

  const withWords = (words: Record<string, string>) => {
    const all = { hosts: 'n1=10.0.0.1,n2=10.0.0.2', interface: 'eth0', vip: '10.0.0.9', vrid: '7', ...words };
    return Object.entries(all).flatMap(([option, value]) => [`--${option}`, value]);
  };
  test.each([
    [['--topology', 'two'], /--topology two: .*two-node/],
    [['--vip', '10.0.0.9'], /also give --hosts, --interface, --vrid/],
    [withWords({ hosts: 'n1=10.0.0.1' }), /--hosts: this topology has 2, not 1/],
    [withWords({ hosts: 'n1=10.0.0.1,n1=10.0.0.2' }), /twice/],
    [withWords({ hosts: 'n1=10.0.0.1,a b' }), /'a b' is not NAME=ADDRESS/],
    [withWords({ vip: '10.0.0.900' }), /--vip: 10.0.0.900 is not an address/],
    [withWords({ vrid: '256' }), /--vrid: 256: .*1 to 255/],
    [withWords({ interface: 'a b' }), /'a b' is not the name of a NIC/],
    [
      [...PAIR, '--topology', 'lvs-dr-dual-master'],
      /--hosts: lvs-dr-dual-master has more than one network, or real servers/,
    ],
  ])('%j is refused, and nothing is written', async (argv, says) => {
    const result = init(...argv);
    await expect(result).rejects.toThrow(says);
    await expect(result).rejects.toThrow(UsageError);
    expect(readdirSync(join(folder, '..'))).toEqual([]);
  });
});
