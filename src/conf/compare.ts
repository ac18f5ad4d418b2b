/** Do two configurations say the same? What they mean counts, not how it is written. */
import type { Entries } from './entries-instance.ts';
import { instanceEntries } from './entries-instance.ts';
import { addressEntry, routeEntry, ruleEntry } from './entries-network.ts';
import type { LoadedStatements } from './load.ts';
import type { Config, RealServer, VirtualServer, VrrpInstance, VrrpSyncGroup } from './model.ts';
import type { Statement } from './parser.ts';
import { garpGroupEntries, fileEntries, processEntries, scriptEntries, syncGroupEntries } from './print.ts';
import { globalEntries, topEntries } from './print-global.ts';
import { keywordsOf } from './tables.ts';
import type { BlockName } from './keyword.ts';

/** One keyword that means something else; undefined: it is not there. Secrets are not shown. */
export interface SemanticDifference {
  /** Such as `vrrp_instance VI_1`, `global_defs`. */
  readonly where: string;
  readonly keyword: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What may differ between configurations that are meant to say the same. */
export interface Tolerances {
  /** Name before → name after. */
  readonly instanceNames?: ReadonlyMap<string, string>;
  /** `state` of routers below priority 255 outside sync groups: keepalived starts them all as BACKUP. */
  readonly stateHint?: boolean;
  /** A `unicast_src_ip` where there was none: the interface's primary address, written out. */
  readonly unicastSource?: boolean;
  /** Names of groups of virtual servers, and groups that nothing is about. */
  readonly groupNames?: boolean;
  /** Scripts, processes and files that only one side defines and nothing tracks. */
  readonly untracked?: boolean;
}

/** Every difference that is not tolerated, in the order of the configuration before. */
export function compareConfigs(
  before: LoadedStatements,
  after: LoadedStatements,
  tolerances: Tolerances = {},
): readonly SemanticDifference[] {
  return new Comparison(before.config, after.config, tolerances)
    .run()
    .concat(
      compareLines('not in the model', unmodelled(before.statements, ''), unmodelled(after.statements, '')),
    );
}

class Comparison {
  readonly #before: Config;
  readonly #after: Config;
  readonly #tolerances: Tolerances;

  constructor(before: Config, after: Config, tolerances: Tolerances) {
    this.#before = before;
    this.#after = after;
    this.#tolerances = tolerances;
  }

  run(): SemanticDifference[] {
    const [before, after] = [this.#before, this.#after];
    return [
      ...compareEntries('the top level', topEntries(before.globalDefs), topEntries(after.globalDefs)),
      ...compareEntries('global_defs', globalEntries(before.globalDefs), globalEntries(after.globalDefs)),
      ...this.#named('vrrp_script', 'vrrpScripts', scriptEntries),
      ...this.#named('vrrp_track_process', 'trackProcesses', processEntries),
      ...this.#named('track_file', 'trackFiles', fileEntries),
      ...this.#instances(),
      ...this.#groups(),
      ...this.#lists(),
    ];
  }

  #named<K extends 'vrrpScripts' | 'trackProcesses' | 'trackFiles'>(
    keyword: string,
    key: K,
    entries: (object: Config[K][number]) => Entries,
  ): SemanticDifference[] {
    const [old, current] = [this.#before[key], this.#after[key]] as const;
    const names = new Set([...old, ...current].map(({ name }) => name));
    return [...names].flatMap(name => {
      const [a, b] = [old.find(one => one.name === name), current.find(one => one.name === name)];
      const tracked = isTracked(this.#before, name) || isTracked(this.#after, name);
      if ((!a || !b) && this.#tolerances.untracked === true && !tracked) return [];
      return compareEntries(`${keyword} ${name}`, a && entries(a), b && entries(b));
    });
  }

  #nameAfter(name: string): string {
    return this.#tolerances.instanceNames?.get(name) ?? name;
  }

  #instances(): SemanticDifference[] {
    const left = new Map(this.#after.vrrpInstances.map(instance => [instance.name, instance]));
    const found = this.#before.vrrpInstances.flatMap(instance => {
      const name = this.#nameAfter(instance.name);
      const other = left.get(name);
      left.delete(name);
      return compareEntries(
        `vrrp_instance ${instance.name}`,
        this.#entries(instance, other, this.#before),
        other && this.#entries(other, instance, this.#after),
      );
    });
    const added = [...left.values()].flatMap(instance =>
      compareEntries(`vrrp_instance ${instance.name}`, undefined, instanceEntries(instance)),
    );
    return [...found, ...added];
  }

  /** What an instance says, less what is tolerated when `other` is its counterpart. */
  #entries(instance: VrrpInstance, other: VrrpInstance | undefined, config: Config): Entries {
    const entries = new Map(instanceEntries(instance));
    const { stateHint, unicastSource } = this.#tolerances;
    const grouped = config.vrrpSyncGroups.some(({ group }) => group.includes(instance.name));
    const starts = instance.priority === 255 ? (instance.state ?? 'MASTER') : instance.state;
    entries.delete('state');
    const hint = stateHint === true && instance.priority !== 255 && !(grouped && starts === 'MASTER');
    if (!hint && starts !== undefined) entries.set('state', { text: starts, isDefault: false });
    const unicast = instance.unicastPeers.length > 0;
    const derived = other && (!other.unicastSrcIp || !instance.unicastSrcIp);
    if (unicastSource === true && unicast && derived) entries.delete('unicast_src_ip');
    return entries;
  }

