/** One host's keepalived.conf, read for an inventory. */
import { formatIp } from '#base/address.ts';
import type { Diagnostic } from '#base/errors.ts';
import { isSamePosition } from '#base/position.ts';
import { loadStatements, type ConfigSource, type LoadedStatements } from '#conf/load.ts';
import type { VirtualAddress, VrrpInstance } from '#conf/model.ts';
import type { Statement } from '#conf/parser.ts';
import { Report } from '#conf/report.ts';
import { DEFAULT_LIMITS } from '#conf/source.ts';
import { readBlock, type Setting } from '#conf/values.ts';
import { readServer, type ImportedServer } from './import-server-read.ts';
import { blockText, literal, lineText, wordsOf } from './import-words.ts';
import { withoutHandovers } from './keepalived-handover.ts';
import type { ImportedGroup, ImportedHost, ImportedInstance, Words } from './import-types.ts';
import { Secret } from './shell.ts';

/** Keywords whose argument is a secret, wherever they stand. */
const SECRETS: ReadonlySet<string> = new Set(['auth_pass', 'password']);

/** Complaints about support are made by `tandem validate`; here the words are carried along. */
const CARRIED: ReadonlySet<string> = new Set(['keyword-not-supported', 'keyword-no-effect']);

/**
 * Reads a host's configuration. Never throws for what the files say. `nodeName` is what uname says there, by which
 * `@id` conditions are decided; by default the inventory's name.
 */
export function readHostConfiguration(
  name: string,
  path: string,
  source: ConfigSource,
  nodeName = name,
): ImportedHost {
  const own: ConfigSource = {
    read: file => {
      const text = source.read(file);
      return text === undefined ? undefined : withoutHandovers(text);
    },
    glob: pattern => source.glob(pattern),
  };
  return new HostReader(name, loadStatements(path, own, { hostname: nodeName })).read();
}

class HostReader {
  readonly #name: string;
  readonly #loaded: LoadedStatements;
  readonly #notes: Diagnostic[] = [];
  readonly #secrets: Record<string, Secret> = {};
  /** What it collects has been said when the configuration was loaded. */
  readonly #report = new Report(DEFAULT_LIMITS.diagnostics);

  constructor(name: string, loaded: LoadedStatements) {
    this.#name = name;
    this.#loaded = loaded;
  }

