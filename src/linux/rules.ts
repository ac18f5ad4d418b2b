import { type Family, formatCidr } from '#base/address.ts';
import { NLM_F } from '#wire/netlink.ts';
import { parseRule, type Rule, ruleDumpRequest, writeRule } from '#wire/rtnl-rule.ts';
import { RTM } from '#wire/rtnetlink.ts';
import type { NetlinkConnection, NetlinkRequest } from './netlink.ts';
import type { Result } from './ports.ts';

function describe(verb: string, rule: Rule): string {
  const from = rule.from ? ` from ${formatCidr(rule.from)}` : '';
  const to = rule.to ? ` to ${formatCidr(rule.to)}` : '';
  return `rule ${verb} priority ${rule.priority}${from}${to} ${rule.action} table ${rule.table}`;
}

/** RTM_NEWRULE; `EEXIST` if there is an equal one. */
export function ruleAddition(rule: Rule): NetlinkRequest {
  return {
    type: RTM.newRule,
    flags: NLM_F.create | NLM_F.exclusive,
    describe: () => describe('add', rule),
    write: writer => writeRule(writer, rule),
  };
}

/** RTM_DELRULE; `ENOENT` if there is none. */
export function ruleRemoval(rule: Rule): NetlinkRequest {
  return {
    type: RTM.delRule,
    flags: 0,
    describe: () => describe('del', rule),
    write: writer => writeRule(writer, rule),
  };
}

/** All policy rules of a family. */
export function dumpRules(connection: NetlinkConnection, family: Family): Result<Rule[]> {
  return connection.dump(RTM.getRule, ruleDumpRequest(family), message =>
    message.type === RTM.newRule ? parseRule(message.body) : undefined,
  );
}
