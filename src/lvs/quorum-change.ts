import type { LvsAction } from './action.ts';
import { realLabel } from './labels.ts';
import { hasQuorum } from './quorum.ts';
import { liveWeight, type VirtualState } from './state.ts';

/** Decides quorum anew, and says if it changed. */
export function updateQuorum(virtual: VirtualState, actions: LvsAction[]): void {
  if (!virtual.hasBegun) return;
  const had = virtual.quorate;
  const sum = liveWeight(virtual);
  virtual.quorate = hasQuorum(virtual.config, had, sum);
  if (virtual.quorate === had) return;
  const why = `${had ? 'Lost' : 'Gained'} quorum ${comparison(virtual, had, sum)}`;
  actions.push({ kind: 'log', line: `${why} for VS ${virtual.label}` });
  sayPool(virtual, actions);
  actions.push({ kind: 'table', virtual }, { kind: 'quorum', virtual, up: !had, why });
}

/** Quorum of a virtual server that is new. That there is none is told only if a sorry server begins. */
export function startQuorum(virtual: VirtualState, actions: LvsAction[]): void {
  const sum = liveWeight(virtual);
  const up = hasQuorum(virtual.config, false, sum);
  virtual.quorate = up;
  virtual.hasBegun = true;
  actions.push({ kind: 'table', virtual });
  if (!up && !virtual.config.sorryServer) return;
  const reason = comparison(virtual, !up, sum);
  const line = `${up ? 'Gained quorum' : 'Starting with quorum down'} ${reason} for VS ${virtual.label}`;
  actions.push({ kind: 'log', line });
  if (!up) sayPool(virtual, actions);
  const why = `Starting with quorum ${up ? 'up' : 'down'} ${reason}`;
  actions.push({ kind: 'quorum', virtual, up, why });
}

function comparison({ config: { quorum, hysteresis } }: VirtualState, losing: boolean, sum: number): string {
  return losing
    ? `${quorum}-${hysteresis}=${quorum - hysteresis} > ${sum}`
    : `${quorum}+${hysteresis}=${quorum + hysteresis} <= ${sum}`;
}

function sayPool({ config, quorate, label }: VirtualState, actions: LvsAction[]): void {
  const sorry = config.sorryServer;
  if (!sorry) return;
  const verb = sorry.inhibit ? (quorate ? 'Disabling' : 'Enabling') : quorate ? 'Removing' : 'Adding';
  const sorryLine = `${verb} sorry server ${realLabel(sorry, config)} ${quorate ? 'from' : 'to'} VS ${label}`;
  const poolLine = quorate
    ? `Adding alive servers to the pool for VS ${label}`
    : `Removing alive servers from the pool for VS ${label}`;
  actions.push({ kind: 'log', line: sorryLine }, { kind: 'log', line: poolLine });
}
