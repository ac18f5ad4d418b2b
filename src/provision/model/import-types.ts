/** What is read from one host's keepalived.conf, in the words of an inventory. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { LoadedStatements } from '#conf/load.ts';
import type { ImportedServer } from './import-server-read.ts';
import type { Secret } from './shell.ts';
import type { Keyword } from './topology-schema-words.ts';

/** Keywords of a block and their values, in the order of the file. */
export type Words = Readonly<Record<string, Keyword>>;

/** One vrrp_instance of one host. */
export interface ImportedInstance {
  readonly name: string;
  readonly position: Position;
  readonly virtualRouterId: number;
  readonly family: 4 | 6;
  readonly priority: number;
  /** Everything but virtual_router_id, priority and auth_pass. */
  readonly words: Words;
  readonly password: Secret | undefined;
  /** Advertised addresses without prefix and keywords. */
  readonly vips: readonly string[];
  /** The same with those of `virtual_ipaddress_excluded`. */
  readonly addresses: readonly string[];
}

export interface ImportedGroup {
  readonly members: readonly string[];
  readonly words: Words;
}

/** A host's whole configuration. */
export interface ImportedHost {
  readonly name: string;
  readonly globals: Words;
  /** By name. */
  readonly scripts: Readonly<Record<string, Words>>;
  readonly processes: Readonly<Record<string, Words>>;
  readonly files: Readonly<Record<string, Words>>;
  readonly groups: Readonly<Record<string, ImportedGroup>>;
  readonly instances: readonly ImportedInstance[];
  readonly servers: readonly ImportedServer[];
  /** Blocks without a place in a topology, as keepalived.conf has them. Their secrets are `{{ NAME }}`. */
  readonly extra: readonly string[];
  /** Secrets of {@link extra} by variable name. */
  readonly extraSecrets: Readonly<Record<string, Secret>>;
  /** What the configuration says, for comparing. */
  readonly loaded: LoadedStatements;
  /** What is carried verbatim, what is left out, and what keepalived itself would complain about. */
  readonly notes: readonly Diagnostic[];
}

/** What else is known of a host: from the command line, or asked of it. */
export interface HostKnowledge {
  /** `ansible_host` and other connection variables. */
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  /** NIC → addresses with prefix. */
  readonly interfaces?: Readonly<Record<string, readonly string[]>>;
}

/** Hosts that are to be built as real servers: a group of the inventory that was given. */
export interface ImportedRealServers {
  readonly group: string;
  /** Address → host. */
  readonly byAddress: ReadonlyMap<string, string>;
  /** By host, in the group's order. */
  readonly knowledge: ReadonlyMap<string, HostKnowledge>;
}
