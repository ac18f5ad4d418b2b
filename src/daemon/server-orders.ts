import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '#conf/model.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import type { LoadedConfiguration } from './configuration.ts';

/** Where the worker finds the configuration that this process has loaded. */
export interface ServersPlace {
  readonly file: string;
  /** `-i`; undefined: the host's name. */
  readonly configId: string | undefined;
  readonly runDir: string;
}

/** What of a loaded configuration concerns the worker. */
export type LoadedServers = Pick<LoadedConfiguration, 'hasServers' | 'sha256'>;

/** How long a report of the worker is waited for. */
const ANSWER_MS = 5000;
/** What is asked for: codes of `askServers`. */
const REPORT = 0;
export const METRICS = 1;

interface Asked {
  readonly pieces: string[];
  readonly done: (pieces: readonly string[]) => void;
}

/** What this process tells the worker about virtual servers, and asks it. */
export class ServerOrders {
  readonly #send: (record: WorkerRecord) => void;
  readonly #asked = new Map<number, Asked>();
  readonly #place: ServersPlace;
  #loaded: LoadedServers;
  #config: Config;
  /** The worker has, or had, virtual servers: it is told of every configuration from then on. */
  #isInUse: boolean;
  /** Of instances, by name: another one may be followed after a reload. */
  readonly #states = new Map<string, string>();
  #lastId = 0;

  constructor(
    place: ServersPlace,
    config: Config,
    loaded: LoadedServers,
    send: (record: WorkerRecord) => void,
  ) {
    this.#place = place;
    this.#config = config;
    this.#loaded = loaded;
    this.#send = send;
    this.#isInUse = loaded.hasServers || existsSync(recordIn(place));
  }

  /** Whether the worker is needed, also to remove what a killed predecessor left. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Another configuration has been loaded. */
  reconfigure(config: Config, loaded: LoadedServers): void {
    this.#config = config;
    this.#loaded = loaded;
    this.#isInUse ||= loaded.hasServers;
    this.repeat();
  }

  /** Tells a new worker everything. */
  repeat(): void {
    if (!this.#isInUse) return;
    const { file, configId } = this.#place;
    this.#tellState();
    const strings = [file, configId ?? '', this.#loaded.sha256(), recordIn(this.#place)];
    this.#send({ kind: 'loadServers', id: 0, code: 0, strings });
  }

  /** An instance may be the one that the synchronisation daemon follows. */
  notify(action: NotifyAction): void {
    if (action.kind !== 'notify' || action.type !== 'INSTANCE') return;
    const { name } = action.router.config;
    this.#states.set(name, keepalivedState(action.router.state));
    if (name === this.#config.globalDefs.lvsSyncDaemon?.instance) this.#tellState();
  }

  /** The worker's report, a JSON array of `VirtualServerStatus` in pieces; an empty one if it does not answer in time. */
  report(): Promise<readonly string[]> {
    return this.#ask(REPORT, '[]');
  }

  /** The worker's metrics, in pieces; empty if it does not answer in time. */
  metrics(): Promise<readonly string[]> {
    return this.#ask(METRICS, '');
  }

  #ask(code: number, nothing: string): Promise<readonly string[]> {
    if (!this.#isInUse) return Promise.resolve([nothing]);
    const id = ++this.#lastId;
    return new Promise(resolve => {
      const done = (pieces: readonly string[]): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(pieces);
      };
      const timer = setTimeout(() => done([nothing]), ANSWER_MS);
      this.#asked.set(id, { pieces: [], done });
      this.#send({ kind: 'askServers', id, code, strings: [] });
    });
  }

  /** A piece of the worker's answer. */
  receive({ id, code, strings }: WorkerRecord): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    asked.pieces.push(strings[0] ?? '');
    if (code === 0) asked.done(asked.pieces);
  }

  #tellState(): void {
    const { instance } = this.#config.globalDefs.lvsSyncDaemon ?? {};
    const state = instance === undefined ? undefined : this.#states.get(instance);
    if (instance === undefined || state === undefined) return;
    this.#send({ kind: 'instanceState', id: 0, code: 0, strings: [instance, state] });
  }
}

function recordIn({ runDir }: ServersPlace): string {
  return join(runDir, 'virtual-servers.json');
}
