import type { LvsAction } from './action.ts';
import { destinationName } from './keys.ts';
import type { SeenService } from './ports.ts';
import { startQuorum, updateQuorum } from './quorum-change.ts';
import { destinationKey } from './services.ts';
import type { LvsState, Opinion, RealState, VirtualState } from './state.ts';
import { weightOf } from './weight.ts';

export type LvsEvent =
  /** Checkers of a configuration are under way, and files have been read; `rs_init_notifies`: who is up is told. */
  | { readonly kind: 'begin'; readonly tellsReals: boolean }
  /** A checker has told its first verdict, or a new one. */
  | { readonly kind: 'verdict'; readonly checkId: number; readonly opinion: Opinion }
  /** Which addresses this host has, for `ha_suspend`. */
  | { readonly kind: 'addresses'; readonly isLocal: (address: Uint8Array) => boolean }
  /** The kernel's table has been read. */
  | { readonly kind: 'seen'; readonly services: readonly SeenService[] }
  /** We stop in good order. */
  | { readonly kind: 'stop' };

/** Takes the virtual servers one step further, but for another configuration (`configure.ts`); what is to be done is appended to `actions`. */
export function step(state: LvsState, event: LvsEvent, nowMs: number, actions: LvsAction[]): void {
  switch (event.kind) {
    case 'begin':
      for (const virtual of state.virtuals) if (!virtual.hasBegun) begin(virtual, event.tellsReals, actions);
      break;
    case 'verdict':
      judge(state, event.checkId, event.opinion, actions);
      break;
    case 'addresses':
      for (const virtual of state.virtuals) suspend(virtual, event.isLocal, actions);
      break;
    case 'seen':
      endDrains(state, event.services, nowMs, actions);
      break;
    case 'stop':
      for (const virtual of state.virtuals) if (virtual.config.omega) tellDown(virtual, actions);
      break;
  }
}

function begin(virtual: VirtualState, tellsReals: boolean, actions: LvsAction[]): void {
  for (const real of tellsReals ? virtual.reals : [])
    if (real.alive) actions.push({ kind: 'realServer', virtual, real, up: true });
  startQuorum(virtual, actions);
}

function judge(state: LvsState, checkId: number, opinion: Opinion, actions: LvsAction[]): void {
  const found = state.checks.get(checkId);
  if (!found) return;
  const { virtual, real, check } = found;
  const isFirst = !check.hasSpoken;
  const wasUp = check.opinion.up;
  check.opinion = opinion;
  check.hasSpoken = true;
  changeWeight(virtual, real, actions);
  const alive = real.checks.every(each => each.opinion.up);
  if (alive !== real.alive) changeState(virtual, real, alive, actions);
  // alpha: that it is really down is told too.
  else if (isFirst && !wasUp && !opinion.up) actions.push({ kind: 'realServer', virtual, real, up: false });
  updateQuorum(virtual, actions);
}

function changeWeight(virtual: VirtualState, real: RealState, actions: LvsAction[]): void {
  const weight = weightOf(real);
  if (weight === real.weight) return;
  const activity = real.alive ? 'active' : 'inactive';
  const line = `Changing weight from ${real.weight} to ${weight} for ${activity} service ${real.label} of VS ${virtual.label}`;
  actions.push({ kind: 'log', line }, { kind: 'table', virtual });
  real.weight = weight;
}

function changeState(virtual: VirtualState, real: RealState, up: boolean, actions: LvsAction[]): void {
  const { inhibitOnFailure } = real.config;
  const verb = inhibitOnFailure ? (up ? 'Enabling' : 'Disabling') : up ? 'Adding' : 'Removing';
  const place = inhibitOnFailure ? 'of' : up ? 'to' : 'from';
  real.alive = up;
  actions.push(
    { kind: 'log', line: `${verb} service ${real.label} ${place} VS ${virtual.label}` },
    { kind: 'table', virtual },
    { kind: 'realServer', virtual, real, up },
  );
}

function suspend(
  virtual: VirtualState,
  isLocal: (address: Uint8Array) => boolean,
  actions: LvsAction[],
): void {
  const { haSuspend } = virtual.config;
  const isHere = virtual.services.some(({ key }) => key.kind !== 'address' || isLocal(key.address));
  const suspended = haSuspend && !isHere;
  if (suspended === virtual.suspended) return;
  virtual.suspended = suspended;
  const line = `${suspended ? 'Suspending' : 'Activating'} healthcheckers of VS ${virtual.label}`;
  actions.push({ kind: 'log', line });
  for (const { checks } of virtual.reals)
    for (const { id } of checks) actions.push({ kind: 'suspendCheck', id, suspended });
}

function endDrains(
  { virtuals }: LvsState,
  services: readonly SeenService[],
  nowMs: number,
  actions: LvsAction[],
): void {
  if (virtuals.every(({ draining }) => draining.length === 0)) return;
  const connections = new Map<string, number>();
  for (const { destinations } of services)
    for (const each of destinations) {
      const name = destinationName(each);
      const count = each.activeConnections + each.inactiveConnections;
      connections.set(name, (connections.get(name) ?? 0) + count);
    }
  for (const virtual of virtuals) {
    const before = virtual.draining.length;
    virtual.draining = virtual.draining.filter(({ config, label, untilMs }) => {
      const left = virtual.services
        .map(({ key }) => connections.get(destinationName(destinationKey(key, config))) ?? 0)
        .reduce((sum, count) => sum + count, 0);
      if (nowMs < untilMs && left > 0) return true;
      const line = `Removing drained service ${label} from VS ${virtual.label}: ${left} connections left`;
      actions.push({ kind: 'log', line });
      return false;
    });
    if (virtual.draining.length < before) actions.push({ kind: 'table', virtual });
  }
}

/** `omega`: what goes away with us is told as down. */
function tellDown(virtual: VirtualState, actions: LvsAction[]): void {
  for (const real of virtual.reals)
    if (real.alive) actions.push({ kind: 'realServer', virtual, real, up: false, why: 'Shutting down' });
  if (virtual.quorate) actions.push({ kind: 'quorum', virtual, up: false, why: 'Shutting down' });
}
