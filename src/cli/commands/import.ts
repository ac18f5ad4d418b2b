/** `tandem import`: keepalived.conf files of a cluster, or what its hosts have, → an inventory. */
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { assert } from '#base/assert.ts';
import { formatDiagnostic } from '#base/errors.ts';
import { terminalAsk } from '#cli/ask.ts';
import type { ConnectionOptions, VaultOptions } from '#cli/options.ts';
import type { ConfigSource } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { EXIT, UsageError } from '#cli/exit.ts';
import { hostAccess, loadSite, PACKAGE_ROOT, type Site } from '#cli/site.ts';
import { ownAddresses } from '#provision/model/import-addresses.ts';
import { realServersOf } from '#provision/model/import-hosts.ts';
import { importInventory } from '#provision/model/import-inventory.ts';
import { readHostConfiguration } from '#provision/model/import-read.ts';
import type { HostKnowledge, ImportedRealServers } from '#provision/model/import-types.ts';
import { verdictLines, verifyImport } from '#provision/model/import-verify.ts';
import type { HostAccess } from '#provision/run/ports.ts';
import { readConfigurations, type RemoteConfiguration } from '#provision/run/read-configuration.ts';
import { createTransport } from '#provision/run/transport.ts';

export interface ImportOptions extends ConnectionOptions, VaultOptions {
  readonly inventory?: readonly string[];
  readonly output?: string;
  readonly daemon: 'tandemd' | 'keepalived';
  /** keepalived.conf's path on live hosts. */
  readonly path: string;
  /** Group of the inventory whose hosts are to be built as real servers. */
  readonly realServers?: string;
}

export async function importCommand(given: readonly string[], options: ImportOptions): Promise<void> {
  const sources = given.map(sourceOf);
  const names = sources.map(({ host }) => host);
  const twice = names.find((host, index) => names.indexOf(host) !== index);
  if (twice !== undefined)
    throw new UsageError(`there are two configurations of ${twice}: name their hosts: FILE@HOST`);
  const place = options.output === undefined ? undefined : placeOf(options.output);
  const site = options.inventory && loadSite({ ...options, inventory: options.inventory });
  const realServers = builtServers(site, options);
  const live = await readLive(sources, site, options);
  const knowledge = new Map<string, HostKnowledge>();
  const hosts = sources.map(source => {
    if (source.kind === 'file') return readHostConfiguration(source.host, source.file, diskSource());
    const found = live.get(source.host);
    assert(found, 'every live host was read');
    const host = readHostConfiguration(source.host, found.path, memorySource(found.files), found.nodeName);
    const interfaces = ownAddresses(found.interfaces, host);
    knowledge.set(source.host, { variables: connectionVariables(found.access), interfaces });
    return host;
  });
  const imported = importInventory(hosts, {
    sources: sources.map(source => (source.kind === 'file' ? source.file : `${source.host}:${options.path}`)),
    knowledge,
    ...(realServers ? { realServers } : {}),
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

/** The hosts that `--real-servers` names. Throws UsageError. */
function builtServers(site: Site | undefined, options: ImportOptions): ImportedRealServers | undefined {
  if (options.realServers === undefined) return undefined;
  if (!site)
    throw new UsageError('--real-servers GROUP needs the inventory that has the group: -i INVENTORY');
  const group = site.inventory.groups.get(options.realServers);
  if (!group) throw new UsageError(`the inventory has no group ${options.realServers}`);
  return realServersOf(site.inventory, group, host => connectionVariables(hostAccess(host, site, options)));
}

/** Asks the hosts among the sources. Throws RemoteError, and UsageError for a host that the inventory lacks. */
async function readLive(
  sources: readonly Source[],
  site: Site | undefined,
  options: ImportOptions,
): Promise<ReadonlyMap<string, RemoteConfiguration & { readonly access: HostAccess }>> {
  const hosts = sources.filter(source => source.kind === 'host');
  if (hosts.length === 0) return new Map();
  const ask = terminalAsk();
  const accesses = hosts.map(({ host, user }): HostAccess => {
    if (site?.inventory.hosts.has(host)) return hostAccess(host, site, options);
    if (site) throw new UsageError(`the inventory has no host ${host}`);
    const login = user ?? options.user;
    return {
      name: host,
      ...(login === undefined ? {} : { user: login }),
      ...(options.privateKey === undefined ? {} : { privateKeyFile: options.privateKey }),
      ...(login === undefined || login === 'root' ? {} : { become: {} }),
    };
  });
  const found = await readConfigurations(accesses, options.path, {
    transport: createTransport({
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      ...(ask ? { ask } : {}),
    }),
    emit: () => undefined,
    ...(ask ? { ask } : {}),
    settings: { forks: options.forks, silenceTimeoutMs: options.timeout * 1000 },
  });
  return new Map(
    accesses.flatMap((access, index) => {
      const one = found[index];
      return one ? [[access.name, { ...one, access }] as const] : [];
    }),
  );
}

/** How the host was reached, for its entry in the new inventory; no secrets. */
function connectionVariables({ name, address, user, port, become }: HostAccess): HostKnowledge['variables'] {
  return {
    ...(address === undefined || address === name ? {} : { ansible_host: address }),
    ...(user === undefined ? {} : { ansible_user: user }),
    ...(port === undefined ? {} : { ansible_port: port }),
    ...(become ? { ansible_become: true } : {}),
  };
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

type Source =
  | { readonly kind: 'file'; readonly file: string; readonly host: string }
  | { readonly kind: 'host'; readonly host: string; readonly user: string | undefined };

/** `FILE@HOST`, `FILE` of a host that its name or its folder's says, `HOST` or `USER@HOST`. Throws UsageError. */
function sourceOf(given: string): Source {
  const at = given.lastIndexOf('@');
  const named = at > 0 && isFile(given.slice(0, at));
  const file = named ? given.slice(0, at) : given;
  if (!isFile(file)) {
    if (/[/\s]|\.(?:conf|inc)(?:@|$)/.test(given))
      throw new UsageError(
        `there is no file ${file}: give FILE, FILE@HOST, or HOST or USER@HOST for a live host`,
      );
    return { kind: 'host', host: given.slice(at + 1), user: at > 0 ? given.slice(0, at) : undefined };
  }
  const host = named ? given.slice(at + 1) : hostIn(file);
  if (!/^[\w.:-]+$/.test(host)) throw new UsageError(`${given}: whose file is it? Write ${file}@HOST`);
  return { kind: 'file', file, host };
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