  read(): ImportedHost {
    const top = readBlock('', this.#loaded.statements, this.#report);
    const named = (...keywords: string[]): readonly Setting[] =>
      top.filter(({ keyword, value }) => keywords.includes(keyword.name) && value !== undefined);
    const blocks = (...keywords: string[]): Readonly<Record<string, Words>> =>
      Object.fromEntries(named(...keywords).map(setting => [nameOf(setting), this.#words(setting)]));
    const servers = this.#servers(named('virtual_server'), named('virtual_server_group'));
    const placed = new Set(PLACED);
    const told = new Set(servers.flatMap(({ statement, group }) => [statement, group?.statement]));
    const extra = top.filter(
      ({ keyword, value, statement }) =>
        !placed.has(keyword.name) && !told.has(statement) && value !== undefined,
    );
    return {
      name: this.#name,
      globals: this.#globals(named('global_defs')),
      scripts: blocks('vrrp_script'),
      processes: blocks('vrrp_track_process'),
      files: blocks('track_file', 'vrrp_track_file'),
      groups: this.#groups(named('vrrp_sync_group')),
      instances: named('vrrp_instance').flatMap(setting => this.#instance(setting) ?? []),
      servers,
      extra: extra.map(({ statement }) => this.#carry(statement)),
      extraSecrets: this.#secrets,
      loaded: this.#loaded,
      notes: [...this.#loaded.diagnostics.filter(({ id }) => !CARRIED.has(id)), ...this.#notes],
    };
  }

  #words(setting: Setting): Words {
    const { argument } = setting.keyword;
    if (argument.type !== 'block') return {};
    return wordsOf(readBlock(argument.block, setting.statement.block ?? [], this.#report), this.#report);
  }

  /** `router_id` is the host's name where nothing else is said. */
  #globals(settings: readonly Setting[]): Words {
    const { router_id: _id, ...words } = Object.assign({}, ...settings.map(one => this.#words(one))) as Words;
    const id = this.#loaded.config.globalDefs.routerId;
    return id === this.#name ? words : { router_id: literal(id), ...words };
  }

  #groups(settings: readonly Setting[]): Readonly<Record<string, ImportedGroup>> {
    const known = new Map(this.#loaded.config.vrrpSyncGroups.map(group => [group.name, group]));
    return Object.fromEntries(
      settings.flatMap(setting => {
        const name = nameOf(setting);
        const { group: _group, ...words } = this.#words(setting);
        const members = known.get(name)?.group;
        return members ? [[name, { members, words }] as const] : [];
      }),
    );
  }

  /** Those that keepalived takes whole; a group that one of the others needs is left to them. */
  #servers(servers: readonly Setting[], groups: readonly Setting[]): readonly ImportedServer[] {
    const blocks = groups.map(({ statement }) => statement);
    const read = servers.map(({ statement }) => ({
      group: statement.words[1]?.text === 'group' ? statement.words[2]?.text : undefined,
      server: readServer(statement, blocks, this.#loaded.config, this.#report),
    }));
    const broken = new Set(read.filter(({ server }) => !server).flatMap(({ group }) => group ?? []));
    return read.flatMap(({ group, server }) =>
      server && (group === undefined || !broken.has(group)) ? [server] : [],
    );
  }

  #instance(setting: Setting): ImportedInstance | undefined {
    const name = nameOf(setting);
    const model = this.#loaded.config.vrrpInstances.find(instance => instance.name === name);
    if (!model) return undefined;
    const settings = readBlock('vrrp_instance', setting.statement.block ?? [], this.#report);
    const grouped = this.#loaded.config.vrrpSyncGroups.some(({ group }) => group.includes(name));
    const all = wordsOf(settings, this.#report);
    if ('auth_hmac' in all)
      this.#leaveOut('auth_hmac', settings, 'its keys are secrets, and tandemd does not sign');
    const { words, password } = instanceWords(all, settings, { model, grouped }, this.#report);
    return {
      name,
      position: model.position,
      virtualRouterId: model.virtualRouterId,
      family: model.family,
      priority: model.priority,
      words,
      password: password === undefined ? undefined : new Secret(password),
      vips: model.virtualAddresses.map(({ address }) => formatIp(address)),
      addresses: [...model.virtualAddresses, ...model.virtualAddressesExcluded].map(({ address }) =>
        formatIp(address),
      ),
    };
  }

  #leaveOut(keyword: string, settings: readonly Setting[], why: string): void {
    const position = settings.find(setting => setting.keyword.name === keyword)?.statement.position;
    const message = `\`${keyword}\` is left out: ${why}`;
    this.#notes.push({ id: 'left-out', severity: 'error', message, ...(position && { position }) });
  }

  #carry(statement: Statement): string {
    const message = `\`${lineText(statement)}\` has no place in a topology: carried verbatim under \`extra\``;
    const { position } = statement;
    this.#notes.push({ id: 'carried-verbatim', severity: 'warning', message, position });
    return blockText(statement, one => this.#secret(one));
  }

  #secret(statement: Statement): string | undefined {
    const value = statement.words[1]?.text;
    if (!SECRETS.has(statement.keyword) || value === undefined) return undefined;
    const name = `keepalived_${statement.keyword}_${this.#name.replaceAll(/\W/g, '_')}_${Object.keys(this.#secrets).length + 1}`;
    this.#secrets[name] = new Secret(value);
    return name;
  }
}

/** Top-level blocks that a topology has words for. */
const PLACED: readonly string[] = [
  'global_defs',
  'vrrp_script',
  'vrrp_track_process',
  'track_file',
  'vrrp_track_file',
  'vrrp_sync_group',
  'vrrp_instance',
];

function nameOf(setting: Setting): string {
  return setting.statement.words[1]?.text ?? '';
}

/** The words of an instance less those that the inventory says in another way. */
function instanceWords(
  all: Words,
  settings: readonly Setting[],
  { model, grouped }: { readonly model: VrrpInstance; readonly grouped: boolean },
  report: Report,
): { readonly words: Words; readonly password: string | undefined } {
  const words = { ...all };
  for (const word of DERIVED) delete words[word];
  // Below 255 the state is a hint that nothing but a sync group looks at.
  if (model.priority !== 255 && !(grouped && model.state === 'MASTER')) delete words['state'];
  // What keepalived ignores, such as nopreempt with state MASTER, must not come to life.
  if (model.preempt === 'preempt') delete words['nopreempt'];
  if (model.preemptDelayMs === 0) delete words['preempt_delay'];
  delete words['preempt'];
  for (const [word, value] of [
    ['accept', true],
    ['no_accept', false],
  ] as const) {
    if (!(word in words)) continue;
    delete words[word];
    words['accept'] = value;
  }
  const lines = (addresses: readonly VirtualAddress[]): string[] =>
    addresses.map(address => lineAt(address, settings));
  const advertised = lines(model.virtualAddresses);
  const excluded = lines(model.virtualAddressesExcluded);
  if (advertised.length > 0) words['virtual_ipaddress'] = advertised;
  if (excluded.length > 0) words['virtual_ipaddress_excluded'] = excluded;
  const block = settings.findLast(({ keyword }) => keyword.name === 'authentication')?.statement.block;
  if (!model.authentication || !block) return { words, password: undefined };
  const password = readBlock('authentication', block, report).findLast(
    ({ keyword }) => keyword.name === 'auth_pass',
  );
  words['authentication'] = { auth_type: model.authentication.type };
  return { words, password: password?.statement.words[1]?.text };
}

const DERIVED: readonly string[] = [
  'virtual_router_id',
  'priority',
  'authentication',
  'virtual_ipaddress',
  'virtual_ipaddress_excluded',
  'auth_hmac',
];

/** The author's line of an address; keepalived moves addresses of another family to the excluded ones. */
function lineAt(address: VirtualAddress, settings: readonly Setting[]): string {
  for (const { statement } of settings) {
    const found = statement.block?.find(({ position }) => isSamePosition(position, address.position));
    if (found) return literal(lineText(found));
  }
  return formatIp(address.address);
}
