import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { memorySource } from '#conf/memory-source.ts';
import { importInventory } from '#provision/model/import-inventory.ts';
import { readHostConfiguration } from '#provision/model/import-read.ts';
import { verifyImport } from '#provision/model/import-verify.ts';
import { checkAll } from '../support/config-oracle.ts';
import { memoryFiles } from '#provision/model/inventory-memory.ts';
import { loadInventory } from '#provision/model/inventory.ts';
import { renderTemplate } from '#provision/model/template.ts';
import { deriveTopology } from '#provision/model/topology.ts';
import { hostVariables } from '#provision/model/variables.ts';
import { installPackages } from './daemon/packages.ts';

/** keepalived itself judges what people wrote, and what an import of it is rendered as. */
const ROOT = join(import.meta.dirname, '../..');
const FIXTURES = join(ROOT, 'test/fixtures/import');
const TEMPLATE = readFileSync(join(ROOT, 'roles/vrrp/templates/keepalived.conf.njk'), 'utf8');

/** The oracle's namespace has eth0 and eth1 only. */
const onItsInterfaces = (text: string): string => text.replaceAll(/\b(?:eth2|ens192)\b/g, 'eth1');

interface Case {
  readonly name: string;
  readonly original: string;
  readonly rendered: string;
}

/** File → text; those that end in .conf are hosts'. */
type Files = Readonly<Record<string, string>>;

function casesOf(folder: string, files: Files): readonly Case[] {
  const names = Object.keys(files);
  const source = memorySource(Object.fromEntries(names.map(name => [`/${name}`, files[name] ?? ''])));
  const hosts = names
    .filter(name => name.endsWith('.conf'))
    .map(name => readHostConfiguration(name.slice(0, -'.conf'.length), `/${name}`, source));
  const inventory = importInventory(hosts, { sources: names, knowledge: new Map(), daemon: 'keepalived' });
  const { rendered, differences } = verifyImport(inventory, hosts, { template: TEMPLATE, file: 'i.yml' });
  expect([...differences]).toEqual([]);
  return hosts.map(({ name }) => ({
    name: `${folder}/${name}`,
    original: files[`${name}.conf`] ?? '',
    rendered: rendered.get(name) ?? '',
  }));
}

function handWritten(folder: string): Files {
  const names = readdirSync(join(FIXTURES, folder));
  return Object.fromEntries(names.map(name => [name, readFileSync(join(FIXTURES, folder, name), 'utf8')]));
}

/** What a shipped inventory with virtual servers is rendered as. */
function shipped(name: string): Files {
  const text = readFileSync(join(ROOT, 'inventory', name), 'utf8');
  const { inventory } = loadInventory([name], memoryFiles({ [name]: text }));
  const directors = [...deriveTopology(inventory).hosts].filter(
    ([, host]) => host.virtual_servers.length > 0,
  );
  return Object.fromEntries(
    directors.map(([host, tandem]) => [
      `${host}.conf`,
      renderTemplate(TEMPLATE, hostVariables(inventory, host, { magic: { tandem } }), { file: 't' }),
    ]),
  );
}

/** keepalived's complaints without their places. */
function complaintsIn(said: string): readonly string[] {
  return said
    .split('\n')
    .map(line => line.replace(/^\((?:\S+: )?Line \d+\) /, '').trim())
    .filter(line => line !== '');
}

beforeAll(() => installPackages('keepalived'));

test('keepalived -t has no complaint of a rendered import that it does not have of the original', async () => {
  const inventories = readdirSync(join(ROOT, 'inventory')).filter(name => name.endsWith('.yml'));
  const served = inventories.map(name => [name, shipped(name)] as const);
  const withServers = served.filter(([, files]) => Object.keys(files).length > 0);
  expect(withServers.length).toBeGreaterThan(5);
  const written = readdirSync(FIXTURES).map(folder => [folder, handWritten(folder)] as const);
  const cases = [...written, ...withServers].flatMap(([name, files]) => casesOf(name, files));
  const check = (texts: readonly string[]) =>
    checkAll(['keepalived', '-t', '-l', '-f'], texts.map(onItsInterfaces));
  const originals = await check(cases.map(({ original }) => original));
  const verdicts = await check(cases.map(({ rendered }) => rendered));
  const worse = cases.flatMap(({ name }, index) => {
    const { exitCode = -1, said = '' } = verdicts[index] ?? {};
    const known = new Set(complaintsIn(originals[index]?.said ?? ''));
    const added = complaintsIn(said).filter(line => !known.has(line));
    return added.length === 0 && (exitCode === 0 || known.size > 0) ? [] : [{ name, exitCode, added }];
  });
  expect(cases.length).toBeGreaterThan(60);
  expect(worse).toEqual([]);
  expect(verdicts.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(50);
});
