import { addressEntry, routeEntry, ruleEntry } from './entries-network.ts';
import type {
  GlobalDefs,
  NotifyScripts,
  Tracker,
  Trackers,
  UnicastPeer,
  Vmac,
  VrrpInstance,
} from './model.ts';
import { formatSeconds } from './number.ts';
import {
  printAddress,
  printBlock,
  printBoolean,
  printLines,
  printOptions,
  printScript,
  printWord,
} from './print-words.ts';

/** What stands after a keyword. */
export interface Entry {
  readonly text: string;
  /** It is what the keyword's absence means, so it need not be printed. */
  readonly isDefault: boolean;
}

/** Keyword → its arguments or block. The text of `authentication` holds the password: never show it in a diff. */
export type Entries = ReadonlyMap<string, Entry>;

/** Collects entries; undefined and false are what is not configured. */
export class EntryList {
  readonly entries = new Map<string, Entry>();

  add(keyword: string, text: string | number | undefined, isDefault = false): void {
    if (text !== undefined) this.entries.set(keyword, { text: String(text), isDefault });
  }

  flag(keyword: string, value: boolean): void {
    if (value) this.entries.set(keyword, { text: '', isDefault: false });
  }
}

/** What an instance inherits where it is printed, so that only differences are. */
export interface Inherited {
  readonly globalDefs: GlobalDefs;
  /** Neither the globals nor a group turn notify_priority_changes on. */
  readonly priorityChangesOff: boolean;
}

/** Everything that an instance's block says, in the order in which it is printed. */
export function instanceEntries(instance: VrrpInstance, inherited?: Inherited): Entries {
  const list = new EntryList();
  const { vmac } = instance;
  list.add('state', instance.state);
  list.add('interface', instance.interface);
  list.add('use_vmac', vmac && printVmac(vmac));
  list.flag('vmac_xmit_base', vmac?.xmitBase ?? false);
  list.flag('use_vmac_addr', instance.useVmacAddr);
  list.add('virtual_router_id', instance.virtualRouterId);
  list.add('priority', instance.priority);
  list.add('advert_int', formatSeconds(instance.advertIntervalMs), instance.advertIntervalMs === 1000);
  list.add(
    'version',
    instance.version,
    inherited && instance.version === inheritedVersion(instance, inherited),
  );
  list.flag('native_ipv6', instance.family === 6 && instance.virtualAddresses.length === 0);
  list.add(
    'strict_mode',
    printBoolean(instance.strict),
    instance.strict === inherited?.globalDefs.vrrpStrict,
  );
  list.add('authentication', authenticationEntry(instance));
  addCast(instance, inherited, list);
  list.flag('nopreempt', instance.preempt === 'nopreempt');
  list.add('preempt_delay', formatSeconds(instance.preemptDelayMs), instance.preemptDelayMs === 0);
  addAccept(instance, list);
  addProtocol(instance, list);
  list.flag('promote_secondaries', instance.promoteSecondaries);
  list.flag('dont_track_primary', !instance.trackPrimary);
  list.add('virtual_ipaddress', printLines(instance.virtualAddresses.map(addressEntry)));
  list.add('virtual_ipaddress_excluded', printLines(instance.virtualAddressesExcluded.map(addressEntry)));
  list.add('virtual_routes', printLines(instance.virtualRoutes.map(routeEntry)));
  list.add('virtual_rules', printLines(instance.virtualRules.map(ruleEntry)));
  addTrackers(instance, list);
  addNotify(instance, inherited, list);
  list.add(
    'notify_master_rx_lower_pri',
    instance.notifyMasterRxLowerPri && printScript(instance.notifyMasterRxLowerPri),
  );
  return list.entries;
}

function inheritedVersion(instance: VrrpInstance, inherited: Inherited): number {
  return instance.family === 6 ? 3 : inherited.globalDefs.vrrpVersion;
}

function printVmac(vmac: Vmac): string {
  const mac =
    vmac.macAddress && Array.from(vmac.macAddress, byte => byte.toString(16).padStart(2, '0')).join(':');
  return [vmac.interface && printWord(vmac.interface), mac].filter(Boolean).join(' ');
}

function authenticationEntry(instance: VrrpInstance): string | undefined {
  const { authentication } = instance;
  if (!authentication) return undefined;
  const bytes = authentication.data.reveal();
  const end = bytes.findLastIndex(byte => byte !== 0) + 1;
  const password = new TextDecoder().decode(bytes.subarray(0, end));
  return printBlock([`auth_type ${authentication.type}`, `auth_pass ${printWord(password)}`]);
}

