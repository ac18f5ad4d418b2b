import { familyOf, formatIp, type Family } from '#base/address.ts';
import { buildRealServer, type RealServerDefaults, type ServerContext } from './build-real-server.ts';
import { NO_TIMING, readTiming } from './build-timing.ts';
import { readPersistence, schedulerFlags } from './build-service.ts';
import { checkServers, type Draft } from './check-servers.ts';
import type {
  ForwardingMethod,
  RealServer,
  SorryServer,
  VirtualServer,
  VirtualServerGroup,
  VirtualServerKey,
} from './model.ts';
import { parseInteger } from './number.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { readForwarding, readServerAddress } from './server-words.ts';
import { didYouMean } from './suggest.ts';
import { readBlock, Settings } from './values.ts';

const NAT: ForwardingMethod = { kind: 'NAT' };

/** `virtual_server`, a real server in each step; undefined if nothing can be made of it. */
export function* buildVirtualServer(
  statement: Statement,
  groups: ReadonlyMap<string, VirtualServerGroup>,
  context: ServerContext,
): Generator<undefined, VirtualServer | undefined> {
  const { report, globalDefs } = context;
  const key = readKey(statement, groups, report);
  if (!key) return undefined;
  const settings = new Settings(
    statement.position,
    readBlock('virtual_server', statement.block ?? [], report),
  );
  const forwarding = readMethod(settings, report);
  const defaults = {
    timing: readTiming(settings, NO_TIMING),
    weight: settings.number('weight') ?? 1,
    forwarding: forwarding ?? NAT,
    inhibitOnFailure: settings.flag('inhibit_on_failure'),
    virtualhost: settings.text('virtualhost'),
    port: key.kind === 'address' ? key.port : undefined,
  };
  const protocol = settings.text('protocol')?.toUpperCase();
  const draft: Draft = {
    key,
    family: readFamily(key, settings, report),
    position: statement.position,
    protocol: protocol === 'TCP' || protocol === 'SCTP' ? protocol : 'UDP',
    scheduler: settings.text(settings.lastOf('lvs_sched', 'lb_algo') ?? '') ?? 'wlc',
    forwarding: defaults.forwarding,
    ops: settings.flag('ops'),
    haSuspend: settings.flag('ha_suspend'),
    smtpAlert: settings.boolean('smtp_alert') ?? globalDefs.smtpAlertChecker ?? globalDefs.smtpAlert ?? false,
    omega: settings.flag('omega'),
    quorum: settings.number('quorum') ?? 1,
    hysteresis: settings.number('hysteresis') ?? 0,
    quorumUp: settings.script('quorum_up'),
    quorumDown: settings.script('quorum_down'),
    sorryServer: readSorryServer(settings, defaults.forwarding, report),
    drainTimeoutMs: settings.number('drain_timeout'),
    schedulerFlags: schedulerFlags(settings, report),
    ...readPersistence(settings, key.kind === 'address' ? familyOf(key.address) : undefined, report),
    realServers: yield* buildRealServers(settings, defaults, context),
  };
  const group = key.kind === 'group' ? groups.get(key.group) : undefined;
  return checkServers(draft, { settings, group, hasMethod: forwarding !== undefined }, report);
}

function* buildRealServers(
  settings: Settings,
  defaults: RealServerDefaults,
  context: ServerContext,
): Generator<undefined, RealServer[]> {
  const built: RealServer[] = [];
  for (const { statement } of settings.all('real_server')) {
    const real = buildRealServer(statement, defaults, context);
    if (real) built.push(real);
    yield;
  }
  return built;
}

function readKey(
  statement: Statement,
  groups: ReadonlyMap<string, VirtualServerGroup>,
  report: Report,
): VirtualServerKey | undefined {
  const [, first, second] = statement.words;
  if (first?.text === 'group') {
    const group = second?.text ?? '';
    if (groups.has(group)) return { kind: 'group', group };
    const message = `virtual_server_group ${group} is not defined; this virtual server is left out`;
    report.warning('group-unknown', (second ?? first).position, message, didYouMean(group, groups.keys()));
    return undefined;
  }
  if (first?.text !== 'fwmark') {
    const address = readServerAddress(statement.words.slice(1), 'virtual server', report);
    return address && { kind: 'address', ...address };
  }
  const fwmark = second && parseInteger(second.text);
  if (fwmark !== undefined && fwmark >= 0 && fwmark <= 0x7fffffff) return { kind: 'fwmark', fwmark };
  const message = `\`fwmark ${second?.text ?? ''}\` needs a number in 0–2147483647; it is left out`;
  report.error('fwmark-invalid', (second ?? first).position, message);
  return undefined;
}

/** The family that the block itself names. */
function readFamily(key: VirtualServerKey, settings: Settings, report: Report): Family | undefined {
  const own = key.kind === 'address' ? familyOf(key.address) : undefined;
  const word = settings.text('ip_family');
  if (word === undefined) return own;
  const family = word === 'inet' ? 4 : 6;
  if (own === undefined || own === family) return family;
  const message = `\`ip_family ${word}\` is not the family of ${key.kind === 'address' ? formatIp(key.address) : ''}`;
  report.error('family-differs', settings.positionOf('ip_family'), message);
  return own;
}

function readMethod(settings: Settings, report: Report): ForwardingMethod | undefined {
  const name = settings.lastOf('lvs_method', 'lb_kind');
  const words = name === undefined ? undefined : settings.words(name);
  return words && readForwarding(words, report);
}

function readSorryServer(
  settings: Settings,
  fallback: ForwardingMethod,
  report: Report,
): SorryServer | undefined {
  const words = settings.words('sorry_server');
  const address = words && readServerAddress(words, 'sorry server', report);
  if (!address) {
    for (const name of ['sorry_server_inhibit', 'sorry_server_lvs_method']) {
      if (!settings.has(name)) continue;
      const message = `\`${name}\` has no effect without sorry_server`;
      report.error('sorry-server-missing', settings.positionOf(name), message);
    }
    return undefined;
  }
  const method = settings.words('sorry_server_lvs_method');
  return {
    ...address,
    forwarding: (method && readForwarding(method, report)) ?? fallback,
    inhibit: settings.flag('sorry_server_inhibit'),
  };
}
