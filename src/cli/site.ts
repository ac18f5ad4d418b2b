/** What the command line names, loaded and checked: inventory, clusters, playbook, and a planner for every host. */
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { InputError, type Diagnostic } from '#base/errors.ts';
import {
  type FileSource,
  type Inventory,
  loadInventory,
  type RawVariables,
} from '#provision/model/inventory.ts';
import { type Departure, type DepartureOrders, withDepartures } from '#provision/model/departures.ts';
import { oncePerPlace } from '#provision/model/diagnostics.ts';
import { MODULES } from '#provision/model/modules/registry.ts';
import { withHandovers } from '#provision/model/keepalived-handover.ts';
import { wordsBeyond } from '#provision/model/keepalived-words.ts';
import { matchPattern } from '#provision/model/pattern.ts';
import { HostPlanner } from '#provision/model/planner.ts';
import { loadPlaybook, type Play } from '#provision/model/playbook.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import type { Variables } from '#provision/model/template.ts';
import {
  checkInterfaces,
  deriveTopology,
  type DerivedTopology,
  emptyHostTopology,
  type HostTopology,
} from '#provision/model/topology.ts';
import { connectionOf } from '#provision/model/variables-connection.ts';
import { hostVariables, type VariableLayers } from '#provision/model/variables.ts';
import { accessOf } from '#provision/run/access.ts';
import type { RunCluster, RunHost } from '#provision/run/ports.ts';
import { UsageError } from './exit.ts';
import { parseExtraVars } from './extra-vars.ts';
import { diskFiles } from './files.ts';
import type { InventoryOptions } from './options.ts';

/** The package's own directory, in a checkout and when installed: where roles, playbooks and dist are. */
export const PACKAGE_ROOT = resolve(import.meta.dirname, '..', '..');

export interface Site {
  readonly files: FileSource;
  readonly inventory: Inventory;
  readonly topology: DerivedTopology;
  /** Warnings; errors have been thrown. */
  readonly warnings: readonly Diagnostic[];
  /** Hosts of `--limit`, in inventory order. */
  readonly selected: ReadonlySet<string>;
  /** A host's variables, with `tandem` and the extra variables; as they are while these real servers leave. */
  readonly variables: (host: string, layers?: VariableLayers, departures?: readonly Departure[]) => Variables;
}

/** Loads and validates everything that needs no host. Throws InputError with every complaint, or UsageError. */
export function loadSite(
  options: InventoryOptions,
  more: { readonly playbook?: string; readonly extraVars?: RawVariables } = {},
): Site {
  const files = diskFiles(options.vault);
  const playbookDir = more.playbook === undefined ? {} : { playbookDir: dirname(more.playbook) };
  const concealed = (found: readonly Diagnostic[]): readonly Diagnostic[] =>
    found.map(diagnostic => options.vault?.redact(diagnostic) ?? diagnostic);
  const { inventory, diagnostics } = loadInventory(options.inventory, files, playbookDir);
  const extraVars = { ...parseExtraVars(options.extraVars ?? [], files), ...more.extraVars };
  // A topology on half an inventory would only add complaints that follow from the first ones.
  throwErrors(concealed(diagnostics));
  const topology = deriveTopology(inventory, extraVars);
  const unknown = [...topology.hosts.values()].flatMap(host =>
    wordsBeyond(host, topology.clusters, undefined),
  );
  const all = concealed(oncePerPlace([...diagnostics, ...topology.diagnostics, ...unknown]));
  throwErrors(all);
  const seen = new Map<string, unknown>();
  const tandemOf = (host: string, departures: readonly Departure[]): unknown => {
    const leaving = departures.map(one => `${one.host} ${one.state}`);
    const key = [host, ...leaving].join('\n');
    const whole = forDaemon(topology.hosts.get(host) ?? emptyHostTopology(host), topology);
    const value = seen.get(key) ?? asValue(withDepartures(whole, departures));
    seen.set(key, value);
    return value;
  };
  const variables: Site['variables'] = (host, layers = {}, departures = []) =>
    hostVariables(inventory, host, {
      ...layers,
      extraVars,
      magic: { ...layers.magic, tandem: tandemOf(host, departures) },
    });
  return {
    files,
    inventory,
    topology,
    warnings: all,
    selected: hostsOf(inventory, options.limit),
    variables,
  };
}

function throwErrors(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some(diagnostic => diagnostic.severity === 'error')) throw new InputError(diagnostics);
}

/** A stock keepalived needs more than tandemd to hand over when it is asked to. */
function forDaemon(host: HostTopology, { clusters }: DerivedTopology): HostTopology {
  return host.daemon === 'keepalived' ? withHandovers(host, clusters) : host;
}

/** As templates and arguments see it: what is undefined is absent. */
function asValue(topology: HostTopology): unknown {
  return JSON.parse(JSON.stringify(topology));
}

