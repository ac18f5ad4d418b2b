import { spawn } from 'node:child_process';
import { must } from '#base/assert.ts';
import { awaitCondition } from './await-condition.ts';
import { controllerArgv, hostArgv, inCgroup } from './exec.ts';
import type { LabContext } from './host.ts';
import { LabError } from './lab-error.ts';
import { measure, parsePingLine, type PingAnswer, type ProbeReport } from './ping-output.ts';

/** How reachability is measured while something fails over. */
export interface ProbeOptions {
  /** Milliseconds between echoes, 1–10 000. Default 10. */
  readonly intervalMs?: number;
  /** The prober ends by itself after this long. Default 120 000, at most 600 000. */
  readonly maxMs?: number;
}

/** A running measurement. */
export interface Prober {
  /** What has been measured so far. */
  report(): ProbeReport;
  /** Resolves with the first answer that arrives from now on; rejects after `timeoutMs`. */
  nextAnswer(timeoutMs: number): Promise<void>;
  /** Ends the measurement and reports. Idempotent. */
  stop(): Promise<ProbeReport>;
}

const STOP_TIMEOUT_MS = 5_000;

/** Starts ping(8) on a host, or on the machine in the controller's namespace. */
export async function startProber(
  lab: LabContext,
  from: string,
  address: string,
  options: ProbeOptions = {},
): Promise<Prober> {
  const ping = pingArgv(address, options);
  const argv =
    from === 'controller'
      ? [...inCgroup(lab.paths.toolsCgroup), ...controllerArgv(lab, ping)]
      : hostArgv(lab, from, ping);
  const startedAtMs = Date.now();
  const running = startPing(argv);
  const report = () => measure(running.answers, startedAtMs, running.endedAtMs() ?? Date.now());
  return {
    report,
    nextAnswer: async timeoutMs => {
      const sinceMs = Date.now();
      const condition = () => {
        if (running.answers.some(answer => answer.answered && answer.timeMs >= sinceMs)) return true;
        if (running.endedAtMs() === undefined) return undefined;
        throw new LabError(`${from}: ping ${address} has ended: ${running.said()}`);
      };
      await awaitCondition(`${from}: an answer of ${address}`, timeoutMs, condition, 2);
    },
    stop: async () => {
      running.interrupt();
      await awaitCondition(`${from}: end of ping ${address}`, STOP_TIMEOUT_MS, () => running.endedAtMs());
      return report();
    },
  };
}

function pingArgv(address: string, { intervalMs = 10, maxMs = 120_000 }: ProbeOptions): string[] {
  if (!(intervalMs >= 1 && intervalMs <= 10_000)) {
    throw new LabError(`an interval is 1–10000 ms, not ${intervalMs}`);
  }
  if (!(maxMs > 0 && maxMs <= 600_000)) throw new LabError(`a probe lasts at most 600000 ms, not ${maxMs}`);
  const bounds = ['-i', String(intervalMs / 1000), '-w', String(Math.ceil(maxMs / 1000))];
  // Without a terminal ping's answers would wait in a buffer of 4 KiB.
  return ['stdbuf', '-oL', 'ping', '-n', '-D', '-O', ...bounds, address];
}

interface RunningPing {
  /** Grows while ping runs. */
  readonly answers: readonly PingAnswer[];
  /** Undefined while ping runs. */
  endedAtMs(): number | undefined;
  /** Its stderr. */
  said(): string;
  interrupt(): void;
}

function startPing(argv: readonly string[]): RunningPing {
  const child = spawn(must(argv[0], 'an argv'), argv.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const answers: PingAnswer[] = [];
  let rest = '';
  let said = '';
  let endedAtMs: number | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer = parsePingLine(line);
      if (answer) answers.push(answer);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.once('close', () => (endedAtMs ??= Date.now()));
  child.once('error', cause => {
    said += cause.message;
    endedAtMs ??= Date.now();
  });
  return {
    answers,
    endedAtMs: () => endedAtMs,
    said: () => said.trim(),
    interrupt: () => {
      if (child.pid !== undefined && endedAtMs === undefined) interruptGroup(child.pid);
    },
  };
}

/** nsenter forks for a host's PID namespace: the signal must reach the whole group. */
function interruptGroup(group: number): void {
  try {
    process.kill(-group, 'SIGINT');
  } catch {
    // It ended by itself.
  }
}
