/** `tandem import`: keepalived.conf files of a cluster → an inventory. */
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { formatDiagnostic } from '#base/errors.ts';
import type { ConfigSource } from '#conf/load.ts';
import { EXIT, UsageError } from '#cli/exit.ts';
import { PACKAGE_ROOT } from '#cli/site.ts';
import { importInventory } from '#provision/model/import-inventory.ts';
import { readHostConfiguration } from '#provision/model/import-read.ts';
import { verdictLines, verifyImport } from '#provision/model/import-verify.ts';

export interface ImportOptions {
  readonly output?: string;
  readonly daemon: 'tandemd' | 'keepalived';
}

export function importCommand(given: readonly string[], options: ImportOptions): void {
  const sources = given.map(sourceOf);
  const twice = sources.find(({ host }, index) => sources.findIndex(other => other.host === host) !== index);
  if (twice)
    throw new UsageError(`two files are of the host ${twice.host}: name their hosts: ${twice.file}@HOST`);
  const place = options.output === undefined ? undefined : placeOf(options.output);
  const hosts = sources.map(({ file, host }) => readHostConfiguration(host, file, diskSource()));
  const imported = importInventory(hosts, {
    sources: sources.map(({ file }) => file),
    knowledge: new Map(),
    daemon: options.daemon,
  });
  const template = readFileSync(resolve(PACKAGE_ROOT, 'roles/vrrp/templates/keepalived.conf.njk'), 'utf8');
  const verdict = verifyImport(imported, hosts, { template, file: place?.inventory ?? 'inventory.yml' });
  if (!place) process.stdout.write(imported.text);
  else write(place, imported.text, imported.secrets?.reveal());
  const notes = [...hosts.flatMap(host => host.notes), ...imported.notes].map(formatDiagnostic);
  if (!place && imported.secrets)
    notes.push('the passwords are not shown: -o DIR writes them to group_vars/all/secrets.yml, mode 0600');
  for (const line of [...notes, ...verdictLines(verdict)]) process.stderr.write(`${line}\n`);
  if (verdict.differences.size > 0) process.exitCode = EXIT.failed;
}

interface Place {
  readonly inventory: string;
  readonly secrets: string;
}

/** A name with `.yml` is the inventory itself, any other a folder for it. Throws UsageError if it is there already. */
function placeOf(output: string): Place {
  const inventory = /\.ya?ml$/.test(output) ? output : join(output, 'inventory.yml');
  const secrets = join(dirname(inventory), 'group_vars/all/secrets.yml');
  for (const path of [inventory, secrets])
    if (existsSync(path))
      throw new UsageError(`${path} is there already and is not overwritten: choose another -o`);
  return { inventory, secrets };
}

function write(place: Place, text: string, secrets: string | undefined): void {
  mkdirSync(dirname(place.inventory), { recursive: true });
  writeFileSync(place.inventory, text, { flag: 'wx' });
  process.stderr.write(`wrote ${place.inventory}\n`);
  if (secrets === undefined) return;
  mkdirSync(dirname(place.secrets), { recursive: true, mode: 0o700 });
  writeFileSync(place.secrets, secrets, { flag: 'wx', mode: 0o600 });
  process.stderr.write(`wrote ${place.secrets} (mode 0600)\n`);
}

/** `FILE@HOST`, or `FILE` of a host that its name or its folder's says. Throws UsageError. */
function sourceOf(given: string): { readonly file: string; readonly host: string } {
  const at = given.lastIndexOf('@');
  const named = at > 0 && isFile(given.slice(0, at));
  const file = named ? given.slice(0, at) : given;
  if (!isFile(file)) throw new UsageError(`there is no file ${file}: give FILE or FILE@HOST`);
  const host = named ? given.slice(at + 1) : hostIn(file);
  if (!/^[\w.:-]+$/.test(host)) throw new UsageError(`${given}: whose file is it? Write ${file}@HOST`);
  return { file, host };
}

/** `ka67.conf`, `keepalived-ka67.conf`, `keepalived.conf.ka67`, `ka67/keepalived.conf`; empty if none of these. */
function hostIn(file: string): string {
  const name = basename(file)
    .replace(/^keepalived\.conf[.-]?/, '')
    .replace(/^keepalived[.-]/, '')
    .replace(/[.-]?(?:keepalived)?\.conf$/, '');
  const folder = basename(dirname(resolve(file)));
  return name === '' && folder !== 'keepalived' && folder !== 'etc' ? folder : name;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function diskSource(): ConfigSource {
  return {
    read: path => (isFile(path) ? readFileSync(path, 'utf8') : undefined),
    glob: pattern => globSync(pattern).filter(isFile),
  };
}