  #groups(): SemanticDifference[] {
    const renamed = (group: VrrpSyncGroup): VrrpSyncGroup => ({
      ...group,
      group: group.group.map(name => this.#nameAfter(name)).toSorted(),
    });
    const sorted = (group: VrrpSyncGroup): VrrpSyncGroup => ({ ...group, group: group.group.toSorted() });
    const [old, current] = [this.#before.vrrpSyncGroups, this.#after.vrrpSyncGroups];
    const names = new Set([...old, ...current].map(({ name }) => name));
    return [...names].flatMap(name => {
      const [a, b] = [old.find(one => one.name === name), current.find(one => one.name === name)];
      return compareEntries(
        `vrrp_sync_group ${name}`,
        a && syncGroupEntries(renamed(a)),
        b && syncGroupEntries(sorted(b)),
      );
    });
  }

  #server(server: VirtualServer, config: Config): string {
    const { key } = server;
    const group =
      this.#tolerances.groupNames === true && key.kind === 'group'
        ? config.virtualServerGroups.find(({ name }) => name === key.group)
        : undefined;
    const said = checksInOrder(server);
    return meaning(group ? { ...said, key: group.entries } : said);
  }

  #lists(): SemanticDifference[] {
    const list = (where: string, lines: (config: Config) => readonly string[]): SemanticDifference[] =>
      compareLines(where, lines(this.#before), lines(this.#after));
    return [
      ...list('static_ipaddress', config => config.staticAddresses.map(addressEntry)),
      ...list('static_routes', config => config.staticRoutes.map(routeEntry)),
      ...list('static_rules', config => config.staticRules.map(ruleEntry)),
      ...list('track_group', config =>
        config.trackGroups.map(({ name, group }) => `${name} ${group.join(' ')}`),
      ),
      ...list('interface_up_down_delays', config =>
        config.interfaceDelays.map(one => `${one.interface} ${one.downDelayMs} ${one.upDelayMs} ms`),
      ),
      ...list('virtual_server_group', config =>
        this.#tolerances.groupNames === true ? [] : config.virtualServerGroups.map(meaning),
      ),
      ...list('virtual_server', config => config.virtualServers.map(server => this.#server(server, config))),
      ...list('garp_group', config =>
        config.garpGroups.map(group =>
          [...garpGroupEntries(group)].map(([keyword, { text }]) => `${keyword} ${text}`).join(' '),
        ),
      ),
    ];
  }
}

/** Checks of one real server do not know of each other: their order says nothing. */
function checksInOrder(server: VirtualServer): VirtualServer {
  const sorted = (real: RealServer): RealServer => ({
    ...real,
    checkers: real.checkers.toSorted((a, b) => meaning(a).localeCompare(meaning(b))),
  });
  return { ...server, realServers: server.realServers.map(sorted) };
}

/** A value of the model as text, without the places where it was written. */
function meaning(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (key === 'position') return undefined;
    return inner instanceof Uint8Array ? [...inner].join('.') : inner;
  });
}

function isTracked(config: Config, name: string): boolean {
  return [...config.vrrpInstances, ...config.vrrpSyncGroups].some(one =>
    [one.trackScripts, one.trackProcesses, one.trackFiles].flat().some(tracker => tracker.name === name),
  );
}

function compareEntries(
  where: string,
  before: Entries | undefined,
  after: Entries | undefined,
): SemanticDifference[] {
  if (!before || !after) {
    const text = (side: Entries | undefined): string | undefined => side && 'is there';
    return before === after ? [] : [{ where, keyword: '', before: text(before), after: text(after) }];
  }
  const keywords = new Set([...before.keys(), ...after.keys()]);
  return [...keywords].flatMap(keyword => {
    const [a, b] = [before.get(keyword)?.text, after.get(keyword)?.text];
    if (a === b) return [];
    const shown = (text: string | undefined): string | undefined =>
      keyword === 'authentication' ? text && '[secret]' : text?.replaceAll(/\s+/g, ' ');
    return [{ where, keyword, before: shown(a), after: shown(b) }];
  });
}

function compareLines(
  where: string,
  before: readonly string[],
  after: readonly string[],
): SemanticDifference[] {
  const gone = before.filter(line => !after.includes(line));
  const added = after.filter(line => !before.includes(line));
  return [
    ...gone.map(line => ({ where, keyword: line, before: 'is there', after: undefined })),
    ...added.map(line => ({ where, keyword: line, before: undefined, after: 'is there' })),
  ];
}

/** Statements that the typed model leaves out, with the blocks they are in; those inside them as well. */
function unmodelled(statements: readonly Statement[], block: BlockName, path = ''): string[] {
  const table = keywordsOf(block);
  return statements.flatMap(statement => {
    const row = table.get(statement.keyword);
    const text = `${path}${statement.words.map(word => word.text).join(' ')}`;
    if (row && row.support !== 'works') return everything(statement, path);
    const inner = row?.argument.type === 'block' ? row.argument.block : undefined;
    return inner === undefined ? [] : unmodelled(statement.block ?? [], inner, `${text} / `);
  });
}

function everything(statement: Statement, path: string): string[] {
  const words = SECRET_WORDS.has(statement.keyword)
    ? [statement.keyword]
    : statement.words.map(({ text }) => text);
  const text = `${path}${words.join(' ')}`;
  return [text, ...(statement.block ?? []).flatMap(inner => everything(inner, `${text} / `))];
}

const SECRET_WORDS: ReadonlySet<string> = new Set(['password', 'key']);
