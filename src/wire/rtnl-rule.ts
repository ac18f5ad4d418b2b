import type { Cidr, Family } from '#base/address.ts';
import { layout, padding, u32host, u8, viewOf } from './layout.ts';
import { bytesOf, type NetlinkWriter, numberOf, parseAttributes, textOf } from './netlink.ts';
import { afOf, familyOfAf, zeroAddress } from './rtnetlink.ts';

/** Policy routing rules in rtnetlink: `struct fib_rule_hdr` (Linux `include/uapi/linux/fib_rules.h`). */

const fibRuleHeader = layout({
  family: u8,
  toPrefix: u8,
  fromPrefix: u8,
  tos: u8,
  table: u8,
  reserved: padding(2),
  action: u8,
  flags: u32host,
});

const FRA = {
  to: 1,
  from: 2,
  iifName: 3,
  goto: 4,
  priority: 6,
  mark: 10,
  suppressPrefixLength: 14,
  table: 15,
  markMask: 16,
  oifName: 17,
  protocol: 21,
} as const;
const FIB_RULE_INVERT = 2;
const UNSET = 0xffffffff;

/** What a policy rule does with a packet that it matches. */
const RULE_ACTION = {
  lookup: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;
type RuleAction = keyof typeof RULE_ACTION;

/** A policy routing rule; as asked for, and as found. */
export interface Rule {
  readonly family: Family;
  readonly priority: number;
  readonly action: RuleAction;
  /** For `lookup`; 0 otherwise. */
  readonly table: number;
  /** Who made it: `OUR_PROTOCOL`, 2 kernel, 0 unknown. */
  readonly protocol: number;
  readonly invert?: boolean;
  readonly from?: Cidr;
  readonly to?: Cidr;
  readonly iifName?: string;
  readonly oifName?: string;
  readonly mark?: number;
  /** All ones unless given. */
  readonly markMask?: number;
  /** For `goto`. */
  readonly gotoPriority?: number;
  /** Routes with at most this prefix length do not count (`suppress_prefixlength`). */
  readonly suppressPrefixLength?: number;
}

/** The fixed part of a dump request. */
export function ruleDumpRequest(family: Family): Uint8Array {
  return fibRuleHeader.encode({
    family: afOf(family),
    toPrefix: 0,
    fromPrefix: 0,
    tos: 0,
    table: 0,
    action: 0,
    flags: 0,
  });
}

/** Writes the body of RTM_NEWRULE or RTM_DELRULE. */
export function writeRule(writer: NetlinkWriter, rule: Rule): void {
  writer.struct(
    fibRuleHeader.encode({
      family: afOf(rule.family),
      toPrefix: rule.to?.prefix ?? 0,
      fromPrefix: rule.from?.prefix ?? 0,
      tos: 0,
      table: rule.table > 255 ? 0 : rule.table,
      action: RULE_ACTION[rule.action],
      flags: rule.invert ? FIB_RULE_INVERT : 0,
    }),
  );
  writer
    .u32(FRA.priority, rule.priority)
    .attribute(FRA.from, rule.from && rule.from.prefix > 0 ? rule.from.address : undefined)
    .attribute(FRA.to, rule.to && rule.to.prefix > 0 ? rule.to.address : undefined)
    .text(FRA.iifName, rule.iifName)
    .text(FRA.oifName, rule.oifName)
    .u32(FRA.mark, rule.mark)
    .u32(FRA.markMask, rule.markMask)
    .u32(FRA.goto, rule.gotoPriority)
    .u32(FRA.suppressPrefixLength, rule.suppressPrefixLength)
    .u32(FRA.table, rule.table || undefined)
    .u8(FRA.protocol, rule.protocol);
}

/** Reads the body of RTM_NEWRULE or RTM_DELRULE; undefined for other families. */
export function parseRule(body: Uint8Array): Rule | undefined {
  const head = fibRuleHeader.decode(viewOf(body));
  const family = head && familyOfAf(head.family);
  const action = (Object.keys(RULE_ACTION) as RuleAction[]).find(name => RULE_ACTION[name] === head?.action);
  if (!family || !action) return undefined;
  const attributes = parseAttributes(body, fibRuleHeader.length);
  const number = (type: number) => numberOf(attributes.get(type));
  const cidr = (type: number, prefix: number): Cidr | undefined => {
    const address = bytesOf(attributes.get(type));
    return address || prefix > 0 ? { address: address ?? zeroAddress(family), prefix } : undefined;
  };
  const suppress = number(FRA.suppressPrefixLength);
  const found: { [K in keyof Rule]: Rule[K] | undefined } = {
    family,
    priority: number(FRA.priority) ?? 0,
    action,
    table: number(FRA.table) ?? head.table,
    protocol: number(FRA.protocol) ?? 0,
    invert: (head.flags & FIB_RULE_INVERT) !== 0 || undefined,
    from: cidr(FRA.from, head.fromPrefix),
    to: cidr(FRA.to, head.toPrefix),
    iifName: textOf(attributes.get(FRA.iifName)) || undefined,
    oifName: textOf(attributes.get(FRA.oifName)) || undefined,
    mark: number(FRA.mark),
    markMask: number(FRA.markMask),
    gotoPriority: number(FRA.goto),
    suppressPrefixLength: suppress === UNSET ? undefined : suppress,
  };
  return Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined),
  ) as unknown as Rule;
}
