import { Socket } from 'node:net';
import { messageOf } from '#base/errors.ts';
import {
  SCRIPT_NOT_RUN,
  type WorkerRecord,
  type WorkerRecordKind,
  WorkerRecordReader,
} from '#wire/worker.ts';
import { FifoWriters } from './fifo.ts';
import { FileTrackers } from './file-trackers.ts';
import { Mailer } from './mailer.ts';
import { Notifications } from './notifications.ts';
import { ParentLink } from './parent-link.ts';
import { ProcessTrackers } from './process-trackers.ts';
import { readFifo, readMail, readProcess } from './records.ts';
import { ServerDesk } from './server-desk.ts';
import { ScriptTrackers } from './trackers.ts';

/** The socket pair that the VRRP process gave us. */
const PARENT_DESCRIPTOR = 3;
const WARNING = 4;

/** What the worker works with. */
interface Tools {
  readonly scripts: ScriptTrackers;
  readonly files: FileTrackers;
  readonly processes: ProcessTrackers;
  readonly notifications: Notifications;
  readonly fifos: FifoWriters;
  readonly mailer: Mailer;
  readonly servers: ServerDesk;
  readonly send: (record: WorkerRecord) => void;
  readonly warn: (line: string) => void;
  /** Ends the process when everything that was sent is on its way. */
  readonly leave: () => void;
}

/**
 * The worker process: does for the VRRP process what takes time (scripts, files, /proc, FIFOs, mail, virtual
 * servers) and ends when that
 * is gone.
 */
export function runWorker(): void {
  const parent = new Socket({ fd: PARENT_DESCRIPTOR });
  const reader = new WorkerRecordReader();
  const link = new ParentLink(parent);
  const send = (each: WorkerRecord): void => link.send(each);
  const warn = (line: string): void => send(record('log', 0, WARNING, line));
  const notifications = new Notifications(warn);
  const fifos = new FifoWriters(warn);
  const mailer = new Mailer(warn);
  const tools: Tools = {
    scripts: new ScriptTrackers((id, exit) => send(scriptResult(id, exit.code, exit.said))),
    files: new FileTrackers((id, value) => send(record('fileValue', id, 0, String(value))), warn),
    processes: new ProcessTrackers((id, quorate, count) =>
      send(record('processResult', id, quorate ? 1 : 0, String(count))),
    ),
    notifications,
    fifos,
    mailer,
    servers: new ServerDesk(link, { notifications, fifos, mailer }),
    send,
    warn,
    leave: () => link.leave(),
  };

  parent.on('data', chunk => {
    for (const received of reader.push(chunk)) obey(tools, received);
  });
  parent.on('error', () => process.exit(1));
  parent.on('close', () => process.exit(0));
  // A terminal's ^C goes to the whole group; the VRRP process decides when we end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  send(record('ready', 0, 0));
  link.keepAlive();
}

function record(kind: WorkerRecordKind, id: number, code: number, ...strings: string[]): WorkerRecord {
  return { kind, id, code, strings };
}

function scriptResult(id: number, code: number, said: string): WorkerRecord {
  return record('scriptResult', id, code, said);
}

function obey(tools: Tools, received: WorkerRecord): void {
  const { id, strings } = received;
  const [first = '', second = '', third = '', ...rest] = strings;
  switch (received.kind) {
    case 'trackScript':
      trackScript(tools, received);
      break;
    case 'trackFile':
      tools.files.track(id, first);
      break;
    case 'trackProcess':
      tools.processes.track(id, readProcess(strings));
      break;
    case 'untrack':
      for (const trackers of [tools.scripts, tools.files, tools.processes]) trackers.untrack(id);
      break;
    case 'notify':
      tools.notifications.add(first, { user: second, group: third, argv: rest });
      break;
    case 'fifo':
      tools.fifos.open(...readFifo(strings));
      break;
    case 'fifoLine':
      tools.fifos.write(first, second);
      break;
    case 'mail':
      tools.mailer.add(readMail(strings));
      break;
    case 'loadServers':
    case 'instanceState':
    case 'askServers':
      tools.servers.obey(received);
      break;
    case 'finish':
      finish(tools);
      break;
    case 'ready':
    case 'heartbeat':
    case 'scriptResult':
    case 'fileValue':
    case 'processResult':
    case 'log':
    case 'servers':
      tools.warn(`the worker was sent a record of its own kind: ${received.kind}`);
      break;
  }
}

function trackScript({ scripts, send }: Tools, { id, strings }: WorkerRecord): void {
  const [intervalMs, timeoutMs, user = '', group = '', ...argv] = strings;
  try {
    scripts.track(id, { intervalMs: Number(intervalMs), timeoutMs: Number(timeoutMs), user, group, argv });
  } catch (error) {
    send(scriptResult(id, SCRIPT_NOT_RUN, messageOf(error)));
  }
}

/** What waits is done; what goes on for ever is ended. */
function finish(tools: Tools): void {
  const { scripts, files, processes, notifications, mailer, fifos, servers, leave } = tools;
  servers.stop();
  for (const trackers of [scripts, files, processes]) trackers.close();
  fifos.close(() => notifications.whenIdle(() => mailer.whenIdle(leave)));
}

if (import.meta.main) runWorker();
