import { formatIp } from '#base/address.ts';
import { isLinkLocal } from './address-kind.ts';
import { buildAuthentication } from './build-authentication.ts';
import { buildAccept, buildElection, type Election } from './build-election.ts';
import { buildCast } from './build-cast.ts';
import type { InstanceDefaults } from './build-global.ts';
import { buildTrackers, checkDevices, checkInterface, type Trackable } from './build-trackers.ts';
import { buildInterval, buildProtocol } from './build-protocol.ts';
import { buildVmac } from './build-vmac.ts';
import type {
  Family,
  GlobalDefs,
  InitialState,
  Trackers,
  VirtualAddress,
  VirtualRoute,
  VrrpInstance,
  VrrpVersion,
} from './model.ts';
import { parseAddressLine } from './parse-address.ts';
import { parseRouteLine } from './parse-route.ts';
import { parseRuleLine } from './parse-rule.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import type { ConfigEnvironment } from './source.ts';
import { PRIORITY_OWNER } from './timers.ts';
import type { Settings } from './values.ts';

/** The sync group that an instance belongs to, as far as it matters to the instance. */
export interface Membership {
  readonly trackingWeight: boolean;
  readonly notifyPriorityChanges: boolean | undefined;
}

export interface InstanceContext {
  readonly globalDefs: GlobalDefs;
  readonly defaults: InstanceDefaults;
  readonly trackable: Trackable;
  readonly membership: Membership | undefined;
  readonly environment: ConfigEnvironment;
  readonly report: Report;
}

/** RFC 9568 §5.2.5: the count of addresses is one byte. */
const MAX_ADDRESSES = 255;

/** `vrrp_instance`; undefined (after a diagnostic) if it cannot run at all. */
export function buildInstance(
  name: string,
  settings: Settings,
  context: InstanceContext,
): VrrpInstance | undefined {
  const { globalDefs, defaults, environment, report } = context;
  const strict = settings.boolean('strict_mode') ?? globalDefs.vrrpStrict;
  const { family, advertised } = buildAddresses(settings, report);
  const version = buildVersion(name, settings, family, strict, globalDefs, report);
  const election = buildElection(name, settings, strict, report);
  const cast = buildCast(name, settings, family, globalDefs, defaults.checkUnicastSrc, report);
  const virtualRouterId = settings.number('virtual_router_id');
  const interfaceName = buildInterface(name, settings, cast.unicastPeers.length > 0, environment, report);
  checkAddresses(
    name,
    settings,
    { advertised, family, version, strict, unicast: cast.unicastPeers.length > 0 },
    report,
  );
  if (virtualRouterId === undefined) {
    const message = `${name} has no usable \`virtual_router_id\`; it is left out`;
    report.error('vrid-missing', settings.position, message, 'add `virtual_router_id N` with N in 1–255');
    return undefined;
  }
  if (interfaceName === undefined && !(cast.unicastPeers.length > 0 && cast.unicastSrcIp)) return undefined;
  if (advertised.length === 0 && (strict || (version === 3 && !settings.flag('no_virtual_ipaddress'))))
    return undefined;
  const own = context.membership;
  const authentication = buildAuthentication(name, settings, { strict, version, family, election }, report);
  return {
    name,
    position: settings.position,
    ...election,
    state:
      authentication?.type === 'AH' && election.priority !== PRIORITY_OWNER
        ? heardFirst(election)
        : election.state,
    interface: interfaceName,
    virtualRouterId,
    advertIntervalMs: buildInterval(name, settings, version, report),
    version,
    family,
    authentication,
    ...buildNetwork(settings, advertised, environment, report),
    promoteSecondaries: settings.flag('promote_secondaries'),
    ...cast,
    accept: buildAccept(name, settings, { strict, version, priority: election.priority }, report),
    ...buildProtocol(name, settings, strict, defaults, report),
    strict,
    v3ChecksumAsV2: settings.boolean('v3_checksum_as_v2') ?? defaults.v3ChecksumAsV2,
    skipCheckAdvAddr: settings.boolean('skip_check_adv_addr') ?? defaults.skipCheckAdvAddr,
    vmac: buildVmac(name, settings, strict, report),
    useVmacAddr: settings.flag('use_vmac_addr'),
    trackPrimary: !settings.flag('dont_track_primary'),
    ...buildOwnTrackers(name, settings, interfaceName, election, context),
    ...buildNotify(settings),
    notifyMasterRxLowerPri: settings.script('notify_master_rx_lower_pri'),
    notifyPriorityChanges:
      settings.boolean('notify_priority_changes') ??
      own?.notifyPriorityChanges ??
      defaults.notifyPriorityChanges,
    smtpAlert: settings.boolean('smtp_alert') ?? defaults.smtpAlert,
  };
}

