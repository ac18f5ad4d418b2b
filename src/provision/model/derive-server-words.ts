/** Words of `real_servers` and of its `hosts` and `addresses`. */
import type { Position } from '#base/position.ts';
import { toNumber } from './derive-node.ts';
import type { Json } from './module.ts';
import { str } from './template-python.ts';
import { isJsonMap } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import type { RealServerWords } from './topology-schema-servers.ts';
import type { Keyword } from './topology-schema-words.ts';

/** Those that are not keywords of real_server. */
const OWN_WORDS = [
  'group',
  'hosts',
  'addresses',
  'port',
  'weight',
  'gateway',
  'default_route',
  'arp_scope',
  'address',
];

/** A name or a list of names, as a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : value;
}

export type HostWords = Readonly<Record<string, Keyword>>;

/** `hosts` or `addresses` in any of their forms; a number is a weight. */
export function hostWords(hosts: Json | undefined): ReadonlyMap<string, HostWords> {
  if (typeof hosts === 'string') return new Map(listOf(hosts).map(host => [host, {}]));
  if (Array.isArray(hosts)) return new Map((hosts as readonly Json[]).map(host => [str(host), {}]));
  if (!isJsonMap(hosts)) return new Map();
  return new Map(
    Object.entries(hosts).map(([host, own]) => [
      host,
      isJsonMap(own) ? (own as HostWords) : own === null ? {} : { weight: own as Keyword },
    ]),
  );
}

/** Keywords of real_server: the server's own over those that all have. */
export function mergedWords(words: RealServerWords, own: HostWords): HostWords {
  const merged: Record<string, Keyword> = { ...(words as HostWords), ...own };
  for (const key of OWN_WORDS) delete merged[key];
  return merged;
}

/** A port or weight; undefined where it is not given, or wrong and complained about. */
export function serverNumber(
  word: {
    readonly what: string;
    readonly host: string;
    readonly key: 'port' | 'weight';
    readonly given: unknown;
    readonly least: number;
    readonly position: Position;
  },
  report: Report,
): number | undefined {
  const { what, host, key, given, least, position } = word;
  if (given === undefined || given === null) return undefined;
  const value = toNumber(given);
  if (Number.isInteger(value) && value >= least && value <= 65535) return value;
  report.error(
    `real-server-${key}`,
    `${what}: ${key} of ${host} is ${JSON.stringify(given)}`,
    position,
    `a whole number from ${least} to 65535`,
  );
  return undefined;
}
