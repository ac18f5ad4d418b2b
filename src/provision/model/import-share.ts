/** Several hosts' words → what all have, and what is one host's own. */
import type { Words } from './import-types.ts';
import type { Keyword } from './topology-schema-words.ts';

export interface Shared {
  readonly shared: Words;
  /** By host; hosts without words of their own are absent. */
  readonly own: ReadonlyMap<string, Words>;
}

/** Keywords that are equal on all hosts, and the others host by host. */
export function shareWords(perHost: ReadonlyMap<string, Words>): Shared {
  const all = [...perHost.values()];
  const names = new Set(all.flatMap(words => Object.keys(words)));
  const shared: Record<string, Keyword> = {};
  const own = new Map<string, Record<string, Keyword>>();
  for (const name of names) {
    const [first, ...others] = all;
    const value = first?.[name];
    if (value !== undefined && others.every(words => sameWord(words[name], value))) {
      shared[name] = value;
      continue;
    }
    for (const [host, words] of perHost) {
      if (words[name] !== undefined) own.set(host, { ...own.get(host), [name]: words[name] });
    }
  }
  return { shared, own };
}

function sameWord(a: Keyword | undefined, b: Keyword): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

export interface SharedBlocks {
  /** By name; a name that some host has is here, if only with the words that all of its hosts share. */
  readonly shared: Readonly<Record<string, Words>>;
  /** Host → name → words. */
  readonly own: ReadonlyMap<string, Readonly<Record<string, Words>>>;
}

/** The same for named blocks; hosts that lack a block count as having it as the others do. */
export function shareBlocks(perHost: ReadonlyMap<string, Readonly<Record<string, Words>>>): SharedBlocks {
  const names = new Set([...perHost.values()].flatMap(blocks => Object.keys(blocks)));
  const shared: Record<string, Words> = {};
  const own = new Map<string, Record<string, Words>>();
  for (const name of names) {
    const having = [...perHost].flatMap(([host, blocks]) =>
      blocks[name] ? [[host, blocks[name]] as const] : [],
    );
    const split = shareWords(new Map(having));
    shared[name] = split.shared;
    for (const [host, words] of split.own) own.set(host, { ...own.get(host), [name]: words });
  }
  return { shared, own };
}
