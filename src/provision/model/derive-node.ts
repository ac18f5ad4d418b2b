/** One node of one instance: words of the inventory → numbers, addresses and lines, checked one by one. */
import { familyOf, formatIp, parseCidr, type Cidr, type Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { str } from './template-python.ts';
import { ValueError } from './template-values.ts';
import { doubtsAbout, keywordLines, line, word } from './topology-keywords.ts';
import type { NodeDraft } from './topology-read.ts';
import type { ErrorId, Report } from './topology-rules.ts';
import type { Keyword } from './topology-schema-words.ts';
import type { NodeWords } from './topology-schema.ts';
import type { VirtualAddress } from './topology-types.ts';

/** A virtual address with its number form. */
interface Vip extends VirtualAddress {
  readonly cidr: Cidr;
  /** The inventory gave a prefix. */
  readonly prefixed: boolean;
  /** `dev`: the interface that it goes on, if not the instance's. */
  readonly device: string | undefined;
  readonly position: Position;
}

export interface NodeModel {
  readonly host: string;
  readonly interface: string;
  readonly virtualRouterId: number;
  /** undefined: to be derived. */
  readonly explicitPriority: number | undefined;
  readonly state: 'MASTER' | 'BACKUP' | undefined;
  readonly version: 2 | 3;
  readonly advertIntSeconds: number | undefined;
  readonly family: Family;
  readonly authentication: { readonly auth_type: 'PASS' | 'AH'; readonly auth_pass: string } | undefined;
  readonly unicast: boolean | Readonly<Record<string, string>> | undefined;
  readonly unicastSource: string | undefined;
  /** Lines of `unicast_peer`: an address, and perhaps min_ttl and max_ttl. */
  readonly unicastPeers: readonly string[] | undefined;
  readonly vips: readonly Vip[];
  readonly excluded: readonly Vip[];
  readonly nopreempt: boolean;
  readonly preemptDelaySeconds: number | undefined;
  readonly strict: boolean;
  /** The rest, as written. */
  readonly other: Readonly<Record<string, Keyword>>;
  /** The rest as lines. */
  readonly keywords: readonly string[];
  readonly accept: readonly string[];
  readonly place: (word: string) => Position;
}

/** Values of `global_defs` that instances inherit. */
export interface GlobalWords {
  readonly version: 2 | 3 | undefined;
  readonly strict: boolean;
}

const HANDLED = [
  'interface',
  'virtual_router_id',
  'priority',
  'state',
  'advert_int',
  'version',
  'authentication',
  'unicast',
  'unicast_src_ip',
  'unicast_peer',
  'preempt',
  'nopreempt',
  'preempt_delay',
  'virtual_ipaddress',
  'virtual_ipaddress_excluded',
  'accept',
] as const;

/** A number that YAML or a template gave as a number or a text; NaN if it is none. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) : Number.NaN;
}

/** A flag that YAML or a template gave as a boolean or a text. */
export function toFlag(value: unknown): boolean {
  return (
    value === true || (typeof value === 'string' && ['true', 'yes', 'on', '1'].includes(value.toLowerCase()))
  );
}

/** Reads a node's words. Complaints go to the report; undefined if something essential is missing. */
export function readNode(
  name: string,
  draft: NodeDraft,
  global: GlobalWords,
  report: Report,
): NodeModel | undefined {
  const { words, place, host } = draft;
  const limits = new Limits(words, report, place, `${name} on ${host}`);
  const vips = addresses(words.virtual_ipaddress, 'virtual_ipaddress', name, draft, report);
  const excluded = addresses(
    words.virtual_ipaddress_excluded,
    'virtual_ipaddress_excluded',
    name,
    draft,
    report,
  );
  const virtualRouterId = limits.whole('virtual_router_id', 'vrid-range', 1, 255);
  if (words.interface === undefined) {
    report.error(
      'interface-missing',
      `${name} has no interface on ${host}`,
      place('interface'),
      'name the NIC that VRRP runs on: interface: eth0',
    );
  }
  if (words.virtual_router_id === undefined) {
    report.error(
      'vrid-range',
      `${name} has no virtual_router_id`,
      place('virtual_router_id'),
      'a number from 1 to 255 that nothing else on this network uses',
    );
  }
  const family = vips[0] ? familyOf(vips[0].cidr.address) : 4;
  const version = versionOf(words, global, family, limits);
  const keywords = lines(name, draft, report);
  if (words.interface === undefined || virtualRouterId === undefined || version === undefined)
    return undefined;
  return {
    host,
    interface: words.interface,
    virtualRouterId,
    explicitPriority: limits.whole('priority', 'priority-range', 1, 255),
    state: words.state,
    version,
    advertIntSeconds: advertInt(words, version, limits),
    family,
    authentication: words.authentication && {
      ...words.authentication,
      auth_pass: String(words.authentication.auth_pass),
    },
    unicast: words.unicast,
    unicastSource: ownAddress(words.unicast_src_ip, name, draft, report),
    unicastPeers: words.unicast_peer?.map(peer => peer.replaceAll(/\s+/g, ' ').trim()),
    vips,
    excluded,
    nopreempt: toFlag(words.nopreempt) || (words.preempt !== undefined && !toFlag(words.preempt)),
    preemptDelaySeconds: limits.real('preempt_delay', 'preempt-delay-range', 0, 1000),
    strict: words['strict_mode'] === undefined ? global.strict : toFlag(words['strict_mode']),
    other: Object.fromEntries(
      Object.entries(words).filter(([key]) => !HANDLED.some(known => known === key)),
    ) as Readonly<Record<string, Keyword>>,
    keywords,
    accept: Array.isArray(words.accept) ? words.accept : [],
    place,
  };
}

/** Numbers within bounds; each complaint names the bounds. */
class Limits {
  readonly #words: NodeWords;
  readonly #report: Report;
  readonly #place: (word: string) => Position;
  readonly #name: string;

  constructor(words: NodeWords, report: Report, place: (word: string) => Position, name: string) {
    this.#words = words;
    this.#report = report;
    this.#place = place;
    this.#name = name;
  }

  whole(key: string, id: ErrorId, least: number, most: number): number | undefined {
    return this.#number(key, id, least, most, true);
  }

  real(key: string, id: ErrorId, least: number, most: number, unit = ' seconds'): number | undefined {
    return this.#number(key, id, least, most, false, unit);
  }

  #number(
    key: string,
    id: ErrorId,
    least: number,
    most: number,
    whole: boolean,
    unit = '',
  ): number | undefined {
    const given = this.#words[key];
    if (given === undefined || given === null) return undefined;
    const value = toNumber(given);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const kind = whole ? 'a whole number' : 'a number';
    this.#report.error(
      id,
      `${this.#name}: ${key} is ${JSON.stringify(given)}`,
      this.#place(key),
      `${kind} from ${least} to ${most}${unit}`,
    );
    return undefined;
  }
}

