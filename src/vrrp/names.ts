import type { RouterCounters } from './counters.ts';
import type { GroupState, RouterState } from './state.ts';

/**
 * keepalived's words for ours: what scripts, metrics and runbooks know. Inside, the RFC's words are used; this file is
 * the only place that knows both.
 */

/** A state as status, notifications and metrics show it. */
export type KeepalivedState = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT';

const STATES: Readonly<Record<RouterState, KeepalivedState>> = {
  Initialize: 'INIT',
  Backup: 'BACKUP',
  Master: 'MASTER',
  // It still holds the addresses, which is what the outside world means by MASTER.
  Releasing: 'MASTER',
  Fault: 'FAULT',
};

/** The state's name outside. */
export function keepalivedState(state: RouterState | GroupState): KeepalivedState {
  return STATES[state];
}

/** Numbers of keepalived_vrrp_state and of SNMP. */
export const STATE_NUMBER: Readonly<Record<KeepalivedState, number>> = {
  INIT: 0,
  BACKUP: 1,
  MASTER: 2,
  FAULT: 3,
};

/** Prometheus names (keepalived-exporter's) of the counters that have one there. */
export const METRIC_NAMES: Readonly<Partial<Record<keyof RouterCounters, string>>> = {
  becomeMaster: 'keepalived_become_master_total',
  releaseMaster: 'keepalived_release_master_total',
  advertisementsReceived: 'keepalived_advertisements_received_total',
  advertisementsSent: 'keepalived_advertisements_sent_total',
  priorityZeroReceived: 'keepalived_priority_zero_received_total',
  priorityZeroSent: 'keepalived_priority_zero_sent_total',
  packetLength: 'keepalived_packet_length_errors_total',
  adverInterval: 'keepalived_advertisements_interval_errors_total',
  ttl: 'keepalived_ip_ttl_errors_total',
  type: 'keepalived_invalid_type_received_total',
  addressList: 'keepalived_address_list_errors_total',
  authTypeInvalid: 'keepalived_authentication_invalid_total',
  authTypeMismatch: 'keepalived_authentication_mismatch_total',
  authFailure: 'keepalived_authentication_failure_total',
};
