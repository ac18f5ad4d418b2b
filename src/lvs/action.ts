import type { Checker } from '#conf/model.ts';
import type { Opinion, RealState, VirtualState } from './state.ts';

/** What is to be done, in this order. */
export type LvsAction =
  /** `initial`: the verdict that goes on; undefined: the checker starts as configured. */
  | {
      readonly kind: 'addCheck';
      readonly id: number;
      readonly checker: Checker;
      readonly initial: Opinion | undefined;
    }
  | { readonly kind: 'removeCheck'; readonly id: number }
  | { readonly kind: 'suspendCheck'; readonly id: number; readonly suspended: boolean }
  /** The real server is up or down now: `notify_up`, `notify_down`, FIFOs, mail. */
  | {
      readonly kind: 'realServer';
      readonly virtual: VirtualState;
      readonly real: RealState;
      readonly up: boolean;
      /** Other than a checker's word, in keepalived's words. */
      readonly why?: 'Removing' | 'Shutting down';
    }
  /** Quorum was gained or lost: `quorum_up`, `quorum_down`, FIFOs, mail. `why` says it in keepalived's words. */
  | {
      readonly kind: 'quorum';
      readonly virtual: VirtualState;
      readonly up: boolean;
      readonly why: string;
    }
  | { readonly kind: 'log'; readonly line: string }
  /** What the kernel's table should hold of this virtual server may be another; undefined: of any. */
  | { readonly kind: 'table'; readonly virtual: VirtualState | undefined };
