import { formatIp } from '#base/address.ts';
import { EntryList, type Entries } from './entries-instance.ts';
import { checkerEntries } from './entries-checker.ts';
import type {
  ForwardingMethod,
  RealServer,
  ServerAddress,
  SslSettings,
  VirtualServer,
  VirtualServerGroup,
  VirtualServerGroupEntry,
} from './model.ts';
import { formatSeconds } from './number.ts';
import { printBlock, printBoolean, printScript, printWord } from './print-words.ts';

/** Lines of a `virtual_server_group`. */
export function groupLines(group: VirtualServerGroup): string[] {
  return group.entries.map(groupLine);
}

function groupLine(entry: VirtualServerGroupEntry): string {
  if (entry.kind === 'fwmark') {
    const family = entry.family === undefined ? '' : entry.family === 4 ? ' inet' : ' inet6';
    return `fwmark ${entry.fwmark}${family}`;
  }
  const [first, last] = [formatIp(entry.first), formatIp(entry.last)];
  return `${first === last ? first : `${first}-${last}`} ${entry.port}`;
}

/** What stands between `virtual_server` and its brace. */
export function keyText({ key }: VirtualServer): string {
  if (key.kind === 'fwmark') return `fwmark ${key.fwmark}`;
  return key.kind === 'group' ? `group ${printWord(key.group)}` : addressText(key);
}

function addressText({ address, port }: ServerAddress): string {
  return `${formatIp(address)} ${port}`;
}

function methodText(method: ForwardingMethod): string {
  if (method.kind !== 'TUN') return method.kind;
  const port = method.port === undefined ? '' : ` port ${method.port}`;
  return `TUN type ${method.type}${port} ${method.checksum}`;
}

/**
 * What a `virtual_server` block says, its real servers apart. `mixed`: it is of a group with both families, and has
 * none itself.
 */
export function serverEntries(server: VirtualServer, mixed: boolean): Entries {
  const list = new EntryList();
  const { key, sorryServer, persistenceGranularity: granularity } = server;
  if (key.kind !== 'address' && !mixed) list.add('ip_family', server.family === 4 ? 'inet' : 'inet6');
  list.add('protocol', server.protocol);
  list.add('lvs_sched', server.scheduler);
  for (const flag of server.schedulerFlags) list.flag(flag, true);
  list.add('lvs_method', methodText(server.forwarding));
  list.flag('ops', server.ops);
  list.add('persistence_timeout', server.persistenceTimeoutS);
  list.add(
    'persistence_granularity',
    granularity instanceof Uint8Array ? formatIp(granularity) : granularity,
  );
  list.add(
    'persistence_engine',
    server.persistenceEngine === undefined ? undefined : printWord(server.persistenceEngine),
  );
  list.flag('ha_suspend', server.haSuspend);
  list.add('smtp_alert', printBoolean(server.smtpAlert));
  list.flag('omega', server.omega);
  list.add('quorum', server.quorum, server.quorum === 1);
  list.add('hysteresis', server.hysteresis, server.hysteresis === 0);
  list.add('quorum_up', server.quorumUp && printScript(server.quorumUp));
  list.add('quorum_down', server.quorumDown && printScript(server.quorumDown));
  if (sorryServer) {
    list.add('sorry_server', addressText(sorryServer));
    list.add('sorry_server_lvs_method', methodText(sorryServer.forwarding));
    list.flag('sorry_server_inhibit', sorryServer.inhibit);
  }
  list.add(
    'drain_timeout',
    server.drainTimeoutMs === undefined ? undefined : formatSeconds(server.drainTimeoutMs),
  );
  return list.entries;
}

/** `real_server` with its block. */
export function realServerText(real: RealServer): string {
  const list = new EntryList();
  list.add('weight', real.weight);
  list.add('lvs_method', methodText(real.forwarding));
  list.add('inhibit_on_failure', printBoolean(real.inhibitOnFailure), !real.inhibitOnFailure);
  list.add('uthreshold', real.uthreshold, real.uthreshold === 0);
  list.add('lthreshold', real.lthreshold, real.lthreshold === 0);
  list.add('notify_up', real.notifyUp && printScript(real.notifyUp));
  list.add('notify_down', real.notifyDown && printScript(real.notifyDown));
  list.add('smtp_alert', printBoolean(real.smtpAlert));
  const checkers = real.checkers.map(
    checker => `${checker.kind} ${printBlock(checkerEntries(checker, real))}`,
  );
  return `real_server ${addressText(real)} ${printBlock([...entryLines(list.entries), ...checkers])}`;
}

function entryLines(entries: Entries): string[] {
  return [...entries].flatMap(([keyword, { text, isDefault }]) =>
    isDefault ? [] : `${keyword} ${text}`.trimEnd(),
  );
}

/** What the `SSL` block says. Its text holds the password. */
export function sslEntries(ssl: SslSettings): Entries {
  const list = new EntryList();
  const word = (keyword: string, text: string | undefined): void =>
    list.add(keyword, text === undefined ? undefined : printWord(text));
  word('password', ssl.password && new TextDecoder().decode(ssl.password.reveal()));
  word('ca', ssl.ca);
  word('certificate', ssl.certificate);
  word('key', ssl.key);
  return list.entries;
}
