import type { Config } from '#conf/model.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import type { TrackerEvent } from '#vrrp/event.ts';
import type { VrrpEngine } from '#vrrp/state.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import type { Log } from './log.ts';
import { MailNotices } from './mail.ts';
import { needsWorker, notifyRecords, openFifoRecords, stateRecords } from './notifier.ts';
import { type LoadedServers, ServerOrders, type ServersPlace } from './server-orders.ts';
import { trackOrders, type TrackOrder } from './track-records.ts';
import { type WorkerOptions, WorkerSlot, type WorkerState } from './worker-slot.ts';

/** Severities of RFC 5424 §6.2.1. */
const WARNING = 4;
const NOTICE = 5;

/** Whom the trackers' results concern. */
export interface ScriptListener {
  result(event: TrackerEvent): void;
  changed(state: WorkerState): void;
}

/** What a configuration asks of the worker process: scripts, trackers, notifications, virtual servers. */
export class Scripts {
  readonly slot: WorkerSlot;
  readonly servers: ServerOrders;
  readonly #log: Log;
  readonly #listener: ScriptListener;
  /** By id. */
  #tracked = new Map<number, WorkerRecord>();
  readonly #orders = new Map<number, Pick<TrackOrder, 'kind' | 'name'>>();
  readonly #mail = new MailNotices();
  readonly #ids = new Map<string, number>();
  readonly #lastSaid = new Map<number, string>();
  #config: Config;

  constructor(
    options: WorkerOptions,
    config: Config,
    listener: ScriptListener,
    log: Log,
    place: ServersPlace,
    loaded: LoadedServers,
  ) {
    this.#config = config;
    this.#log = log;
    this.#listener = listener;
    this.slot = new WorkerSlot(
      options,
      {
        ready: () => {
          for (const record of openFifoRecords(this.#config)) this.slot.send(record);
          for (const record of this.#tracked.values()) this.slot.send(record);
          this.servers.repeat();
        },
        record: record => this.#receive(record),
        changed: state => listener.changed(state),
      },
      log,
    );
    this.servers = new ServerOrders(place, config, loaded, record => this.slot.send(record));
    this.#tracked = this.#wanted(config);
  }

  /** Starts the worker if anything needs one. */
  start(): void {
    if (needsWorker(this.#config) || this.servers.isInUse) this.slot.start();
  }

  /** Goes on with another configuration: what did not change is tracked on undisturbed. */
  reconfigure(config: Config, loaded: LoadedServers): void {
    this.#config = config;
    const before = this.#tracked;
    this.#tracked = this.#wanted(config);
    for (const id of before.keys())
      if (!this.#tracked.has(id)) this.slot.send({ kind: 'untrack', id, code: 0, strings: [] });
    for (const [id, record] of this.#tracked)
      if (JSON.stringify(before.get(id)) !== JSON.stringify(record)) this.slot.send(record);
    for (const record of openFifoRecords(config)) this.slot.send(record);
    this.servers.reconfigure(config, loaded);
    this.start();
  }

  /** Writes the states to the FIFOs again, after a reload, if that is asked for. */
  repeatStates(engine: VrrpEngine): void {
    if (!engine.config.globalDefs.fifoWriteVrrpStatesOnReload) return;
    for (const record of stateRecords(engine)) this.slot.sendOrHold(record);
  }

  notify(action: NotifyAction): void {
    this.servers.notify(action);
    for (const record of notifyRecords(this.#config, action)) this.slot.sendOrHold(record);
    const mail = this.#mail.record(this.#config, action);
    if (mail) this.slot.sendOrHold(mail);
  }

  #wanted(config: Config): Map<number, WorkerRecord> {
    return new Map(
      trackOrders(config).map(({ kind, name, record }) => {
        const id = this.#idOf(kind, name);
        return [id, { ...record, id }];
      }),
    );
  }

  #idOf(kind: TrackOrder['kind'], name: string): number {
    const key = `${kind} ${name}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size + 1;
    this.#ids.set(key, id);
    this.#orders.set(id, { kind, name });
    return id;
  }

  #receive(record: WorkerRecord): void {
    const [said = ''] = record.strings;
    if (record.kind === 'log') {
      if (record.code <= WARNING) this.#log.warning(said, said);
      else if (record.code === NOTICE) this.#log.notice(said);
      else this.#log.info(said);
      return;
    }
    if (record.kind === 'servers') {
      this.servers.receive(record);
      return;
    }
    const order = this.#orders.get(record.id);
    if (order && this.#tracked.has(record.id)) this.#tell(order, record, said);
  }

  #tell({ kind, name }: Pick<TrackOrder, 'kind' | 'name'>, record: WorkerRecord, said: string): void {
    switch (record.kind) {
      case 'scriptResult': {
        const what = said === '' ? 'now succeeds' : said;
        this.#sayOnce(record.id, `Script \`${name}\` ${what}`, `script ${name}`);
        this.#listener.result({ kind: 'scriptResult', script: name, success: record.code === 0 });
        break;
      }
      case 'processResult': {
        const what = record.code === 1 ? 'has its quorum' : 'does not have its quorum';
        this.#sayOnce(record.id, `Process \`${name}\` ${what} (${said} running)`, `process ${name}`);
        this.#listener.result({ kind: 'processResult', process: name, quorate: record.code === 1 });
        break;
      }
      case 'fileValue':
        this.#sayOnce(record.id, `File \`${name}\` says ${said}`, `file ${name}`);
        this.#listener.result({ kind: 'fileValue', file: name, value: Number(said) });
        break;
      default:
        this.#log.warning(`the worker sent a record ${record.kind} about ${kind} ${name}`);
    }
  }

  /** Said when it changes, not at every run. */
  #sayOnce(id: number, line: string, subject: string): void {
    if (this.#lastSaid.get(id) === line) return;
    this.#lastSaid.set(id, line);
    this.#log.notice(line, subject);
  }
}
