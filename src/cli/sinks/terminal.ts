/** Live progress for people: a row a host by listr2, what happened below it when all is done. */
import { Listr, type ListrTask } from 'listr2';
import type { RunEvent } from '#control/events.ts';
import { eventLines, ms, type TextOptions } from './text.ts';
import type { Output, Renderer } from './sink.ts';

interface Row {
  readonly promise: Promise<void>;
  settle(failure?: Error): void;
  say(text: string): void;
}

export function terminalRenderer(output: Output, options: TextOptions): Renderer {
  const rows = new Map<string, Row>();
  const below: string[] = [];
  let progress: Promise<unknown> = Promise.resolve();

  return {
    emit: event => {
      if (event.type === 'run-start') progress = show(event.hosts, rows);
      const host = 'host' in event ? event.host : undefined;
      const row = host === undefined ? undefined : rows.get(host);
      const line = row && rowText(event);
      if (line !== undefined) row?.say(line);
      if (event.type === 'host-failed') row?.settle(new Error(`${event.step}: ${event.message}`));
      if (event.type === 'host-done') row?.settle();
      if (event.type === 'run-done') for (const open of rows.values()) open.settle();
      below.push(...eventLines(event, options));
    },
    finish: async () => {
      for (const row of rows.values()) row.settle();
      await progress;
      for (const line of below) output.write(`${line}\n`);
    },
  };
}

function show(hosts: readonly string[], rows: Map<string, Row>): Promise<unknown> {
  const tasks = hosts.map((host): ListrTask => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Nobody may be listening yet when a host fails at once.
    promise.catch(() => undefined);
    let speak: (text: string) => void = () => undefined;
    rows.set(host, {
      promise,
      settle: failure => (failure ? reject(failure) : resolve()),
      say: text => speak(text),
    });
    return {
      title: host,
      task: (_, task) => {
        speak = text => {
          task.title = `${host}  ${text}`;
        };
        return promise;
      },
    };
  });
  const list = new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    rendererOptions: { showErrorMessage: false },
  });
  return list.run().catch(() => undefined);
}

/** What a host's row says after this event; undefined leaves it as it is. */
function rowText(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'host-phase':
      return event.detail ? `${event.phase}: ${event.detail}` : event.phase;
    case 'upload':
      return `uploading ${event.what} ${Math.floor((100 * event.sent) / Math.max(1, event.total))} %`;
    case 'gate':
      return `${event.gate}: ${event.status} ${ms(event.elapsedMs)}`;
    case 'host-done':
      return `${event.tally.changed} changed, ${event.tally.pending} pending, ${event.tally.failed} failed`;
    case 'task':
      return event.status === 'ok' || event.status === 'skipped' ? undefined : event.task;
    default:
      return undefined;
  }
}
