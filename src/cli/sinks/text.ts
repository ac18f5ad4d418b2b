/** Events as lines of text: what is said without a terminal, and what is left standing with one. Pure. */
import { formatDiagnostic } from '#base/errors.ts';
import type { HostTally, RunEvent, TaskStatus } from '#control/events.ts';
import { changeLines } from './changes.ts';
import type { Paint, Tone } from './color.ts';

export interface TextOptions {
  readonly diff: boolean;
  /** Also say what was fine or skipped, and each phase. */
  readonly verbose: boolean;
  readonly paint: Paint;
}

const TONES: Record<TaskStatus, Tone> = {
  ok: 'good',
  changed: 'change',
  pending: 'change',
  unknown: 'change',
  skipped: 'dim',
  failed: 'bad',
};

/** The lines for one event; none for those that only a progress display shows. */
export function eventLines(event: RunEvent, options: TextOptions): string[] {
  const { paint } = options;
  switch (event.type) {
    case 'diagnostic':
      return [
        paint(event.diagnostic.severity === 'error' ? 'bad' : 'change', formatDiagnostic(event.diagnostic)),
      ];
    case 'host-connected':
      return options.verbose
        ? [`${event.host}: connected by ${event.transport} in ${ms(event.elapsedMs)}`]
        : [];
    case 'host-phase':
      return options.verbose
        ? [`${event.host}: ${event.phase}${event.detail ? ` (${event.detail})` : ''}`]
        : [];
    case 'task':
      return taskLines(event, options);
    case 'handler':
      return [
        `${event.host}: handler ${event.handler}: ${paint(event.status === 'failed' ? 'bad' : 'change', event.status)}`,
      ];
    case 'gate':
      return gateLines(event, options);
    case 'switchover':
      return [
        `${event.cluster}: planned switchover of ${event.instances.join(', ')} away from ${event.from}`,
      ];
    case 'failover': {
      const tone = event.status === 'refused' || event.status === 'failed' ? 'bad' : 'good';
      return [`${event.cluster}: ${paint(tone, event.status)}: ${event.message}`];
    }
    case 'drain':
      return [paint('change', `${event.cluster}: ${drainLine(event)}`)];
    case 'wire-breaking':
      return [paint('change', `${event.cluster}: ${wireLine(event)}`)];
    case 'warning':
      return [paint('change', `${event.host ? `${event.host}: ` : ''}warning: ${event.message}`)];
    case 'host-failed':
      return [
        paint(
          'bad',
          `${event.host}: ${event.unreachable ? 'unreachable' : 'failed'}: ${event.step}: ${event.message}`,
        ),
      ];
    case 'host-done':
      return [`${event.host}: ${tally(event.host, event.tally, paint)}`];
    case 'run-done':
      return [`${tally('', event.totals, paint)} in ${ms(event.elapsedMs)}`];
    case 'run-start':
    case 'upload':
      return [];
  }
}

function drainLine({ hosts, status, connections, elapsedMs }: Extract<RunEvent, { type: 'drain' }>): string {
  const who = hosts.join(', ');
  switch (status) {
    case 'yielded':
      return `${who} is MASTER of nothing, and becomes it only if nobody else can`;
    case 'draining':
      return `${who} gets no new connections, and ${connections} are open or closing`;
    case 'drained':
      return `${who} gets no new connections, and none is open after ${ms(elapsedMs)}`;
    case 'removed':
      return `its directors send nothing to ${who} any more`;
    case 'undrained':
      return `${who} serves again`;
  }
}

function wireLine(event: Extract<RunEvent, { type: 'wire-breaking' }>): string {
  const what = event.instances.map(({ instance, keywords }) => `${instance} (${keywords.join(', ')})`);
  const about = `${what.join(', ')}, across which its routers do not understand each other`;
  const how = `rolled with the backups stopped, about ${event.expectedSeconds} s without redundancy`;
  switch (event.status) {
    case 'planned':
      return `a change of ${about}: ${how}`;
    case 'refused':
      return `a change of ${about}: not done without --allow-unprotected ${event.expectedSeconds} (${how})`;
    case 'started':
      return `a change of ${about}: now ${how}`;
    case 'done':
      return `redundancy was away for ${ms(event.elapsedMs ?? 0)}`;
  }
}

function taskLines(event: Extract<RunEvent, { type: 'task' }>, options: TextOptions): string[] {
  if (!options.verbose && (event.status === 'ok' || event.status === 'skipped')) return [];
  const name = event.role ? `${event.role} : ${event.task}` : event.task;
  const reason = event.reason ? ` (${event.reason})` : '';
  const head = `${event.host}: ${options.paint(TONES[event.status], event.status)}: ${name}${reason}`;
  const changes = event.changes.flatMap(change => changeLines(change, options.diff, options.paint));
  return [head, ...changes.map(line => `    ${line}`)];
}

function gateLines(event: Extract<RunEvent, { type: 'gate' }>, options: TextOptions): string[] {
  if (event.status === 'waiting') return [];
  const detail = event.detail ? `: ${event.detail}` : '';
  const verdict = options.paint(event.status === 'passed' ? 'good' : 'bad', event.status);
  return [`${event.host}: gate ${event.gate} ${verdict} after ${ms(event.elapsedMs)}${detail}`];
}

/** `12 ok, 3 changed`: zeroes are left out, except that nothing changed is worth saying. */
function tally(host: string, counts: HostTally, paint: Paint): string {
  const said: string[] = [
    paint('good', `${counts.ok} ok`),
    paint(counts.changed ? 'change' : 'dim', `${counts.changed} changed`),
  ];
  if (counts.pending) said.push(paint('change', `${counts.pending} pending`));
  if (counts.unknown) said.push(paint('change', `${counts.unknown} unknown`));
  if (counts.skipped) said.push(paint('dim', `${counts.skipped} skipped`));
  if (counts.failed) said.push(paint('bad', `${counts.failed} failed`));
  return `${host ? '' : 'all hosts: '}${said.join(', ')}`;
}

/** Milliseconds for people: `840 ms`, `2.3 s`, `4 min 10 s`. */
export function ms(elapsedMs: number): string {
  if (elapsedMs < 1000) return `${Math.round(elapsedMs)} ms`;
  if (elapsedMs < 60_000) return `${(elapsedMs / 1000).toFixed(1)} s`;
  return `${Math.floor(elapsedMs / 60_000)} min ${Math.round((elapsedMs % 60_000) / 1000)} s`;
}