/** With AH the master must have been heard before its place can be taken. */
function heardFirst(election: Election): InitialState | undefined {
  return election.state === 'MASTER' ? 'BACKUP' : election.state;
}

type Network = Pick<
  VrrpInstance,
  'virtualAddresses' | 'virtualAddressesExcluded' | 'virtualRoutes' | 'virtualRules'
>;

/** What moves with the MASTER role. */
function buildNetwork(
  settings: Settings,
  advertised: readonly VirtualAddress[],
  environment: ConfigEnvironment,
  report: Report,
): Network {
  const read = <T>(keyword: string, parse: (line: Statement, report: Report) => T | undefined): T[] =>
    settings.lines(keyword, report).flatMap(line => parse(line, report) ?? []);
  const excluded = read('virtual_ipaddress_excluded', line => parseAddressLine(line, false, report));
  const virtualRoutes = read('virtual_routes', parseRouteLine);
  const virtualRules = read('virtual_rules', parseRuleLine);
  checkDevices([...advertised, ...excluded, ...virtualRoutes], environment, report);
  for (const route of virtualRoutes) tellUntracked(route, report);
  return {
    virtualAddresses: advertised.slice(0, MAX_ADDRESSES),
    virtualAddressesExcluded: [...advertised.slice(MAX_ADDRESSES), ...excluded],
    virtualRoutes,
    virtualRules,
  };
}

/** keepalived misses a route that somebody deletes only where an interface is named. */
function tellUntracked({ dev, nexthops, noTrack, position }: VirtualRoute, report: Report): void {
  if (dev !== undefined || nexthops.length > 0 || noTrack) return;
  const hint = 'name its `dev`, or write `no_track`';
  report.error('route-untracked', position, 'this route names no interface, so it is not tracked', hint);
}

/** The trackers of an instance, without its own interface, and without weights that cannot count. */
function buildOwnTrackers(
  name: string,
  settings: Settings,
  interfaceName: string | undefined,
  election: Election,
  context: InstanceContext,
): Trackers {
  const { environment, membership, report, trackable } = context;
  const weightsCount = !membership || membership.trackingWeight;
  const ignored =
    election.priority === PRIORITY_OWNER ? 'priority 255' : weightsCount ? undefined : 'the sync group';
  const trackers = buildTrackers(settings, trackable, ignored, environment, report);
  tellWeightsWithNopreempt(name, election, trackers, report);
  const trackInterfaces = trackers.trackInterfaces.filter(tracker => {
    if (tracker.name !== interfaceName) return true;
    const message = `${interfaceName} is the interface of ${name} and is tracked anyway; the line is ignored`;
    report.error('track-own-interface', tracker.position, message);
    return false;
  });
  return { ...trackers, trackInterfaces };
}

/** With nopreempt a backup ignores that the master's priority fell below its own. */
function tellWeightsWithNopreempt(
  name: string,
  election: Election,
  trackers: Trackers,
  report: Report,
): void {
  if (election.preempt === 'preempt') return;
  const weighted = Object.values(trackers)
    .flat()
    .find(tracker => tracker.weight !== 0);
  if (!weighted) return;
  const message = `${name} has nopreempt: the weight of \`${weighted.name}\` will not make a backup take over`;
  report.warning(
    'nopreempt-weighted',
    weighted.position,
    message,
    'use weight 0, which means FAULT on failure',
  );
}

/** The `notify_*` scripts that instances and groups have in common. */
export function buildNotify(
  settings: Settings,
): Pick<
  VrrpInstance,
  'notifyMaster' | 'notifyBackup' | 'notifyFault' | 'notifyStop' | 'notify' | 'notifyDeleted'
> {
  return {
    notifyMaster: settings.script('notify_master'),
    notifyBackup: settings.script('notify_backup'),
    notifyFault: settings.script('notify_fault'),
    notifyStop: settings.script('notify_stop'),
    notify: settings.script('notify'),
    notifyDeleted: settings.script('notify_deleted') ?? settings.has('notify_deleted'),
  };
}

