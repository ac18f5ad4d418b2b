import type { Checker, RealServer, VirtualServer } from '#conf/model.ts';
import type { Service } from './ports.ts';

/** What a checker says of its real server. */
export interface Opinion {
  readonly up: boolean;
  /** MISC_CHECK with `misc_dynamic`: the weight it asks for; undefined: the configured one. */
  readonly weight: number | undefined;
  /** FILE_CHECK: what it adds to the weight; may be negative. */
  readonly weightAdded: number;
}

/** A checker of a real server, known by a number of its own. */
export interface HealthCheck {
  readonly id: number;
  readonly checker: Checker;
  opinion: Opinion;
  /** It has told a verdict, or one was taken over. */
  hasSpoken: boolean;
}

/** A real server of a virtual server. */
export interface RealState {
  config: RealServer;
  /** keepalived's name for it: `[10.0.0.1]:tcp:80`. */
  readonly label: string;
  checks: HealthCheck[];
  /** All its checkers say so; without checkers always. */
  alive: boolean;
  /** 0–65535, as the configuration and the checkers ask. */
  weight: number;
}

/** A real server that a reload removed, until its connections are gone. */
interface DrainingServer {
  readonly config: RealServer;
  readonly label: string;
  readonly untilMs: number;
}

export interface VirtualState {
  config: VirtualServer;
  /** keepalived's name for it: `[10.0.0.1]:tcp:80`, `FWM 5`, `[group]:0`. */
  readonly label: string;
  /** The kernel's services: several for a group. */
  services: readonly Service[];
  reals: RealState[];
  draining: DrainingServer[];
  quorate: boolean;
  /** Its first verdicts are in, and quorum is decided from now on. */
  hasBegun: boolean;
  /** `ha_suspend`: its address is not on this host. */
  suspended: boolean;
}

export interface LvsState {
  virtuals: VirtualState[];
  /** By the check's id. */
  readonly checks: Map<number, { virtual: VirtualState; real: RealState; check: HealthCheck }>;
  lastCheckId: number;
}

export function emptyState(): LvsState {
  return { virtuals: [], checks: new Map(), lastCheckId: 0 };
}

/** Sum of the weights of the real servers that are up: what quorum is about. */
export function liveWeight({ reals }: VirtualState): number {
  return reals.reduce((sum, real) => sum + (real.alive ? real.weight : 0), 0);
}

/** The sorry server stands in for all real servers. */
export function isSorry({ quorate, config }: VirtualState): boolean {
  return !quorate && config.sorryServer !== undefined;
}
