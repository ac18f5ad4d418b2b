/**
 * The inventory: hosts and groups as Ansible's YAML inventory plugin reads them, with the place of every word.
 * Values are untemplated here; `variables.ts` merges and templates them.
 */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { Json } from './module.ts';
import type { Vault } from './vault.ts';

/** The only way files come in: the caller reads a disk, a bundle or a test's map. Paths are as the user gave them. */
export interface FileSource {
  /** The text of a file; undefined if there is none. */
  read(path: string): string | undefined;
  /** Names (not paths) in a directory, files and directories; empty if there is none. */
  list(dir: string): readonly string[];
  /** Whether a file or directory is there. */
  exists(path: string): boolean;
  /** Opens what in the files is encrypted; absent: there are no passwords. */
  readonly vault?: Vault;
}

/** Untemplated variables by name. {@link positionOf} of `yaml.ts` tells where each value stands. */
export type RawVariables = Readonly<Record<string, Json>>;

export interface Host {
  readonly name: string;
  /** Variables written beside the host in inventories, merged; later ones win. */
  readonly vars: RawVariables;
  /** From `host_vars/` beside inventories, merged; they win over {@link vars}. */
  readonly hostVars: RawVariables;
  /** From `host_vars/` beside the playbook; they win over both. */
  readonly playVars: RawVariables;
  /** Groups that list it themselves. */
  readonly directGroups: readonly string[];
  /** All groups it is in, the one whose variables win last: by depth, `ansible_group_priority`, name. */
  readonly groups: readonly string[];
  /** Where it is first named. */
  readonly position: Position;
}

export interface Group {
  readonly name: string;
  /** From inventories. */
  readonly vars: RawVariables;
  /** From `group_vars/` beside inventories; they win over {@link vars}. */
  readonly groupVars: RawVariables;
  /** From `group_vars/` beside the playbook. */
  readonly playVars: RawVariables;
  readonly children: readonly string[];
  readonly parents: readonly string[];
  /** Hosts listed in the group itself. */
  readonly directHosts: readonly string[];
  /** All hosts, children's included, in inventory order. */
  readonly hosts: readonly string[];
  /** 0 for `all`; a child is deeper than each of its parents. */
  readonly depth: number;
  /** `ansible_group_priority`, default 1. */
  readonly priority: number;
  readonly position: Position;
}

export interface TopologyShorthand {
  /** The file's name without folder and ending. */
  readonly name: string;
  readonly value: Json;
  readonly position: Position;
}

export interface Inventory {
  /** In the order in which they are first named. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** `all` and `ungrouped` included. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Top-level `topology:` shorthands: one cluster each, named after the file. */
  readonly topologies: readonly TopologyShorthand[];
}

export interface LoadedInventory {
  readonly inventory: Inventory;
  readonly diagnostics: readonly Diagnostic[];
}
