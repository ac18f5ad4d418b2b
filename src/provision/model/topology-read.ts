/** Topology of one cluster: shape checked, nodes found, and every instance's words rendered for each of its nodes. */
import type { Position } from '#base/position.ts';
import { readScripts, withScriptPaths } from './derive-scripts.ts';
import type { Inventory } from './inventory-types.ts';
import type { Json } from './module.ts';
import { holdsTemplate, renderValue } from './template.ts';
import { str } from './template-python.ts';
import { NeedsFacts, TemplateError, type Variables } from './template-values.ts';
import { isJsonMap, mergeDeep, type ClusterSource, type Defaults } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import {
  defaultsSchema,
  nodeSchema,
  topologySchema,
  type NodeWords,
  type Topology,
} from './topology-schema.ts';
import { checkShape } from './topology-shape.ts';
import { similarName } from './template-registry.ts';
import type { ScriptFile } from './topology-types-servers.ts';
import { copyPlaces, keyPositionOf, positionAt, positionOf } from './yaml.ts';

/** One node of an instance with all of its words rendered. */
export interface NodeDraft {
  readonly host: string;
  readonly words: NodeWords;
  /** Place of a word, or of the node if the word is derived. */
  readonly place: (word: string) => Position;
}

interface InstanceDraft {
  readonly name: string;
  readonly position: Position;
  /** In the order in which the inventory names them. */
  readonly nodes: readonly NodeDraft[];
}

export interface ClusterDraft {
  readonly source: ClusterSource;
  readonly report: Report;
  readonly topology: Topology;
  readonly instances: readonly InstanceDraft[];
  /** Hosts that run an instance, in inventory order. */
  readonly hosts: readonly string[];
  /** A part of the topology (`global_defs`, `vrrp_scripts`, …) rendered for a host; undefined if it is absent or wrong. */
  readonly part: (name: keyof Topology, host: string) => Json | undefined;
  /** The scripts that are put on a host. */
  readonly scripts: (host: string) => readonly ScriptFile[];
}

/** What reading needs from outside the cluster. */
export interface ReadContext {
  readonly inventory: Inventory;
  readonly defaults: Defaults;
  readonly variablesOf: (host: string) => Variables;
}

/** Reads a cluster; undefined if nothing of it can be used. Complaints are in the report. */
export function readCluster(
  source: ClusterSource,
  report: Report,
  context: ReadContext,
): ClusterDraft | undefined {
  const reader = new ClusterReader(source, report, context);
  return reader.read();
}

class ClusterReader {
  readonly #source: ClusterSource;
  readonly #report: Report;
  readonly #context: ReadContext;
  readonly #merged = new Map<Json, Json>();

  constructor(source: ClusterSource, report: Report, context: ReadContext) {
    this.#source = source;
    this.#report = report;
    this.#context = context;
  }

  read(): ClusterDraft | undefined {
    const { name, position, members } = this.#source;
    const first = members[0];
    const raw = first === undefined ? this.#source.topology : this.#rawFor(first);
    const topology = checkShape(topologySchema, raw, this.#report, {
      id: 'topology-shape',
      name: 'topology',
      position,
    });
    if (!topology) return undefined;
    if (topology.accept) this.#report.accept(topology.accept, positionAt(raw, ['accept']));
    if (Object.keys(topology.vrrp_instances ?? {}).length === 0) {
      if (!this.#report.failed)
        this.#report.error('topology-shape', `the topology of ${name} has no vrrp_instances`, position);
      return undefined;
    }
    const instances = Object.keys(topology.vrrp_instances ?? {}).map(instance =>
      this.#instance(instance, raw),
    );
    const used = new Set(instances.flatMap(instance => instance.nodes.map(node => node.host)));
    const hosts = members.filter(host => used.has(host));
    return {
      source: this.#source,
      report: this.#report,
      topology,
      instances,
      hosts,
      part: (part, host) => this.#part(part, host),
      scripts: host => this.#scripts(host),
    };
  }

