import { Socket } from 'node:net';
import { messageOf } from '#base/errors.ts';
import { encodeWorkerRecord, SCRIPT_NOT_RUN, type WorkerRecord, WorkerRecordReader } from '#wire/worker.ts';
import { FifoWriters } from './fifo.ts';
import { Notifications } from './notifications.ts';
import { ScriptTrackers } from './trackers.ts';

/** The socket pair that the VRRP process gave us. */
const PARENT_DESCRIPTOR = 3;
const HEARTBEAT_MS = 1000;
const WARNING = 4;

/**
 * The worker process: runs tracking and notification scripts for the VRRP process, which may not fork, and ends when
 * that is gone.
 */
export function runWorker(): void {
  const parent = new Socket({ fd: PARENT_DESCRIPTOR });
  const reader = new WorkerRecordReader();
  const send = (record: WorkerRecord): void => void parent.write(encodeWorkerRecord(record));
  const warn = (line: string): void => send({ kind: 'log', id: 0, code: WARNING, strings: [line] });
  const result = (id: number, code: number, said: string): void =>
    send({ kind: 'scriptResult', id, code, strings: [said] });
  const trackers = new ScriptTrackers((id, exit) => result(id, exit.code, exit.said));
  const notifications = new Notifications(warn);
  const fifos = new FifoWriters(warn);

  const obey = (record: WorkerRecord): void => {
    const [first = '', second = '', third = '', fourth = '', ...argv] = record.strings;
    switch (record.kind) {
      case 'trackScript':
        try {
          const timing = { intervalMs: Number(first), timeoutMs: Number(second) };
          trackers.track(record.id, { ...timing, user: third, group: fourth, argv });
        } catch (error) {
          result(record.id, SCRIPT_NOT_RUN, messageOf(error));
        }
        break;
      case 'untrackScript':
        trackers.untrack(record.id);
        break;
      case 'notify':
        notifications.add(first, { user: second, group: third, argv: [fourth, ...argv] });
        break;
      case 'fifoLine':
        fifos.write(first, second);
        break;
      case 'finish':
        trackers.close();
        notifications.whenIdle(() => process.exit(0));
        break;
      case 'ready':
      case 'heartbeat':
      case 'scriptResult':
      case 'log':
        warn(`the worker was sent a record of its own kind: ${record.kind}`);
        break;
    }
  };

  parent.on('data', chunk => {
    for (const record of reader.push(chunk)) obey(record);
  });
  parent.on('error', () => process.exit(1));
  parent.on('close', () => process.exit(0));
  // A terminal's ^C goes to the whole group; the VRRP process decides when we end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  send({ kind: 'ready', id: 0, code: 0, strings: [] });
  setInterval(() => send({ kind: 'heartbeat', id: 0, code: 0, strings: [] }), HEARTBEAT_MS);
}

if (import.meta.main) runWorker();
