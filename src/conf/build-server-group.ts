import { compareIp, familyOf, parseCidr, parseIp, type Family } from '#base/address.ts';
import type { Word } from './lexer.ts';
import type { VirtualServerGroup, VirtualServerGroupEntry } from './model.ts';
import { parseInteger } from './number.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { readPort } from './server-words.ts';

/** `virtual_server_group`; undefined if it has no usable line. */
export function buildServerGroup(statement: Statement, report: Report): VirtualServerGroup | undefined {
  const name = statement.words[1]?.text ?? '';
  const entries = (statement.block ?? []).flatMap(line => readEntry(line, report) ?? []);
  const { position } = statement;
  if (entries.length === 0) {
    report.error('group-empty', position, `virtual_server_group ${name} has no entries; it is left out`);
    return undefined;
  }
  const families = familiesOf(entries);
  if (
    families.size === 2 &&
    entries.some(({ kind, ...entry }) => kind === 'fwmark' && !('family' in entry && entry.family))
  ) {
    const message = `virtual_server_group ${name} has both families, and a fwmark without; it is left out`;
    report.error('group-families', position, message, 'write `fwmark N inet` or `fwmark N inet6`');
    return undefined;
  }
  return { name, entries, position };
}

/** The families that its entries name. */
export function familiesOf(entries: readonly VirtualServerGroupEntry[]): Set<Family> {
  return new Set(
    entries.flatMap(entry => (entry.kind === 'range' ? familyOf(entry.first) : (entry.family ?? []))),
  );
}

function readEntry(line: Statement, report: Report): VirtualServerGroupEntry | undefined {
  const [what, second, third, ...extra] = line.words;
  if (!what) return undefined;
  const surplus = what.text === 'fwmark' ? extra[0] : third;
  if (surplus) report.warning('argument-extra', surplus.position, 'what follows from here is ignored');
  return what.text === 'fwmark'
    ? readFwmark(what, second, third, report)
    : readRangeAndPort(what, second, report);
}

function readFwmark(
  keyword: Word,
  mark: Word | undefined,
  family: Word | undefined,
  report: Report,
): VirtualServerGroupEntry | undefined {
  const fwmark = mark && parseInteger(mark.text);
  if (fwmark === undefined || fwmark < 0 || fwmark > 0xffffffff) {
    const message = `\`fwmark ${mark?.text ?? ''}\` needs a number in 0–4294967295; it is ignored`;
    report.error('fwmark-invalid', (mark ?? keyword).position, message);
    return undefined;
  }
  if (!family) return { kind: 'fwmark', fwmark, family: undefined };
  if (family.text === 'inet') return { kind: 'fwmark', fwmark, family: 4 };
  if (family.text === 'inet6') return { kind: 'fwmark', fwmark, family: 6 };
  report.error(
    'family-invalid',
    family.position,
    `\`${family.text}\` is not inet or inet6; the line is ignored`,
  );
  return undefined;
}

function readRangeAndPort(
  what: Word,
  portWord: Word | undefined,
  report: Report,
): VirtualServerGroupEntry | undefined {
  const refuse = (why: string): undefined => {
    const hint = 'write ADDRESS, FIRST-LAST or ADDRESS/PREFIX, then a port';
    report.error('address-invalid', what.position, `\`${what.text}\` ${why}; the line is ignored`, hint);
  };
  const range = readRange(what.text);
  if (typeof range === 'string') return refuse(range);
  const port = readPort(portWord);
  if (port !== undefined) return { kind: 'range', ...range, port };
  report.error(
    'port-invalid',
    portWord?.position,
    `\`${portWord?.text}\` is not a port; the line is ignored`,
  );
  return undefined;
}

interface Range {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** A range, or what is wrong with it. */
function readRange(text: string): Range | string {
  if (text.includes('/')) return readNetwork(text);
  const [firstText = '', lastText, ...rest] = text.split('-');
  const first = parseIp(firstText);
  if (!first || rest.length > 0) return 'is not an address or a range of addresses';
  if (lastText === undefined) return { first, last: first };
  const last = /[.:]/.test(lastText) ? parseIp(lastText) : withLastGroup(first, lastText);
  if (!last || last.length !== first.length) return 'has no usable end';
  return compareIp(first, last) > 0 || (!/[.:]/.test(lastText) && compareIp(first, last) === 0)
    ? 'ends before it begins'
    : { first, last };
}

function readNetwork(text: string): Range | string {
  const cidr = parseCidr(text);
  if (!cidr || cidr.prefix === 0) return 'is not a network';
  const host = cidr.address.map((byte, index) => byte & hostBits(index, cidr.prefix));
  if (host.some(byte => byte !== 0)) return 'has bits behind its prefix';
  return {
    first: cidr.address,
    last: cidr.address.map((byte, index) => byte | hostBits(index, cidr.prefix)),
  };
}

/** Which bits of byte `index` lie behind the prefix. */
function hostBits(index: number, prefix: number): number {
  return 0xff >> Math.min(8, Math.max(0, prefix - index * 8));
}

/** The address with its last group (decimal byte, or hexadecimal 16 bits) replaced. */
function withLastGroup(address: Uint8Array, text: string): Uint8Array | undefined {
  const isV4 = address.length === 4;
  if (!(isV4 ? /^\d{1,3}$/ : /^[0-9a-fA-F]{1,4}$/).test(text)) return undefined;
  const value = Number.parseInt(text, isV4 ? 10 : 16);
  if (isV4) return value > 255 ? undefined : Uint8Array.of(...address.slice(0, 3), value);
  return Uint8Array.of(...address.slice(0, 14), value >> 8, value & 0xff);
}