function hostsOf(inventory: Inventory, limit: string | undefined): ReadonlySet<string> {
  const match = matchPattern(inventory, limit ?? 'all');
  const [error] = match.errors;
  if (error !== undefined) throw new UsageError(`--limit ${limit}: ${error}`);
  if (limit === undefined && match.hosts.length === 0) throw new UsageError('the inventory has no hosts');
  // A mistyped name among others would silently leave its host out.
  const mistyped = match.unmatched.filter(term => !/[*?[~]/.test(term) && !limit?.includes(`!${term}`));
  if (limit !== undefined && (match.hosts.length === 0 || mistyped.length > 0))
    throw new UsageError(
      `--limit ${limit}: ${mistyped.join(', ') || 'it'} matches no host of the inventory (${known(inventory)})`,
    );
  const matched = new Set(match.hosts);
  return new Set([...inventory.hosts.keys()].filter(host => matched.has(host)));
}

/** What can be named, as far as it fits on a line. */
function known(inventory: Inventory): string {
  const list = (names: readonly string[]): string =>
    `${names.slice(0, 10).join(', ')}${names.length > 10 ? `, … ${names.length - 10} more` : ''}`;
  const groups = [...inventory.groups.keys()].filter(name => name !== 'all' && name !== 'ungrouped');
  const hosts = `hosts: ${list([...inventory.hosts.keys()])}`;
  return groups.length > 0 ? `${hosts}; groups: ${list(groups)}` : hosts;
}

/** A path as the user would write it, so that messages can be clicked; packaged ones are looked for in the package. */
export function playbookPath(given: string | undefined, files: FileSource, standard: string): string {
  if (given !== undefined) return given;
  if (files.exists(standard)) return standard;
  const packaged = relative(process.cwd(), resolve(PACKAGE_ROOT, standard));
  return packaged.startsWith('..') || isAbsolute(packaged) ? resolve(PACKAGE_ROOT, standard) : packaged;
}

export interface PlaySettings {
  readonly playbook: string;
  readonly releases: ReadonlyMap<string, ReleaseArtefact>;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** `--resume`. */
  readonly resume?: boolean;
  /** What becomes of real servers that a host does without. */
  readonly departures?: (host: string) => DepartureOrders | undefined;
  /** `-u` and `--private-key`: what the inventory leaves open. */
  readonly user?: string;
  readonly privateKey?: string;
}

/** What a run is over. */
export interface RunParts {
  readonly hosts: readonly RunHost[];
  readonly clusters: readonly RunCluster[];
  /** All that must not be shown. */
  readonly secrets: () => readonly string[];
}

/** Every host that the plays are for, and the members of their clusters. Throws InputError for the playbook. */
export function runHosts(site: Site, settings: PlaySettings): RunParts {
  const roleDirs = [resolve(PACKAGE_ROOT, 'roles')];
  const plays = loadPlaybook(settings.playbook, { files: site.files, modules: MODULES, roleDirs });
  const played = new Map(plays.map(play => [play, new Set(matchPattern(site.inventory, play.hosts).hosts)]));
  const playsOf = (host: string): Play[] => plays.filter(play => played.get(play)?.has(host));
  const chosen = new Set([...site.selected].filter(host => playsOf(host).length > 0));
  const clusters = site.topology.clusters.filter(cluster => cluster.hosts.some(host => chosen.has(host)));
  const wanted = new Set([...chosen, ...clusters.flatMap(cluster => cluster.hosts)]);
  const hosts = [...site.inventory.hosts.keys()]
    .filter(host => wanted.has(host))
    .map(host => runHost(host, playsOf(host), site, settings, chosen.has(host)));
  return {
    hosts: hosts.map(({ host }) => host),
    clusters: clusters.map(({ name, startOrder, realServers }) => ({
      name,
      members: startOrder,
      realServers,
    })),
    secrets: () => [...new Set(hosts.flatMap(({ planner }) => planner.secretValues()))],
  };
}

function runHost(
  name: string,
  plays: readonly Play[],
  site: Site,
  settings: PlaySettings,
  selected: boolean,
): { readonly host: RunHost; readonly planner: HostPlanner } {
  const topology = site.topology.hosts.get(name);
  const departures = settings.departures?.(name);
  const planner = new HostPlanner({
    host: name,
    plays,
    variables: (layers, departures) => site.variables(name, layers, departures),
    files: site.files,
    release: architecture => settings.releases.get(architecture),
    tags: settings.tags,
    skipTags: settings.skipTags,
    resume: settings.resume ?? false,
    ...(departures ? { departures } : {}),
    checkFacts: facts =>
      topology
        ? [
            ...checkInterfaces(topology, facts),
            ...wordsBeyond(topology, site.topology.clusters, facts.keepalived),
          ]
        : [],
  });
  return { host: { access: hostAccess(name, site, settings), planner, selected }, planner };
}

/** How to log in to a host. Throws InputError for connections that are not SSH. */
export function hostAccess(
  name: string,
  site: Pick<Site, 'variables'>,
  settings: Pick<PlaySettings, 'user' | 'privateKey'>,
): RunHost['access'] {
  const access = accessOf(name, connectionOf(site.variables(name)));
  return {
    ...access,
    ...(settings.user !== undefined && access.user === undefined ? { user: settings.user } : {}),
    ...(settings.privateKey !== undefined && access.privateKeyFile === undefined
      ? { privateKeyFile: settings.privateKey }
      : {}),
  };
}