function addCast(instance: VrrpInstance, inherited: Inherited | undefined, list: EntryList): void {
  const unicast = instance.unicastPeers.length > 0;
  list.add('mcast_src_ip', printAddress(instance.mcastSrcIp));
  const globalDefs = inherited?.globalDefs;
  const group = instance.family === 4 ? globalDefs?.vrrpMcastGroup4 : globalDefs?.vrrpMcastGroup6;
  const text = printAddress(instance.mcastGroup);
  if (!unicast) list.add('mcast_dst_ip', text, text === printAddress(group));
  list.add('unicast_src_ip', printAddress(instance.unicastSrcIp));
  list.add('unicast_peer', printLines(instance.unicastPeers.map(peerEntry)));
  list.flag('unicast_fault_no_peer', instance.unicastFaultNoPeer);
  list.add('unicast_ttl', instance.unicastTtl, instance.unicastTtl === 255);
  list.flag('check_unicast_src', instance.checkUnicastSrc);
  list.flag('track_src_ip', instance.trackSrcIp);
}

function peerEntry(peer: UnicastPeer): string {
  const options = printOptions({ min_ttl: peer.minTtl, max_ttl: peer.maxTtl });
  return [printAddress(peer.address), ...options].join(' ');
}

function addAccept(instance: VrrpInstance, list: EntryList): void {
  const fallback = instance.priority === 255 || !instance.strict;
  if (instance.accept !== fallback || !instance.accept)
    list.flag(instance.accept ? 'accept' : 'no_accept', true);
}

function addProtocol(instance: VrrpInstance, list: EntryList): void {
  const { garp, strict } = instance;
  list.add('garp_master_delay', formatSeconds(garp.masterDelayMs), garp.masterDelayMs === 5000);
  list.add('garp_master_repeat', garp.masterRepeat, garp.masterRepeat === 5);
  list.add('garp_master_refresh', formatSeconds(garp.masterRefreshMs), garp.masterRefreshMs === 0);
  list.add('garp_master_refresh_repeat', garp.masterRefreshRepeat, garp.masterRefreshRepeat === 1);
  list.add(
    'garp_lower_prio_delay',
    formatSeconds(garp.lowerPrioDelayMs),
    garp.lowerPrioDelayMs === (strict ? 0 : 5000),
  );
  list.add('garp_lower_prio_repeat', garp.lowerPrioRepeat, garp.lowerPrioRepeat === (strict ? 0 : 5));
  const extra = `${garp.extraIfAll ? 'all ' : ''}${formatSeconds(garp.extraIfMs)}`;
  list.add('garp_extra_if', extra, garp.extraIfMs === 0 && !garp.extraIfAll);
  list.add('down_timer_adverts', instance.downTimerAdverts, instance.downTimerAdverts === 3);
  list.add(
    'lower_prio_no_advert',
    printBoolean(instance.lowerPrioNoAdvert),
    instance.lowerPrioNoAdvert === strict,
  );
  list.add(
    'higher_prio_send_advert',
    printBoolean(instance.higherPrioSendAdvert),
    !instance.higherPrioSendAdvert,
  );
  list.add('v3_checksum_as_v2', printBoolean(instance.v3ChecksumAsV2), !instance.v3ChecksumAsV2);
  list.add('skip_check_adv_addr', printBoolean(instance.skipCheckAdvAddr), !instance.skipCheckAdvAddr);
}

/** The track_* blocks of an instance or a group. */
export function addTrackers(trackers: Trackers, list: EntryList): void {
  const lines = (tracked: readonly Tracker[]): string | undefined => printLines(tracked.map(trackerEntry));
  list.add('track_interface', lines(trackers.trackInterfaces));
  list.add('track_script', lines(trackers.trackScripts));
  list.add('track_process', lines(trackers.trackProcesses));
  list.add('track_file', lines(trackers.trackFiles));
}

function trackerEntry(tracker: Tracker): string {
  return `${printWord(tracker.name)} weight ${tracker.weight}${tracker.reverse ? ' reverse' : ''}`;
}

/** The notify_* scripts of an instance or a group. */
export function addNotify(notify: NotifyScripts, inherited: Inherited | undefined, list: EntryList): void {
  const { notifyDeleted } = notify;
  const globalDefs = inherited?.globalDefs;
  const mail = globalDefs && (globalDefs.smtpAlertVrrp ?? globalDefs.smtpAlert ?? false);
  list.add('notify_master', notify.notifyMaster && printScript(notify.notifyMaster));
  list.add('notify_backup', notify.notifyBackup && printScript(notify.notifyBackup));
  list.add('notify_fault', notify.notifyFault && printScript(notify.notifyFault));
  list.add('notify_stop', notify.notifyStop && printScript(notify.notifyStop));
  if (typeof notifyDeleted === 'boolean') list.flag('notify_deleted', notifyDeleted);
  else list.add('notify_deleted', printScript(notifyDeleted));
  list.add('notify', notify.notify && printScript(notify.notify));
  const quiet = inherited?.priorityChangesOff === true && !notify.notifyPriorityChanges;
  list.add('notify_priority_changes', printBoolean(notify.notifyPriorityChanges), quiet);
  list.add('smtp_alert', printBoolean(notify.smtpAlert), notify.smtpAlert === mail);
}
