import type { Config } from '#conf/model.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import type { Log } from './log.ts';
import { needsWorker, notifyRecords, trackRecords } from './notifier.ts';
import { type WorkerOptions, WorkerSlot, type WorkerState } from './worker-slot.ts';

/** Severity `warning` of RFC 5424 §6.2.1. */
const WARNING = 4;

/** Whom the scripts' results concern. */
export interface ScriptListener {
  result(script: string, success: boolean): void;
  changed(state: WorkerState): void;
}

/** The scripts of a configuration, run by the worker process. */
export class Scripts {
  readonly slot: WorkerSlot;
  readonly #log: Log;
  readonly #listener: ScriptListener;
  /** By id. */
  #tracked = new Map<number, WorkerRecord>();
  readonly #names = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #lastSaid = new Map<number, string>();
  #config: Config;

  constructor(options: WorkerOptions, config: Config, listener: ScriptListener, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#listener = listener;
    this.slot = new WorkerSlot(
      options,
      {
        ready: () => {
          for (const record of this.#tracked.values()) this.slot.send(record);
        },
        record: record => this.#receive(record),
        changed: state => listener.changed(state),
      },
      log,
    );
    this.#tracked = this.#wanted(config);
  }

  /** Starts the worker if anything needs one. */
  start(): void {
    if (needsWorker(this.#config)) this.slot.start();
  }

  /** Goes on with another configuration: scripts that did not change run on undisturbed. */
  reconfigure(config: Config): void {
    this.#config = config;
    const before = this.#tracked;
    this.#tracked = this.#wanted(config);
    for (const id of before.keys())
      if (!this.#tracked.has(id)) this.slot.send({ kind: 'untrackScript', id, code: 0, strings: [] });
    for (const [id, record] of this.#tracked)
      if (JSON.stringify(before.get(id)) !== JSON.stringify(record)) this.slot.send(record);
    this.start();
  }

  notify(action: NotifyAction): void {
    for (const record of notifyRecords(this.#config, action)) this.slot.sendOrHold(record);
  }

  #wanted(config: Config): Map<number, WorkerRecord> {
    return new Map(
      trackRecords(config).map(({ name, record }) => {
        const id = this.#idOf(name);
        return [id, { ...record, id }];
      }),
    );
  }

  #idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#ids.size + 1;
    this.#ids.set(name, id);
    this.#names.set(id, name);
    return id;
  }

  #receive(record: WorkerRecord): void {
    const [said = ''] = record.strings;
    if (record.kind === 'log') {
      if (record.code <= WARNING) this.#log.warning(said, said);
      else this.#log.info(said);
      return;
    }
    const name = this.#names.get(record.id);
    if (record.kind !== 'scriptResult' || name === undefined || !this.#tracked.has(record.id)) return;
    // Said when it changes, not at every run.
    if (this.#lastSaid.get(record.id) !== said) {
      this.#lastSaid.set(record.id, said);
      this.#log.notice(
        said === '' ? `Script \`${name}\` now succeeds` : `Script \`${name}\` ${said}`,
        `script ${name}`,
      );
    }
    this.#listener.result(name, record.code === 0);
  }
}
