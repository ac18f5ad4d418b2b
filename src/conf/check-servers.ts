import { familyOf, formatIp, type Family } from '#base/address.ts';
import { familiesOf } from './build-server-group.ts';
import { PERSISTENCE_S } from './build-service.ts';
import { checkPorts } from './check-ports.ts';
import type { RealServer, SorryServer, VirtualServer, VirtualServerGroup } from './model.ts';
import type { Report } from './report.ts';
import type { Settings } from './values.ts';

/** A virtual server as it is written; its parts may not fit together yet. */
export type Draft = Omit<VirtualServer, 'family'> & { readonly family: Family | undefined };

/** What is known of it besides. */
export interface DraftContext {
  readonly settings: Settings;
  readonly group: VirtualServerGroup | undefined;
  /** A forwarding method is configured. */
  readonly hasMethod: boolean;
}

/** Makes the parts fit together as keepalived does; undefined if that cannot be. */
export function checkServers(draft: Draft, context: DraftContext, report: Report): VirtualServer | undefined {
  const { position } = draft;
  const name = serverName(draft);
  const settled = settleFamily(draft, context.group, report);
  if (!settled) return undefined;
  if (settled.realServers.length === 0) {
    const message = `virtual_server ${name} has no real server; it is left out`;
    report.error('real-server-missing', position, message);
    return undefined;
  }
  tellMissing(draft, context, report);
  const ported = checkPorts(settled, context.group, report);
  const unique = { ...ported, realServers: withoutDuplicates(ported.realServers, report) };
  const server = checkService({ ...unique, sorryServer: checkSorry(unique, report) }, context, report);
  return checkQuorum(server, report);
}

/** As it is written after `virtual_server`. */
export function serverName({ key }: Pick<VirtualServer, 'key'>): string {
  if (key.kind === 'group') return `group ${key.group}`;
  return key.kind === 'fwmark' ? `fwmark ${key.fwmark}` : `${formatIp(key.address)} ${key.port}`;
}

/** Real servers are of the family of the virtual server, unless they are reached through a tunnel. */
function settleFamily(
  draft: Draft,
  group: VirtualServerGroup | undefined,
  report: Report,
): VirtualServer | undefined {
  let family = draft.family ?? granularityFamily(draft);
  const fits = (server: RealServer | SorryServer): boolean => {
    if (server.forwarding.kind === 'TUN') return true;
    family ??= familyOf(server.address);
    return family === familyOf(server.address);
  };
  const realServers = draft.realServers.filter(real => {
    if (fits(real)) return true;
    const message = `real server ${formatIp(real.address)} is not of the virtual server's family; it is left out`;
    report.error('family-differs', real.position, message);
    return false;
  });
  let { sorryServer } = draft;
  if (sorryServer && !fits(sorryServer)) {
    const message = `sorry server ${formatIp(sorryServer.address)} is not of the virtual server's family; it is left out`;
    report.error('family-differs', draft.position, message);
    sorryServer = undefined;
  }
  if (group) {
    const families = familiesOf(group.entries);
    if (family !== undefined && families.size > 0 && (families.size === 2 || !families.has(family))) {
      const message = `${serverName(draft)} and its real servers are of different families; it is left out`;
      report.warning('family-differs', draft.position, message);
      return undefined;
    }
    if (families.size === 1) family = [...families][0];
  }
  const tunnelled = new Set(
    [sorryServer, ...realServers].flatMap(server => (server ? familyOf(server.address) : [])),
  );
  family ??= tunnelled.size === 1 ? [...tunnelled][0] : undefined;
  return { ...draft, family: family ?? 4, realServers, sorryServer };
}

function granularityFamily({ persistenceGranularity: granularity }: Draft): Family | undefined {
  return granularity === undefined ? undefined : granularity instanceof Uint8Array ? 4 : 6;
}

function withoutDuplicates(servers: readonly RealServer[], report: Report): RealServer[] {
  const seen = new Set<string>();
  return servers.filter(real => {
    const name = `${formatIp(real.address)} ${real.port}`;
    if (!seen.has(name)) return seen.add(name);
    report.error('real-server-twice', real.position, `real server ${name} is there already; it is left out`);
    return false;
  });
}