  /** The cluster's topology over the host's defaults. */
  #rawFor(host: string): Json {
    const defaults = this.#context.defaults.of(host);
    const known = this.#merged.get(defaults);
    if (known !== undefined) return known;
    const usable =
      defaults === null ||
      checkShape(defaultsSchema, defaults, this.#report, {
        id: 'topology-shape',
        name: 'topology_defaults',
        position: positionOf(defaults) ?? this.#source.position,
      });
    const base: Json = usable && isJsonMap(defaults) ? withoutKey(defaults, 'vrrp_instance') : {};
    const merged = isJsonMap(this.#source.topology)
      ? mergeDeep(base, this.#source.topology)
      : this.#source.topology;
    this.#merged.set(defaults, merged);
    return merged;
  }

  #part(part: keyof Topology, host: string): Json | undefined {
    const raw = this.#rawFor(host);
    const value = isJsonMap(raw) ? raw[part] : undefined;
    if (value === undefined) return undefined;
    const rendered = this.#render(value, host, positionAt(raw, [part]) ?? this.#source.position);
    return part === 'scripts' ? rendered : withScriptPaths(rendered, this.#scripts(host));
  }

  readonly #scriptFiles = new Map<Json, readonly ScriptFile[]>();
  #scripts(host: string): readonly ScriptFile[] {
    const rendered = this.#part('scripts', host);
    if (rendered === undefined) return [];
    const known = this.#scriptFiles.get(rendered);
    const files = known ?? readScripts(rendered, this.#source.position, this.#report);
    this.#scriptFiles.set(rendered, files);
    return files;
  }

  #instance(name: string, raw: Json): InstanceDraft {
    const path = ['vrrp_instances', name];
    const position = positionAt(raw, path, 'key') ?? this.#source.position;
    const nodes = this.#nodes(name, raw, position);
    const drafts = [...nodes].map(([host, { own, place }]) => this.#node(name, host, own, place));
    return { name, position, nodes: drafts.filter(draft => draft !== undefined) };
  }

  /** Node → its own words, checked against the inventory. */
  #nodes(
    name: string,
    raw: Json,
    position: Position,
  ): ReadonlyMap<string, { readonly own: Json; readonly place: Position }> {
    const written = instanceOf(raw, name)?.['nodes'];
    const at = positionAt(raw, ['vrrp_instances', name, 'nodes']) ?? position;
    const rendered = written === undefined ? undefined : this.#sameForAll(name, written, at);
    const entries = nodeEntries(rendered, at);
    if (entries.length === 0) {
      if (!this.#report.failed)
        this.#report.error(
          'nodes-missing',
          `${name} has no nodes`,
          at,
          'name the hosts that run it: nodes: [ka67, ka68]',
        );
    }
    const nodes = new Map<string, { own: Json; place: Position }>();
    for (const { host, own, place } of entries) {
      if (nodes.has(host))
        this.#report.error('node-duplicate', `${host} is named twice among the nodes of ${name}`, place);
      else if (this.#isMember(host, name, place)) nodes.set(host, { own, place });
    }
    return nodes;
  }

  #isMember(host: string, instance: string, place: Position): boolean {
    const { members, name } = this.#source;
    if (this.#members().has(host)) return true;
    const { hosts } = this.#context.inventory;
    if (hosts.has(host)) {
      this.#report.error(
        'host-outside-group',
        `${host} is a node of ${instance} but not in the group ${name}`,
        place,
        `add it to the group: its hosts are ${shorten(members)}`,
      );
      return false;
    }
    const similar = similarName(host, hosts.keys());
    this.#report.error(
      'host-unknown',
      `the inventory has no host ${host}`,
      place,
      similar === undefined ? 'add it under hosts' : `did you mean ${similar}?`,
    );
    return false;
  }

  #memberSet: ReadonlySet<string> | undefined;
  #members(): ReadonlySet<string> {
    return (this.#memberSet ??= new Set(this.#source.members));
  }

  /** `nodes` rendered for every member of the group; it must be the same. */
  #sameForAll(name: string, written: Json, at: Position): Json {
    if (!holdsTemplate(written) || isJsonMap(written)) return written;
    let first: Json | undefined;
    for (const host of this.#source.members) {
      const rendered = this.#render(written, host, at);
      if (rendered === undefined) return null;
      first ??= rendered;
      if (JSON.stringify(first) !== JSON.stringify(rendered)) {
        this.#report.error(
          'topology-membership',
          `the nodes of ${name} come out differently on ${this.#source.members[0]} and ${host}`,
          at,
          'use variables that are equal for all members',
        );
        return null;
      }
    }
    return first ?? null;
  }

  #node(name: string, host: string, own: Json, position: Position): NodeDraft | undefined {
    const raw = this.#rawFor(host);
    const written = instanceOf(raw, name) ?? {};
    const defaults = this.#context.defaults.of(host);
    const common = isJsonMap(defaults) ? (defaults['vrrp_instance'] ?? {}) : {};
    const words = mergeDeep(mergeDeep(common, withoutKey(written, 'nodes')), own ?? {});
    const rendered = withScriptPaths(this.#render(words, host, position), this.#scripts(host));
    if (rendered === undefined) return undefined;
    const checked = checkShape(nodeSchema, rendered, this.#report, { id: 'topology-shape', name, position });
    return checked
      ? { host, words: checked, place: word => positionOfOwn(rendered, word) ?? position }
      : undefined;
  }

  #render(value: Json, host: string, position: Position): Json | undefined {
    if (!holdsTemplate(value)) return value;
    try {
      return renderValue(value, this.#context.variablesOf(host), position);
    } catch (thrown) {
      if (thrown instanceof TemplateError) {
        this.#report.error('topology-template', thrown.reason, thrown.position, thrown.hint);
      } else if (thrown instanceof NeedsFacts) {
        this.#report.error(
          'topology-needs-facts',
          `the topology reads ${thrown.variable}, a fact of ${host}`,
          position,
          'set a variable in host_vars instead: the topology is checked before anything is sent',
        );
      } else throw thrown;
      return undefined;
    }
  }
}

function positionOfOwn(words: Json, word: string): Position | undefined {
  return isJsonMap(words) && Object.hasOwn(words, word) ? positionOf(words, word) : undefined;
}

function instanceOf(raw: Json, name: string): { readonly [key: string]: Json } | undefined {
  const instances = isJsonMap(raw) ? raw['vrrp_instances'] : undefined;
  const instance = isJsonMap(instances) ? instances[name] : undefined;
  return isJsonMap(instance) ? instance : undefined;
}

function withoutKey(map: { readonly [key: string]: Json }, key: string): Json {
  if (!Object.hasOwn(map, key)) return map;
  const { [key]: _removed, ...rest } = map;
  return copyPlaces(rest, map);
}

function nodeEntries(nodes: Json | undefined, at: Position): { host: string; own: Json; place: Position }[] {
  if (typeof nodes === 'string')
    return nodes
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(host => ({ host, own: null, place: at }));
  if (Array.isArray(nodes)) {
    return nodes.map((host: Json, index) => ({
      host: str(host),
      own: null,
      place: positionOf(nodes, index) ?? at,
    }));
  }
  if (!isJsonMap(nodes)) return [];
  return Object.entries(nodes).map(([host, own]) => ({
    host,
    own: isJsonMap(own) || own === null ? own : { priority: own },
    place: keyPositionOf(nodes, host) ?? at,
  }));
}

function shorten(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ');
}