function versionOf(words: NodeWords, global: GlobalWords, family: Family, limits: Limits): 2 | 3 | undefined {
  const given = limits.whole('version', 'version-unknown', 2, 3);
  if (words.version !== undefined) return given === undefined ? undefined : given === 2 ? 2 : 3;
  return global.version ?? (family === 6 ? 3 : 2);
}

function advertInt(words: NodeWords, version: 2 | 3, limits: Limits): number | undefined {
  if (words.advert_int === undefined) return undefined;
  return version === 2
    ? limits.whole('advert_int', 'advert-int-range', 1, 255)
    : limits.real('advert_int', 'advert-int-range', 0.01, 40.95);
}

function ownAddress(
  text: string | undefined,
  name: string,
  draft: NodeDraft,
  report: Report,
): string | undefined {
  if (text === undefined) return undefined;
  const cidr = parseCidr(text);
  if (cidr) return formatIp(cidr.address);
  report.error(
    'address-invalid',
    `${name} on ${draft.host}: unicast_src_ip '${text}' is not an address`,
    draft.place('unicast_src_ip'),
  );
  return undefined;
}

type AddressList = NonNullable<NodeWords['virtual_ipaddress']>;

function addresses(
  list: AddressList | undefined,
  key: string,
  name: string,
  draft: NodeDraft,
  report: Report,
): Vip[] {
  return (list ?? []).flatMap(entry => {
    const position = draft.place(key);
    try {
      const [address, rest] = addressLine(entry);
      const cidr = parseCidr(address);
      if (!cidr) {
        report.error(
          'address-invalid',
          `${name}: '${address}' is not an address`,
          position,
          'an address, or address/prefix, and then keywords such as dev eth0',
        );
        return [];
      }
      const device = /(?:^|\s)dev\s+(\S+)/.exec(rest)?.[1];
      return [
        {
          address,
          line: `${address}${rest === '' ? '' : ` ${rest}`}`,
          cidr,
          prefixed: address.includes('/'),
          device,
          position,
        },
      ];
    } catch (thrown) {
      if (!(thrown instanceof ValueError)) throw thrown;
      report.error('keyword-value', `${name}: ${key}: ${thrown.message}`, position, thrown.hint);
      return [];
    }
  });
}

/** `172.16.8.100/24 dev eth0` or `{ address: 172.16.8.100/24, dev: eth0 }` as address and keywords. */
function addressLine(entry: AddressList[number]): [address: string, rest: string] {
  if (typeof entry === 'string') {
    const [address = '', ...rest] = line(entry).trim().split(/\s+/);
    return [address, rest.join(' ')];
  }
  const { address, ...words } = entry;
  const rest = Object.entries(words).flatMap(([key, value]) => {
    if (value === false) return [];
    return value === true || value === null ? [key] : [`${key} ${word(str(value))}`];
  });
  return [address, rest.join(' ')];
}

/** The keywords that are passed on, and those that stand for `preempt` and `accept`. */
function lines(name: string, draft: NodeDraft, report: Report): string[] {
  const { words, place } = draft;
  const out: string[] = [];
  if (typeof words.accept === 'boolean') out.push(words.accept ? 'accept' : 'no_accept');
  const passed = Object.fromEntries(
    Object.entries(words).filter(([key]) => !HANDLED.some(known => known === key)),
  );
  const accepted = Array.isArray(words.accept) ? words.accept : [];
  for (const { keyword, reason, hint } of doubtsAbout(passed, 'vrrp_instance')) {
    report.warn('keyword-unknown', `${name}: ${reason}`, place(keyword), hint, accepted);
  }
  for (const [key, value] of Object.entries(passed)) {
    try {
      out.push(...keywordLines({ [key]: value as Keyword }, 'vrrp_instance'));
    } catch (thrown) {
      if (!(thrown instanceof ValueError)) throw thrown;
      report.error('keyword-value', `${name}: ${thrown.message}`, place(key), thrown.hint);
    }
  }
  return out;
}
