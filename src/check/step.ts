import type { AttemptEnd, Outcome } from './ports.ts';
import { decideHttp } from './decide-http.ts';
import { decide, type Decision } from './decide.ts';
import type { CheckerState } from './state.ts';

/** What happens to a checker. */
export type CheckEvent =
  /** Its deadline has come. */
  | { readonly kind: 'due' }
  /** The attempt that was asked for has ended; FILE_CHECK: the file's number is known, or has changed. */
  | { readonly kind: 'ended'; readonly end: AttemptEnd };

/** What is to be done about it: make an attempt, or tell the verdict, which is new. */
export type CheckAction = 'attempt' | 'tell';

const DUE_ACTION = 'attempt' as const;

/** Takes the checker one step further; `state.dueAtMs` is its next deadline afterwards. */
export function step(state: CheckerState, event: CheckEvent, nowMs: number): CheckAction | undefined {
  return event.kind === 'due' ? due(state, nowMs) : ended(state, event.end, nowMs);
}

function due(state: CheckerState, nowMs: number): CheckAction | undefined {
  if (state.suspended) {
    state.dueAtMs = nowMs + state.checker.delayLoopMs;
    return undefined;
  }
  state.startedAtMs = nowMs;
  state.dueAtMs = Infinity;
  return DUE_ACTION;
}

function ended(state: CheckerState, end: AttemptEnd, nowMs: number): CheckAction | undefined {
  const { checker } = state;
  state.said = end.said;
  if (!end.made) {
    state.dueAtMs = nowMs + checker.delayLoopMs;
    return undefined;
  }
  count(state, end, nowMs);
  const before = { up: state.up, weight: state.weight, weightAdded: state.weightAdded };
  const { verdict, delayMs } = decision(state, end.ok);
  // A script's interval runs from its start.
  const fromMs = checker.kind === 'MISC_CHECK' ? state.startedAtMs : nowMs;
  state.dueAtMs = Math.max(nowMs, fromMs + delayMs);
  if (end.ok) {
    state.weight = end.weight;
    state.weightAdded = end.weightAdded ?? 0;
  }
  if (verdict !== undefined && verdict !== state.up) {
    state.up = verdict;
    state.lastChangeAtMs = nowMs;
  }
  const isFirst = verdict !== undefined && !state.told;
  if (isFirst) state.told = true;
  const isSame =
    before.up === state.up && before.weight === state.weight && before.weightAdded === state.weightAdded;
  return isFirst || !isSame ? 'tell' : undefined;
}

function count(state: CheckerState, { ok }: Outcome, nowMs: number): void {
  state.attempts++;
  state.lastAttemptAtMs = nowMs;
  if (!ok) state.failures++;
  state.failuresInARow = ok ? 0 : state.failuresInARow + 1;
}

function decision(state: CheckerState, ok: boolean): Decision {
  switch (state.checker.kind) {
    case 'FILE_CHECK':
      return { verdict: ok, delayMs: Infinity };
    case 'HTTP_GET':
    case 'SSL_GET':
      return decideHttp(state, state.checker, ok);
    default:
      return decide(state, ok);
  }
}
