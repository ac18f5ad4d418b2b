import { readFileSync, rmSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { Ipvs } from '#linux/ports.ts';
import type { SyncDaemon } from '#lvs/ports.ts';
import { replaceFile } from './replace-file.ts';

/**
 * `lvs_sync_daemon`: the roles that should run: of an instance that is MASTER `master`, otherwise `backup`; without an
 * instance both. `states`: of instances, by name.
 */
export function wantedSyncDaemons(config: Config, states: ReadonlyMap<string, string>): SyncDaemon[] {
  const sync = config.globalDefs.lvsSyncDaemon;
  if (!sync) return [];
  const follows = config.vrrpInstances.find(({ name }) => name === sync.instance);
  const roleOfInstance = states.get(sync.instance ?? '') === 'MASTER' ? 'master' : 'backup';
  const roles = sync.instance === undefined ? (['master', 'backup'] as const) : ([roleOfInstance] as const);
  return roles.map(role => ({
    role,
    interfaceName: sync.interface,
    syncId: sync.id ?? follows?.virtualRouterId ?? 0,
    maxLength: sync.maxlen,
    port: sync.port,
    ttl: sync.ttl,
    group: sync.group,
  }));
}

/** What tells one synchronisation daemon from another; the rest has the kernel's defaults when it is read back. */
type Identity = Pick<SyncDaemon, 'role' | 'interfaceName' | 'syncId'>;

/**
 * Keeps the kernel's synchronisation daemons as they should be. There is one for each role, so a role that is wanted
 * is ours whoever runs it; of the other only what we, or a killed predecessor, started is stopped.
 */
export class SyncDaemons {
  readonly #ipvs: Ipvs;
  readonly #path: string;
  readonly #warn: (line: string) => void;
  #wanted: readonly SyncDaemon[] = [];
  #ours: readonly Identity[];
  #said = new Set<string>();

  /** `path`: the file that remembers, across processes, which are ours. */
  constructor(ipvs: Ipvs, path: string, warn: (line: string) => void) {
    this.#ipvs = ipvs;
    this.#path = path;
    this.#warn = warn;
    this.#ours = readRecord(path);
  }

  /** Other ones are wanted from now on. */
  want(wanted: readonly SyncDaemon[]): void {
    this.#wanted = wanted;
    this.hold();
  }

  /** Puts right what differs: somebody stopped one, or its interface has come. */
  hold(): void {
    if (this.#wanted.length === 0 && this.#ours.length === 0) return;
    const running = this.#ipvs.syncDaemons();
    if (!running.ok) {
      this.#sayNew([running.failure.message]);
      return;
    }
    const surplus = running.value.filter(each => !has(this.#wanted, each) && this.#mayStop(each));
    const missing = this.#wanted.filter(each => !has(running.value, each));
    const strangers = surplus.filter(each => !has(this.#ours, each));
    this.#claim([...this.#wanted, ...surplus]);
    const failures = [
      ...surplus.map(({ role }) => this.#ipvs.stopSync(role)),
      ...missing.map(each => this.#ipvs.startSync(each)),
    ];
    this.#sayNew([
      ...strangers.map(
        each => `the synchronisation daemon ${describe(each)} is replaced by the configured one`,
      ),
      ...failures.flatMap(failure => (failure ? [failure.message] : [])),
    ]);
  }

  /** Stops ours; others go on. */
  stop(): void {
    this.want([]);
    this.#ours = [];
    rmSync(this.#path, { force: true });
  }

  #mayStop(running: SyncDaemon): boolean {
    return has(this.#ours, running) || this.#wanted.some(({ role }) => role === running.role);
  }

  #claim(daemons: readonly Identity[]): void {
    const ours = daemons.map(({ role, interfaceName, syncId }) => ({ role, interfaceName, syncId }));
    const text = JSON.stringify(ours);
    const isSame = text === JSON.stringify(this.#ours);
    this.#ours = ours;
    if (isSame) return;
    try {
      replaceFile(this.#path, text);
    } catch (error) {
      this.#sayNew([
        `cannot remember which synchronisation daemon is ours: ${this.#path}: ${messageOf(error)}`,
      ]);
    }
  }

  #sayNew(lines: readonly string[]): void {
    for (const line of lines) if (!this.#said.has(line)) this.#warn(line);
    this.#said = new Set(lines);
  }
}

function has(daemons: readonly Identity[], { role, interfaceName, syncId }: Identity): boolean {
  return daemons.some(
    each => each.role === role && each.interfaceName === interfaceName && each.syncId === syncId,
  );
}

function describe({ role, interfaceName, syncId }: Identity): string {
  return `${role} on ${interfaceName} with id ${syncId}`;
}

/** What cannot be read counts as nothing: then a role that is not wanted is left alone. */
function readRecord(path: string): readonly Identity[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Identity[];
  } catch {
    return [];
  }
}