function buildInterface(
  name: string,
  settings: Settings,
  unicast: boolean,
  environment: ConfigEnvironment,
  report: Report,
): string | undefined {
  const text = settings.text('interface');
  const position = settings.positionOf('interface');
  if (text === undefined) {
    if (unicast && settings.address('unicast_src_ip')) return undefined;
    const message = `${name} has no \`interface\`; it is left out`;
    const hint = unicast ? 'add `interface NAME` or `unicast_src_ip ADDRESS`' : 'add `interface NAME`';
    report.error('interface-missing', settings.position, message, hint);
    return undefined;
  }
  const before = report.diagnostics.length;
  if (text === 'lo')
    report.error('interface-loopback', position, `${name} cannot run VRRP on the loopback interface`);
  else checkInterface(text, position, environment, report);
  const told = report.diagnostics.slice(before).some(({ id }) => id !== 'interface-unknown');
  return told ? undefined : text;
}

/** Address family and advertised addresses: the first address decides the family of the others. */
function buildAddresses(
  settings: Settings,
  report: Report,
): { family: Family; advertised: VirtualAddress[] } {
  const all = settings
    .lines('virtual_ipaddress', report)
    .flatMap(line => parseAddressLine(line, false, report) ?? []);
  const other = ['unicast_src_ip', 'mcast_src_ip', 'mcast_dst_ip'].map(keyword => settings.address(keyword));
  const first = all[0]?.address ?? other.find(address => address !== undefined);
  const family = first ? (first.length === 4 ? 4 : 6) : settings.flag('native_ipv6') ? 6 : 4;
  if (family === 4 && settings.flag('native_ipv6')) {
    report.error(
      'family-conflict',
      settings.positionOf('native_ipv6'),
      '`native_ipv6` is ignored: the addresses are IPv4',
    );
  }
  const seen = new Set<string>();
  const advertised = all.filter(address => {
    const text = formatIp(address.address);
    if (address.address.length !== (family === 4 ? 4 : 16)) {
      const hint = 'put addresses of the other family into `virtual_ipaddress_excluded`';
      report.error(
        'family-conflict',
        address.position,
        `${text} is not IPv${family} like the first; it is ignored`,
        hint,
      );
      return false;
    }
    if (seen.has(text)) {
      report.warning('address-duplicate', address.position, `${text} is listed twice; once counts`);
      return false;
    }
    seen.add(text);
    return true;
  });
  return { family, advertised };
}

function checkAddresses(
  name: string,
  settings: Settings,
  facts: {
    advertised: VirtualAddress[];
    family: Family;
    version: VrrpVersion;
    strict: boolean;
    unicast: boolean;
  },
  report: Report,
): void {
  const { advertised, family, version, strict, unicast } = facts;
  const [first] = advertised;
  const { position } = settings;
  if (!first && (strict || !settings.flag('no_virtual_ipaddress'))) {
    const required = strict || version === 3;
    const message = `${name} has no virtual address; ${required ? 'one is required and it is left out' : 'one is sensible'}`;
    report.error('vip-missing', position, message, 'add `virtual_ipaddress { ADDRESS }`');
  }
  if (first && family === 6 && !unicast && !isLinkLocal(first.address)) {
    const message = `the first virtual address of ${name} should be link-local (RFC 9568 §5.2.9)`;
    if (strict) report.error('ipv6-first-link-local', first.position, message);
    else report.warning('ipv6-first-link-local', first.position, message);
  }
  if (strict && unicast) {
    const message = `${name} has unicast peers, which strict mode does not know`;
    report.error(
      'strict-unicast',
      settings.positionOf('unicast_peer'),
      message,
      'remove vrrp_strict or the peers',
    );
  }
  const extra = advertised[MAX_ADDRESSES];
  if (extra) {
    const message = `an advert holds ${MAX_ADDRESSES} addresses; from here on they are not advertised`;
    report.error('vip-too-many', extra.position, message, 'move them to `virtual_ipaddress_excluded`');
  }
}

function buildVersion(
  name: string,
  settings: Settings,
  family: Family,
  strict: boolean,
  globalDefs: GlobalDefs,
  report: Report,
): VrrpVersion {
  const version = settings.number('version');
  if (family === 4) return version === undefined ? globalDefs.vrrpVersion : version === 3 ? 3 : 2;
  if (version !== 2) return 3;
  if (!strict) return 2;
  report.error(
    'version-ipv6',
    settings.positionOf('version'),
    `${name} uses IPv6, which needs version 3; 3 is used`,
  );
  return 3;
}
