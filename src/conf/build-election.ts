import type { InitialState, VrrpVersion } from './model.ts';
import type { Report } from './report.ts';
import { defaultPriority, PRIORITY_DEFAULT, PRIORITY_OWNER } from './timers.ts';
import type { Settings } from './values.ts';

/** What decides who is master. */
export interface Election {
  readonly state: InitialState | undefined;
  readonly priority: number;
  readonly preempt: 'preempt' | 'nopreempt';
  readonly preemptDelayMs: number;
}

/** State, priority and preemption, each as the others allow. */
export function buildElection(name: string, settings: Settings, strict: boolean, report: Report): Election {
  const wanted = buildState(settings, report);
  const fallback = settings.mentions('priority') ? PRIORITY_DEFAULT : defaultPriority(wanted);
  const priority = settings.number('priority') ?? fallback;
  const owner = priority === PRIORITY_OWNER;
  let state = wanted;
  if (strict && wanted !== undefined && (wanted === 'MASTER') !== owner) {
    state = owner ? 'MASTER' : 'BACKUP';
    const message = `strict mode: ${name} starts as ${state}, because MASTER goes with priority 255 and only with it`;
    report.error('strict-state', settings.positionOf('state'), message);
  }
  const nopreempt = settings.lastOf('preempt', 'nopreempt') === 'nopreempt';
  const startsAsMaster = state === 'MASTER' || (state === undefined && owner);
  if (nopreempt && startsAsMaster) {
    const why = owner ? 'priority 255' : '`state MASTER`';
    const message = `nopreempt has no effect on ${name} with ${why}`;
    report.error(
      'nopreempt-master',
      settings.positionOf('nopreempt'),
      message,
      'write `state BACKUP` on all routers',
    );
  }
  const preempt = nopreempt && !startsAsMaster && !owner ? 'nopreempt' : 'preempt';
  return {
    state,
    priority,
    preempt,
    preemptDelayMs: buildPreemptDelay(name, settings, { strict, startsAsMaster, preempt }, report),
  };
}

function buildState(settings: Settings, report: Report): InitialState | undefined {
  const states = settings.all('state');
  const master = states.some(setting => setting.value === 'MASTER');
  const last = states.at(-1);
  if (master && last?.value === 'BACKUP') {
    report.error(
      'state-twice',
      last.statement.position,
      'the state was already given as MASTER; BACKUP is ignored',
    );
  }
  return master ? 'MASTER' : last ? 'BACKUP' : undefined;
}

function buildPreemptDelay(
  name: string,
  settings: Settings,
  facts: { strict: boolean; startsAsMaster: boolean; preempt: string },
  report: Report,
): number {
  const delay = settings.number('preempt_delay') ?? 0;
  if (delay === 0) return 0;
  const why = facts.startsAsMaster
    ? 'it starts as MASTER'
    : facts.strict
      ? 'strict mode forbids it'
      : facts.preempt === 'nopreempt'
        ? 'of nopreempt'
        : undefined;
  if (why === undefined) return delay;
  const message = `preempt_delay has no effect on ${name} because ${why}`;
  report.error('preempt-delay', settings.positionOf('preempt_delay'), message);
  return 0;
}

/** Whether traffic to the addresses is accepted: the default follows strict mode and ownership. */
export function buildAccept(
  name: string,
  settings: Settings,
  facts: { strict: boolean; version: VrrpVersion; priority: number },
  report: Report,
): boolean {
  const owner = facts.priority === PRIORITY_OWNER;
  const given = settings.lastOf('accept', 'no_accept');
  if (given === undefined) return owner || !facts.strict;
  if (given === 'no_accept') return false;
  if (owner || !facts.strict || facts.version === 3) return true;
  const message = `${name} cannot have \`accept\`: strict mode of version 2 does not know it`;
  report.error('strict-accept', settings.positionOf('accept'), message);
  return false;
}
