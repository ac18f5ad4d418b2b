import type { Tracker, Trackers, VrrpScript } from '#conf/model.ts';
import { PRIORITY_OWNER } from '#wire/vrrp.ts';
import type { Fault, VirtualRouter, VrrpEngine } from './state.ts';

export type TrackerKind = 'interface' | 'script' | 'process' | 'file';

/** What is known of one tracked script, process or file. */
export interface TrackerState {
  readonly kind: 'script' | 'process' | 'file';
  readonly name: string;
  /** `init`: no result yet. */
  verdict: 'init' | 'up' | 'down';
  /** Results in a row that contradict the verdict (scripts). */
  streak: number;
  /** Last number read (files). */
  value: number;
}

/** Weights at or beyond this are a fault: keepalived's limit for files and processes. */
const FAULT_WEIGHT = -254;
const MAX_WEIGHT = 253;

/** Key of `engine.trackers`. */
export function trackerKey(kind: TrackerKind, name: string): string {
  return `${kind} ${name}`;
}

/** A tracker before its first result; a script with `init_fail` counts as failed until `rise` successes. */
export function newTracker(kind: TrackerState['kind'], name: string, initFail = false): TrackerState {
  return { kind, name, verdict: initFail ? 'down' : 'init', streak: 0, value: 0 };
}

/**
 * One run of a script. The first result decides at once; then `rise` successes or `fall` failures in a row change the
 * verdict. Returns whether it changed.
 */
export function applyScriptResult(state: TrackerState, script: VrrpScript, success: boolean): boolean {
  const result = success ? 'up' : 'down';
  if (result === state.verdict) {
    state.streak = 0;
    return false;
  }
  state.streak++;
  const needed = state.verdict === 'init' ? 1 : success ? script.rise : script.fall;
  if (state.streak < needed) return false;
  state.verdict = result;
  state.streak = 0;
  return true;
}

/** What one tracker does to an instance: a change of priority, or a fault. */
export interface Effect {
  readonly kind: TrackerKind;
  readonly name: string;
  readonly delta: number;
  readonly fault: Fault | undefined;
}

/** Every tracker that bears on `router`: its own and its sync group's. */
export function effectsOn(engine: VrrpEngine, router: VirtualRouter): Effect[] {
  const { group } = router;
  const own = effectsOf(engine, router.config, !group || group.config.syncGroupTrackingWeight);
  return group ? [...own, ...effectsOf(engine, group.config, true)] : own;
}

function effectsOf(engine: VrrpEngine, trackers: Trackers, weightedScripts: boolean): Effect[] {
  const scripts = weightedScripts
    ? trackers.trackScripts
    : trackers.trackScripts.filter(tracker => tracker.weight === 0);
  return [
    ...trackers.trackInterfaces.map(tracker => interfaceEffect(engine, tracker)),
    ...scripts.map(tracker => verdictEffect(engine, 'script', tracker)),
    ...trackers.trackProcesses.map(tracker => verdictEffect(engine, 'process', tracker)),
    ...trackers.trackFiles.map(tracker => fileEffect(engine, tracker)),
  ];
}

function interfaceEffect(engine: VrrpEngine, tracker: Tracker): Effect {
  const isUp = engine.interfaces.get(tracker.name)?.up ?? false;
  return weigh('interface', tracker, isUp, `tracked interface ${tracker.name} is ${isUp ? 'up' : 'down'}`);
}

function verdictEffect(engine: VrrpEngine, kind: 'script' | 'process', tracker: Tracker): Effect {
  const verdict = engine.trackers.get(trackerKey(kind, tracker.name))?.verdict ?? 'init';
  const { name } = tracker;
  if (verdict === 'init') {
    const fault = { reason: `${kind} ${name} has no result yet`, pending: true };
    return { kind, name, delta: 0, fault: tracker.weight === 0 ? fault : undefined };
  }
  const outcome = kind === 'script' ? (verdict === 'up' ? 'succeeds' : 'fails') : `is ${verdict}`;
  return weigh(kind, tracker, verdict === 'up', `${kind} ${name} ${outcome}`);
}

/** Weight 0: failure is a fault. +N: up adds N. −N: down subtracts N. `reverse` swaps up and down. */
function weigh(kind: TrackerKind, tracker: Tracker, isUp: boolean, reason: string): Effect {
  const { name, weight, reverse } = tracker;
  const good = isUp !== reverse;
  if (weight === 0) return { kind, name, delta: 0, fault: good ? undefined : { reason, pending: false } };
  const delta = weight > 0 ? (good ? weight : 0) : good ? 0 : weight;
  const isFault = delta <= FAULT_WEIGHT;
  return { kind, name, delta: isFault ? 0 : delta, fault: isFault ? { reason, pending: false } : undefined };
}

/** value × weight, −254 or less being a fault; weight 0: any value but 0 is one (with `reverse`: 0 is). */
function fileEffect(engine: VrrpEngine, tracker: Tracker): Effect {
  const { name, weight, reverse } = tracker;
  const kind = 'file';
  const state = engine.trackers.get(trackerKey(kind, name));
  if (state === undefined || state.verdict === 'init') return { kind, name, delta: 0, fault: undefined };
  const fault = { reason: `file ${name} says ${state.value}`, pending: false };
  if (weight === 0)
    return { kind, name, delta: 0, fault: (state.value !== 0) !== reverse ? fault : undefined };
  const product = state.value * weight * (reverse ? -1 : 1);
  if (product <= FAULT_WEIGHT) return { kind, name, delta: 0, fault };
  return { kind, name, delta: Math.min(product, MAX_WEIGHT), fault: undefined };
}

/** Configured priority plus weights, clamped to 1–254; 255 owns the addresses and is left alone. */
export function effectivePriority(engine: VrrpEngine, router: VirtualRouter): number {
  const base = router.config.priority;
  if (base === PRIORITY_OWNER) return base;
  const sum = effectsOn(engine, router).reduce((total, effect) => total + effect.delta, base);
  return Math.min(254, Math.max(1, sum));
}
