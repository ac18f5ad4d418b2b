/** The `tandem` command, run as a user would from the lab's controller. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { must } from '#base/assert.ts';
import type { RunEvent } from '#control/events.ts';
import type { ExecResult, Lab } from '#lab/lab.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface TandemOptions {
  /** Default 180 000. */
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
  /** Another package than the checkout. */
  readonly root?: string;
  /** Stands before $PATH. */
  readonly path?: string;
  /** Instead of the lab's ssh_config. */
  readonly sshConfig?: string;
}

/** Runs `bin/tandem ARGV --ssh-config …` in the controller's namespace. */
export function tandem(lab: Lab, argv: readonly string[], options: TandemOptions = {}): Promise<ExecResult> {
  const { timeoutMs = 180_000, onLine, path } = options;
  return lab.controllerExec(tandemArgv(lab, argv, options), {
    timeoutMs,
    ...(onLine ? { onLine } : {}),
    ...(path === undefined
      ? {}
      : { env: { ...environment(), PATH: `${path}:${process.env['PATH'] ?? ''}` } }),
  });
}

/** The argv of {@link tandem} in the controller's namespace. */
function tandemArgv(lab: Lab, argv: readonly string[], options: TandemOptions = {}): string[] {
  const { root = ROOT, sshConfig = lab.ssh.configFile } = options;
  const launcher = `${root.replace(/\/$/, '')}/bin/tandem`;
  // Nothing is built inside a user-mode Linux: test/lab/ipvs-lab.lab.test.ts has done it.
  const inside = process.env['UML_OUT'] !== undefined;
  const program = inside ? [process.execPath, `${root}/dist/cli/tandem.mjs`] : [launcher];
  return [...program, ...argv, '--ssh-config', sshConfig];
}

/** What {@link killWhen} saw before it killed. */
interface Killed {
  readonly seen: readonly RunEvent[];
}

/**
 * Runs tandem with `--json` and kills it with SIGKILL at the first event that `condition` accepts. Throws if it ends
 * before.
 */
export function killWhen(
  lab: Lab,
  argv: readonly string[],
  condition: (event: RunEvent) => boolean,
): Promise<Killed> {
  const [file, ...rest] = lab.controllerArgv(tandemArgv(lab, [...argv, '--json']));
  const child = spawn(must(file, 'an argv'), rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const seen: RunEvent[] = [];
  let pending = '';
  let said = '';
  let killed = false;
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (pending + chunk.toString()).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (killed) return;
      const event = JSON.parse(line) as RunEvent;
      seen.push(event);
      if (!condition(event) || child.pid === undefined) continue;
      killed = true;
      process.kill(-child.pid, 'SIGKILL');
    }
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => {
      if (killed) resolve({ seen });
      else
        reject(
          new Error(
            `it ended (${code}) before it could be killed: ${said}\n${JSON.stringify(seen.slice(-5))}`,
          ),
        );
    });
  });
}

/** The events of a `--json` run. Throws if anything else stands on stdout. */
export function eventsOf(result: ExecResult): RunEvent[] {
  return result.stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as RunEvent);
}

/** The totals of a `--json` run. */
export function totalsOf(result: ExecResult): Extract<RunEvent, { type: 'run-done' }>['totals'] {
  const done = eventsOf(result).find(event => event.type === 'run-done');
  if (!done) throw new Error(`no run-done among the events:\n${result.stdout}\n${result.stderr}`);
  return done.totals;
}

/** The resources that a `--json` run of `plan` would change, as `host resource`. */
export function pendingResources(result: ExecResult): string[] {
  return eventsOf(result).flatMap(event =>
    event.type === 'task' && event.status === 'pending'
      ? event.changes.map(change => `${event.host} ${change.resource}`)
      : [],
  );
}

/** The tasks that changed something, as `host task`: none in a run that found nothing to do. */
export function changedTasks(result: ExecResult): string[] {
  return eventsOf(result).flatMap(event =>
    event.type === 'task' && event.status === 'changed'
      ? `${event.host} ${event.task}: ${event.changes.map(change => `${change.resource} ${change.summary}`).join('; ')}`
      : [],
  );
}

/** All that a run said, for the message of an assertion about its exit code. */
export function said(result: ExecResult): string {
  return `exit ${result.code}\n${result.stdout}\n${result.stderr}`;
}

/** The variables of this process that are set. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
