import { parseCidr } from '#base/address.ts';
import { LineCursor, ROUTE_TABLES } from './line-cursor.ts';
import type { StaticRule } from './model.ts';
import { parseIntegerOfAnyBase } from './number.ts';
import { interfaceName } from './parse-address.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

type Draft = { -readonly [Key in keyof StaticRule]: StaticRule[Key] };
type Option = (draft: Draft, cursor: LineCursor, report: Report) => void;

const table: Option = (draft, cursor) => {
  draft.table = cursor.numberOrName('table', ROUTE_TABLES);
  draft.action = 'table';
};
const preference: Option = (draft, cursor) => {
  draft.preference = cursor.integer('preference', 0, 0xffffffff);
};
const iif: Option = (draft, cursor, report) => {
  draft.iif = interfaceName(cursor, 'iif', report);
};
const tos: Option = (draft, cursor) => {
  draft.tos = cursor.integer('tos', 0, 255);
};
const action =
  (name: StaticRule['action']): Option =>
  draft => {
    draft.action = name;
  };

const OPTIONS: Readonly<Record<string, Option>> = {
  not: draft => {
    draft.not = true;
  },
  from: (draft, cursor) => {
    draft.from = cursor.prefix('from', draft.family) ?? INVALID;
  },
  to: (draft, cursor) => {
    draft.to = cursor.prefix('to', draft.family) ?? INVALID;
  },
  table,
  lookup: table,
  preference,
  priority: preference,
  order: preference,
  pref: preference,
  iif,
  dev: iif,
  oif: (draft, cursor, report) => {
    draft.oif = interfaceName(cursor, 'oif', report);
  },
  tos,
  dsfield: tos,
  fwmark: readFwmark,
  goto: (draft, cursor) => {
    draft.goto = cursor.integer('goto', 0, 0xffffffff);
    draft.action = 'goto';
  },
  suppress_prefixlength: (draft, cursor) => {
    draft.suppressPrefixlength = cursor.integer('suppress_prefixlength', 0, 128);
  },
  suppress_ifgroup: (draft, cursor) => {
    draft.suppressIfgroup = cursor.numberOrName('suppress_ifgroup');
  },
  uidrange: (draft, cursor) => {
    draft.uidRange = cursor.range('uidrange', 0xffffffff);
  },
  l3mdev: draft => {
    draft.l3mdev = true;
  },
  protocol: (draft, cursor) => {
    draft.protocol = cursor.numberOrName('protocol');
  },
  ip_proto: (draft, cursor) => {
    draft.ipProto = cursor.numberOrName('ip_proto');
  },
  ipproto: (draft, cursor) => {
    draft.ipProto = cursor.numberOrName('ipproto');
  },
  sport: (draft, cursor) => {
    draft.sport = cursor.range('sport', 65535);
  },
  dport: (draft, cursor) => {
    draft.dport = cursor.range('dport', 65535);
  },
  no_track: draft => {
    draft.noTrack = true;
  },
  track_group: (draft, cursor) => {
    draft.trackGroup = cursor.argument('track_group');
  },
  nop: action('nop'),
  blackhole: action('blackhole'),
  unreachable: action('unreachable'),
  prohibit: action('prohibit'),
  inet: () => undefined,
  inet6: () => undefined,
};

/** One line of virtual_rules or static_rules; undefined if it cannot be used. */
export function parseRuleLine(line: Statement, report: Report): StaticRule | undefined {
  const cursor = new LineCursor(line.words, report);
  const draft: Draft = { ...EMPTY, family: ruleFamily(line), position: line.position };
  while (cursor.peek() !== undefined) {
    const { position } = cursor;
    const option = cursor.next() ?? '';
    const read = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (read) read(draft, cursor, report);
    else {
      const hint = didYouMean(option, Object.keys(OPTIONS));
      report.error('option-unknown', position, `unknown word \`${option}\` in a rule is ignored`, hint);
    }
  }
  // Without the prefix that was meant, the rule would match far too much.
  if (draft.from === INVALID || draft.to === INVALID) return undefined;
  const width = draft.family === 4 ? 4 : 16;
  if ([draft.from, draft.to].some(prefix => prefix && prefix.address.length !== width)) {
    report.error('rule-family', line.position, 'this rule mixes IPv4 and IPv6; it is ignored');
    return undefined;
  }
  if (draft.action === 'table' && draft.table === undefined && !draft.l3mdev) {
    report.error('rule-incomplete', line.position, 'this rule names no table and no action; it is ignored');
    return undefined;
  }
  if (draft.preference === undefined) {
    const message = 'this rule has no preference, so its place among the others is not defined';
    report.error('rule-preference', line.position, message, 'add `preference N`');
  }
  return draft;
}

const INVALID = { address: new Uint8Array(4), prefix: 0 };

const EMPTY: Omit<StaticRule, 'family' | 'position'> = {
  action: 'table',
  table: undefined,
  goto: undefined,
  not: false,
  from: undefined,
  to: undefined,
  iif: undefined,
  oif: undefined,
  tos: undefined,
  fwmark: undefined,
  preference: undefined,
  suppressPrefixlength: undefined,
  suppressIfgroup: undefined,
  uidRange: undefined,
  l3mdev: false,
  protocol: undefined,
  ipProto: undefined,
  sport: undefined,
  dport: undefined,
  noTrack: false,
  trackGroup: undefined,
};

function ruleFamily(line: Statement): 4 | 6 {
  return line.words.some(word => word.text === 'inet6' || parseCidr(word.text)?.address.length === 16)
    ? 6
    : 4;
}

function readFwmark(draft: Draft, cursor: LineCursor, report: Report): void {
  const { position } = cursor;
  const [markText = '', maskText] = (cursor.argument('fwmark') ?? '').split('/');
  const mark = parseIntegerOfAnyBase(markText);
  const mask = maskText === undefined ? undefined : parseIntegerOfAnyBase(maskText);
  const bad = (value: number | undefined): boolean => value === undefined || value < 0 || value > 0xffffffff;
  if (mark === undefined || bad(mark) || (maskText !== undefined && bad(mask))) {
    report.error('option-invalid', position, 'expected `fwmark MARK[/MASK]`');
    return;
  }
  draft.fwmark = { mark, mask };
}
