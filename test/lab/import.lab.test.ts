import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { memorySource } from '#conf/memory-source.ts';
import { importInventory } from '#provision/model/import-inventory.ts';
import { readHostConfiguration } from '#provision/model/import-read.ts';
import { verifyImport } from '#provision/model/import-verify.ts';
import { checkAll } from '../support/config-oracle.ts';
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

function casesOf(folder: string): readonly Case[] {
  const names = readdirSync(join(FIXTURES, folder));
  const files = Object.fromEntries(
    names.map(name => [`/${name}`, readFileSync(join(FIXTURES, folder, name), 'utf8')]),
  );
  const hosts = names
    .filter(name => name.endsWith('.conf'))
    .map(name => readHostConfiguration(name.slice(0, -'.conf'.length), `/${name}`, memorySource(files)));
  const inventory = importInventory(hosts, { sources: names, knowledge: new Map(), daemon: 'keepalived' });
  const { rendered } = verifyImport(inventory, hosts, { template: TEMPLATE, file: 'i.yml' });
  return hosts.map(({ name }) => ({
    name: `${folder}/${name}`,
    original: files[`/${name}.conf`] ?? '',
    rendered: rendered.get(name) ?? '',
  }));
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
  const cases = readdirSync(FIXTURES).flatMap(casesOf);
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
  expect(cases.length).toBeGreaterThan(24);
  expect(worse).toEqual([]);
  expect(verdicts.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(20);
});