function tellMissing(draft: Draft, { settings, hasMethod, group }: DraftContext, report: Report): void {
  const { position } = draft;
  const inherits = [...settings.all('real_server')].some(
    ({ statement }) => !statement.block?.some(line => line.keyword === 'lvs_method'),
  );
  if (!hasMethod && inherits)
    report.error(
      'lvs-method-missing',
      position,
      `virtual_server ${serverName(draft)} has no lvs_method; NAT is used`,
    );
  if (!settings.has('lvs_sched') && !settings.has('lb_algo'))
    report.error(
      'scheduler-missing',
      position,
      `virtual_server ${serverName(draft)} has no lvs_sched; wlc is used`,
    );
  const marksOnly =
    draft.key.kind === 'fwmark' || (group?.entries.every(({ kind }) => kind === 'fwmark') ?? false);
  if (!settings.has('protocol') && !marksOnly) {
    const message = `virtual_server ${serverName(draft)} has no protocol; UDP is used`;
    report.error('protocol-missing', position, message, 'write `protocol TCP` or `protocol UDP`');
  }
  if (settings.has('protocol') && marksOnly) {
    const message = 'a firewall mark stands for packets of any protocol: `protocol` is ignored';
    report.error('protocol-of-fwmark', settings.positionOf('protocol'), message);
  }
}

/** The sorry server may be one of the real servers; both are then the same entry of the kernel's table. */
function checkSorry(server: VirtualServer, report: Report): SorryServer | undefined {
  const { sorryServer, realServers } = server;
  const twin = realServers.find(
    real =>
      sorryServer &&
      real.port === sorryServer.port &&
      formatIp(real.address) === formatIp(sorryServer.address),
  );
  if (!sorryServer || !twin || twin.inhibitOnFailure === sorryServer.inhibit) return sorryServer;
  const message = `the sorry server is a real server too, whose inhibit_on_failure counts`;
  report.error('sorry-server-inhibit', server.position, message);
  return { ...sorryServer, inhibit: twin.inhibitOnFailure };
}

function checkService(server: VirtualServer, context: DraftContext, report: Report): VirtualServer {
  const { key, position } = server;
  const { group, settings } = context;
  const addresses = group?.entries.filter(({ kind }) => kind === 'range') ?? [];
  const marks = group?.entries.filter(({ kind }) => kind === 'fwmark') ?? [];
  const hasAddresses = key.kind === 'address' || addresses.length > 0;
  let { haSuspend, ops, persistenceTimeoutS } = server;
  if (haSuspend && (key.kind === 'fwmark' || marks.length > 0)) {
    report.error(
      'ha-suspend',
      settings.positionOf('ha_suspend'),
      'a firewall mark has no address: `ha_suspend` is ignored',
    );
    haSuspend = false;
  }
  if (ops && hasAddresses && server.protocol !== 'UDP') {
    report.error('ops', settings.positionOf('ops'), '`ops` goes with UDP only; it is ignored');
    ops = false;
  }
  const portless =
    (key.kind === 'address' && key.port === 0) ||
    addresses.some(entry => entry.kind === 'range' && entry.port === 0);
  if (portless && persistenceTimeoutS === undefined) {
    const message = `a virtual server without port is persistent; persistence_timeout ${PERSISTENCE_S} is used`;
    report.error('port-missing', position, message);
    persistenceTimeoutS = PERSISTENCE_S;
  }
  return { ...server, haSuspend, ops, persistenceTimeoutS };
}

/** A quorum that can never be reached, or never lost, is cut to what can. */
function checkQuorum(server: VirtualServer, report: Report): VirtualServer {
  const { position } = server;
  const sum = server.realServers.reduce((total, real) => total + real.weight, 0);
  let { quorum, hysteresis } = server;
  if (quorum > sum) {
    const message = `quorum ${quorum} is more than all weights together; it becomes ${sum}`;
    report.error('quorum-unreachable', position, message);
    quorum = sum;
  }
  if (hysteresis >= quorum) {
    const most = Math.max(0, quorum - 1);
    const message = `hysteresis ${hysteresis} is not less than quorum ${quorum}; it becomes ${most}`;
    report.error('hysteresis', position, message);
    hysteresis = most;
  }
  return { ...server, quorum, hysteresis };
}
