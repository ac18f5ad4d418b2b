import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '#conf/model.ts';
import type { VirtualServerStatus } from '#control/server-status.ts';
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
const ANSWER_MS = 2000;

interface Asked {
  readonly pieces: string[];
  readonly done: (servers: readonly VirtualServerStatus[]) => void;
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

  /** Asks the worker; nothing if it has none, or does not answer in time. */
  ask(): Promise<readonly VirtualServerStatus[]> {
    if (!this.#isInUse) return Promise.resolve([]);
    const id = ++this.#lastId;
    return new Promise(resolve => {
      const done = (servers: readonly VirtualServerStatus[]): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(servers);
      };
      const timer = setTimeout(() => done([]), ANSWER_MS);
      this.#asked.set(id, { pieces: [], done });
      this.#send({ kind: 'askServers', id, code: 0, strings: [] });
    });
  }

  /** A piece of the worker's answer. */
  receive({ id, code, strings }: WorkerRecord): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    asked.pieces.push(strings[0] ?? '');
    if (code === 0) asked.done(JSON.parse(asked.pieces.join('')) as VirtualServerStatus[]);
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
