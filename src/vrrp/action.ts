import type { VirtualAddress, VirtualRoute, VirtualRule } from '#conf/model.ts';
import type { SendAdvertisement, SyncGroup, VirtualRouter } from './state.ts';

/**
 * What the engine asks of the shell, in the order in which it is to be done. The shell executes a buffer front to back,
 * reports failures as events and clears it. Actions are immutable and may be reused by the engine.
 */
export type Action =
  | SendAdvertisement
  | AddressesAction
  | RoutesAction
  | RulesAction
  | SetAccept
  | Announce
  | NotifyAction
  | RouterLifecycle
  | DrainSockets
  | LogAction;

export interface AddressesAction {
  readonly kind: 'addAddresses' | 'removeAddresses';
  readonly router: VirtualRouter;
  /** VIPs before excluded VIPs; never empty. */
  readonly addresses: readonly VirtualAddress[];
}

export interface RoutesAction {
  readonly kind: 'addRoutes' | 'removeRoutes';
  readonly router: VirtualRouter;
  readonly routes: readonly VirtualRoute[];
}

export interface RulesAction {
  readonly kind: 'addRules' | 'removeRules';
  readonly router: VirtualRouter;
  readonly rules: readonly VirtualRule[];
}

/**
 * `no_accept`: install (`dropping`) or remove the filter that drops traffic to the VIPs, for a MASTER that does not own
 * them. Only sent for instances with `no_accept`.
 */
interface SetAccept {
  readonly kind: 'setAccept';
  readonly router: VirtualRouter;
  readonly dropping: boolean;
}

/**
 * Gratuitous ARP or unsolicited neighbour advertisements for `addresses`, `repeat` times each. The shell leaves out an
 * address whose addition, earlier in the same buffer, has failed.
 */
export interface Announce {
  readonly kind: 'announce';
  readonly router: VirtualRouter;
  readonly addresses: readonly VirtualAddress[];
  readonly repeat: number;
  /** Which rule asked for it; for logs. */
  readonly occasion: 'becameMaster' | 'second' | 'lowerPriority' | 'refresh' | 'restored' | 'extraInterface';
}

/** keepalived's words: they go to scripts, FIFOs, mail and metrics as they are. */
export type NotifyState = 'MASTER' | 'BACKUP' | 'FAULT' | 'STOP' | 'MASTER_RX_LOWER_PRI' | 'DELETED';

/** Tell the outside world: notify scripts, FIFOs, mail. */
export type NotifyAction =
  | {
      readonly kind: 'notify';
      readonly type: 'INSTANCE';
      readonly router: VirtualRouter;
      readonly state: NotifyState;
      /** Effective priority at that moment. */
      readonly priority: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'notify';
      readonly type: 'GROUP';
      readonly group: SyncGroup;
      readonly state: NotifyState;
      readonly reason: string;
    }
  /** `vrrp_notify_priority_changes`. */
  | {
      readonly kind: 'notifyPriority';
      readonly router: VirtualRouter;
      readonly priority: number;
    };

/**
 * Sockets: `openRouter` once the interface exists and the source address is known, `reopenRouter` when what they were
 * opened with (source address, version, group, peers, TTL, authentication) has changed, `closeRouter` when the interface
 * is gone or the instance was removed. Received packets go to `receive` with `router.segment`; the shell shares sockets
 * as it likes. A failure comes back as `socketFailed`.
 */
interface RouterLifecycle {
  readonly kind: 'openRouter' | 'reopenRouter' | 'closeRouter';
  readonly router: VirtualRouter;
}

/** Drain every VRRP socket, deliver what was read, then repeat the deadline event with `socketsDrained: true`. */
interface DrainSockets {
  readonly kind: 'drainSockets';
}

export interface LogAction {
  readonly kind: 'log';
  readonly severity: 'info' | 'warning' | 'error';
  /** Name of the instance, group or tracker that it is about. */
  readonly subject: string;
  readonly message: string;
}
