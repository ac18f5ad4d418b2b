/** `virtual_server` blocks of one host, in the words of an inventory. */
import { familyOf, formatIp, type Family } from '#base/address.ts';
import { isSamePosition } from '#base/position.ts';
import { keywordsOfChecker } from '#conf/checker-keywords.ts';
import type { Config, RealServer, VirtualServer, VirtualServerGroup, VirtualServerKey } from '#conf/model.ts';
import { parseInteger } from '#conf/number.ts';
import type { Statement } from '#conf/parser.ts';
import type { Report } from '#conf/report.ts';
import { readBlock } from '#conf/values.ts';
import { lineText, literal, wordsOf } from './import-words.ts';
import type { Words } from './import-types.ts';

/** One `real_server`. */
export interface ImportedReal {
  readonly address: string;
  readonly family: Family;
  /** As written, which DR and TUN only check at; 0: that of the packets. */
  readonly port: number;
  readonly weight: number;
  /** Keywords but the weight, without the checks. */
  readonly words: Words;
  /** HTTP_GET and the others. */
  readonly checks: Words;
}

/** One `virtual_server` with the group that it is about. */
export interface ImportedServer {
  readonly statement: Statement;
  /** What the kernel knows it by; equal on all directors. */
  readonly key: string;
  readonly model: VirtualServer;
  readonly group: ImportedServerGroup | undefined;
  /** Keywords but protocol and weight, without real servers. */
  readonly words: Words;
  readonly reals: readonly ImportedReal[];
}

/** `virtual_server_group`. */
interface ImportedServerGroup {
  readonly statement: Statement;
  readonly model: VirtualServerGroup;
  readonly lines: readonly string[];
}

/** Undefined if the model left the block or some of its real servers out. */
export function readServer(
  statement: Statement,
  groups: readonly Statement[],
  config: Config,
  report: Report,
): ImportedServer | undefined {
  const model = config.virtualServers.find(one => isSamePosition(one.position, statement.position));
  if (!model) return undefined;
  const settings = readBlock('virtual_server', statement.block ?? [], report);
  const blocks = settings.filter(({ keyword }) => keyword.name === 'real_server');
  const reals = blocks.flatMap(({ statement: block }) => {
    const real = model.realServers.find(one => isSamePosition(one.position, block.position));
    return real ? [readReal(block, real, model.key, report)] : [];
  });
  const group = groupOf(model, groups, config);
  if (reals.length < blocks.length || (model.key.kind === 'group' && !group)) return undefined;
  const others = settings.filter(
    ({ keyword }) => !['real_server', 'protocol', 'weight'].includes(keyword.name),
  );
  // Persistence of 0 seconds is refused, and there is none.
  const kept = Object.entries(wordsOf(others, report)).filter(
    ([name]) => name !== 'persistence_timeout' || model.persistenceTimeoutS !== undefined,
  );
  const words: Words = Object.fromEntries(kept);
  const method = 'lb_kind' in words || 'lvs_method' in words ? {} : { lb_kind: model.forwarding.kind };
  return { statement, key: keyOf(model, group), model, group, words: { ...words, ...method }, reals };
}

function keyOf({ key, protocol, family }: VirtualServer, group: ImportedServerGroup | undefined): string {
  if (key.kind === 'address') return `${formatIp(key.address)} ${key.port} ${protocol}`;
  if (key.kind === 'fwmark') return `fwmark ${key.fwmark} ${family}`;
  return `group ${key.group} ${protocol} ${group?.lines.join(', ') ?? ''}`;
}

function groupOf(
  { key }: VirtualServer,
  statements: readonly Statement[],
  config: Config,
): ImportedServerGroup | undefined {
  if (key.kind !== 'group') return undefined;
  const model = config.virtualServerGroups.find(one => one.name === key.group);
  const statement = model && statements.find(({ position }) => isSamePosition(position, model.position));
  const block = statement?.block ?? [];
  if (!model || !statement || block.length !== model.entries.length) return undefined;
  return { statement, model, lines: block.map(line => literal(lineText(line))) };
}

function readReal(
  statement: Statement,
  model: RealServer,
  key: VirtualServerKey,
  report: Report,
): ImportedReal {
  const { weight: _weight, ...all } = wordsOf(
    readBlock('real_server', statement.block ?? [], report),
    report,
  );
  const isCheck = (name: string): boolean => keywordsOfChecker(name).size > 0;
  const entries = Object.entries(all);
  return {
    address: formatIp(model.address),
    family: familyOf(model.address),
    port: (parseInteger(statement.words[2]?.text ?? '0') ?? 0) || (key.kind === 'address' ? key.port : 0),
    weight: model.weight,
    words: Object.fromEntries(entries.filter(([name]) => !isCheck(name))),
    checks: Object.fromEntries(entries.filter(([name]) => isCheck(name))),
  };
}
