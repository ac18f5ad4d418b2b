import { parseCidr, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type {
  Config,
  GarpSettings,
  GlobalDefs,
  Tracker,
  VirtualAddress,
  VrrpInstance,
  VrrpScript,
  VrrpSyncGroup,
} from '#conf/model.ts';

/** Configurations for tests and simulations, with keepalived's defaults for all that is not said. */

const POSITION = { file: 'test.conf', line: 1, column: 1 };
const NO_NOTIFY = {
  notifyMaster: undefined,
  notifyBackup: undefined,
  notifyFault: undefined,
  notifyStop: undefined,
  notify: undefined,
  notifyDeleted: false,
  notifyPriorityChanges: false,
  smtpAlert: false,
} as const;
const NO_TRACKERS = { trackInterfaces: [], trackScripts: [], trackProcesses: [], trackFiles: [] } as const;
const GARP: GarpSettings = {
  masterDelayMs: 5000,
  masterRepeat: 5,
  lowerPrioDelayMs: 5000,
  lowerPrioRepeat: 5,
  masterRefreshMs: 0,
  masterRefreshRepeat: 1,
  extraIfMs: 0,
  extraIfAll: false,
};

/** An address that must parse. */
export function ip(text: string): Uint8Array {
  return must(parseIp(text), `not an address: ${text}`);
}

export function vip(text: string, dev?: string): VirtualAddress {
  const { address, prefix } = must(parseCidr(text), `not an address: ${text}`);
  return {
    address,
    prefix,
    dev,
    label: undefined,
    scope: undefined,
    broadcast: undefined,
    peer: undefined,
    home: false,
    nodad: true,
    mngtmpaddr: false,
    noprefixroute: false,
    autojoin: false,
    useVmac: false,
    preferredLifetimeS: undefined,
    noTrack: false,
    position: POSITION,
  };
}

/** An instance on eth0 with VRID 51 and one VIP, unless said otherwise. */
export function instance(fields: Partial<VrrpInstance> = {}): VrrpInstance {
  const family = fields.family ?? 4;
  return {
    ...NO_NOTIFY,
    ...NO_TRACKERS,
    name: 'VI_1',
    position: POSITION,
    state: 'BACKUP',
    interface: 'eth0',
    virtualRouterId: 51,
    priority: 100,
    advertIntervalMs: 1000,
    version: family === 4 ? 2 : 3,
    family,
    authentication: undefined,
    virtualAddresses: [vip(family === 4 ? '192.0.2.100' : 'fe80::100')],
    virtualAddressesExcluded: [],
    virtualRoutes: [],
    virtualRules: [],
    promoteSecondaries: false,
    mcastGroup: ip(family === 4 ? '224.0.0.18' : 'ff02::12'),
    mcastSrcIp: undefined,
    unicastSrcIp: undefined,
    unicastPeers: [],
    unicastFaultNoPeer: false,
    unicastTtl: 255,
    checkUnicastSrc: false,
    trackSrcIp: false,
    preempt: 'preempt',
    preemptDelayMs: 0,
    accept: true,
    downTimerAdverts: 3,
    garp: GARP,
    lowerPrioNoAdvert: false,
    higherPrioSendAdvert: false,
    v3ChecksumAsV2: false,
    strict: false,
    skipCheckAdvAddr: false,
    vmac: undefined,
    useVmacAddr: false,
    trackPrimary: true,
    notifyMasterRxLowerPri: undefined,
    ...fields,
  };
}

export function syncGroup(
  name: string,
  members: readonly string[],
  fields: Partial<VrrpSyncGroup> = {},
): VrrpSyncGroup {
  return {
    ...NO_NOTIFY,
    ...NO_TRACKERS,
    name,
    position: POSITION,
    group: members,
    syncGroupTrackingWeight: false,
    ...fields,
  };
}

export function script(name: string, fields: Partial<VrrpScript> = {}): VrrpScript {
  return {
    name,
    position: POSITION,
    script: { argv: ['/bin/true'], user: undefined, group: undefined, position: POSITION },
    intervalMs: 1000,
    timeoutMs: 1000,
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 1,
    initFail: false,
    ...fields,
  };
}

export function tracker(name: string, weight = 0, reverse = false): Tracker {
  return { name, weight, reverse, position: POSITION };
}

/** What of `global_defs` the engine reads. */
type EngineGlobals = Pick<
  GlobalDefs,
  'vrrpStartupDelayMs' | 'vrrpDelayAfterBootMs' | 'vmacPrefix' | 'nftables' | 'defaultInterface'
>;

export function config(
  instances: readonly VrrpInstance[],
  fields: Partial<Omit<Config, 'globalDefs' | 'vrrpInstances'>> & {
    globalDefs?: Partial<EngineGlobals>;
  } = {},
): Config {
  const globals: EngineGlobals = {
    vrrpStartupDelayMs: 0,
    vrrpDelayAfterBootMs: 0,
    vmacPrefix: 'vrrp',
    nftables: 'keepalived',
    defaultInterface: 'eth0',
    ...fields.globalDefs,
  };
  return {
    vrrpSyncGroups: [],
    vrrpScripts: [],
    trackProcesses: [],
    trackFiles: [],
    trackGroups: [],
    staticAddresses: [],
    staticRoutes: [],
    staticRules: [],
    garpGroups: [],
    interfaceDelays: [],
    linkbeatInterfaces: [],
    virtualServerGroups: [],
    virtualServers: [],
    ssl: undefined,
    ...fields,
    globalDefs: globals as GlobalDefs,
    vrrpInstances: instances,
  };
}
