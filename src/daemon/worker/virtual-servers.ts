import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { parseIp, compareIp } from '#base/address.ts';
import type { Verdict } from '#check/ports.ts';
import type { Checker, Config } from '#conf/model.ts';
import type { VirtualServerStatus } from '#control/server-status.ts';
import { commandStrings } from '#daemon/track-records.ts';
import type { Ipvs, Result } from '#linux/ports.ts';
import type { LvsAction } from '#lvs/action.ts';
import { configure, type Leftover } from '#lvs/configure.ts';
import { configuredTable, desiredTable } from '#lvs/desired.ts';
import { destinationName, serviceName } from '#lvs/keys.ts';
import type { SeenService } from '#lvs/ports.ts';
import { destinationKey } from '#lvs/services.ts';
import { emptyState, type VirtualState } from '#lvs/state.ts';
import { type LvsEvent, step } from '#lvs/step.ts';
import { forgetTlsIdentities } from './check-tls.ts';
import { Checkers } from './checkers.ts';
import { IpvsTable, type Wanted } from './ipvs-table.ts';
import type { Notice, ServerNotices } from './server-notices.ts';
import { reportVirtualServers } from './server-status.ts';
import { SyncDaemons, wantedSyncDaemons } from './sync-daemon.ts';
import { turnClock } from './turn-clock.ts';

/** How often `ha_suspend` looks whether the addresses are here. */
const ADDRESSES_MS = 1000;

export interface VirtualServerTools {
  readonly nowMs: () => number;
  readonly openIpvs: () => Result<Ipvs>;
  readonly notice: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly notices: ServerNotices;
  /** Says, at most so often as is needed, that a long piece of work goes on. */
  readonly alive: () => void;
  /** The file that remembers which of the kernel's services are ours. */
  readonly record: string;
}

/** The virtual servers: checkers, what follows from their verdicts, and the kernel's table. */
export class VirtualServers {
  readonly #tools: VirtualServerTools;
  /** For what is not measured: 30,000 checkers that start ask for the time 60,000 times. */
  readonly #nowMs: () => number;
  readonly #state = emptyState();
  readonly #checkers: Checkers;
  readonly #instanceStates = new Map<string, string>();
  readonly #actions: LvsAction[] = [];
  #config: Config | undefined;
  #table: IpvsTable | undefined;
  #seen: readonly SeenService[] = [];
  /** Whose part of the table has changed; undefined: all of it. */
  #changed = new Set<VirtualState | undefined>();
  #addresses: NodeJS.Timeout | undefined;
  #sync: SyncDaemons | undefined;

  constructor(tools: VirtualServerTools) {
    this.#tools = tools;
    this.#nowMs = turnClock(tools.nowMs);
    const { warn, notice } = tools;
    this.#checkers = new Checkers(
      { nowMs: this.#nowMs, random: () => Math.random(), warn, log: notice },
      (id, verdict) => this.#deliver({ kind: 'verdict', checkId: id, opinion: verdict }),
    );
  }

  /** Takes up a configuration, the first or another one. */
  load(config: Config): void {
    const isFirst = this.#config === undefined;
    this.#config = config;
    forgetTlsIdentities();
    this.#openTable();
    this.#tools.notices.open(config);
    const leftover = isFirst && this.#table ? leftoverOf(this.#table) : () => undefined;
    if (isFirst && config.globalDefs.lvsFlush) this.#table?.flushForeign();
    this.#configure(config, leftover);
    this.#deliver({ kind: 'begin', tellsReals: config.globalDefs.rsInitNotifies });
    this.#setTimeouts(config);
    this.#followSync();
    clearInterval(this.#addresses);
    if (config.virtualServers.some(({ haSuspend }) => haSuspend)) {
      this.#lookAtAddresses();
      this.#addresses = setInterval(() => this.#lookAtAddresses(), ADDRESSES_MS);
    } else this.#deliver({ kind: 'addresses', isLocal: () => true });
  }

  /** An instance is in this state now, for `lvs_sync_daemon`. */
  instanceIs(name: string, state: string): void {
    this.#instanceStates.set(name, state);
    this.#followSync();
  }

  status(): VirtualServerStatus[] {
    return reportVirtualServers(this.#state, this.#seen, id => this.#checkers.status(id), this.#nowMs());
  }

  /** Stops in good order: tells what `omega` asks for, and removes what is ours from the kernel. */
  stop(): void {
    clearInterval(this.#addresses);
    this.#checkers.close();
    if (this.#config) this.#deliver({ kind: 'stop' });
    // Before the first configuration there may be what a predecessor left.
    if (!this.#config && existsSync(this.#tools.record)) this.#openTable();
    const table = this.#table;
    if (!table) return;
    table.remove(this.#config?.globalDefs.lvsFlushOnStop === 'on');
    this.#sync?.stop();
    table.close();
  }

  /** Unless it is open. */
  #openTable(): void {
    if (this.#table) return;
    const opened = this.#tools.openIpvs();
    if (!opened.ok) {
      this.#tools.warn(
        `IPVS cannot be used, so nothing is balanced; real servers are checked all the same: ${opened.failure.message}`,
      );
      return;
    }
    const { nowMs, warn, record } = this.#tools;
    const sync = new SyncDaemons(opened.value, join(dirname(record), 'sync-daemons.json'), warn);
    const seen = (services: readonly SeenService[]): void => {
      this.#seen = services;
      sync.hold();
      this.#deliver({ kind: 'seen', services });
    };
    this.#sync = sync;
    const wanted = (): Wanted => this.#takeWanted();
    this.#table = new IpvsTable(opened.value, record, { nowMs, warn, seen, wanted });
  }

  /** In one go, as events must not come in between; tens of thousands of checkers take seconds on a slow machine. */
  #configure(config: Config, leftover: Leftover): void {
    const { alive } = this.#tools;
    const work = configure(this.#state, { config, leftover }, this.#nowMs(), this.#actions);
    for (let isDone = false; !isDone; alive()) {
      isDone = work.next().done === true;
      this.#performAll();
    }
    this.#table?.claim(configuredTable(this.#state));
    this.#table?.want();
  }

  #deliver(event: LvsEvent): void {
    step(this.#state, event, this.#nowMs(), this.#actions);
    if (!this.#performAll()) return;
    if (event.kind === 'seen') this.#table?.claim(configuredTable(this.#state));
    this.#table?.want();
  }

  /** Returns whether the table may have to be another one. */
  #performAll(): boolean {
    const actions = this.#actions.splice(0);
    for (const action of actions) this.#perform(action);
    return actions.some(({ kind }) => kind === 'table');
  }

  #takeWanted(): Wanted {
    const changed = this.#changed;
    this.#changed = new Set();
    const isWhole = changed.has(undefined);
    const virtuals = isWhole ? this.#state.virtuals : [...changed].filter(virtual => virtual !== undefined);
    return { services: desiredTable(virtuals), isWhole };
  }

  #perform(action: LvsAction): void {
    switch (action.kind) {
      case 'addCheck': {
        const { initial } = action;
        const verdict = initial && { ...initial, said: 'taken over' };
        this.#checkers.add(action.id, this.#withAccount(action.checker), verdict);
        break;
      }
      case 'removeCheck':
        this.#checkers.remove(action.id);
        break;
      case 'suspendCheck':
        this.#checkers.suspend(action.id, action.suspended);
        break;
      case 'log':
        this.#tools.notice(action.line);
        break;
      case 'realServer':
      case 'quorum':
        this.#tell(action);
        break;
      case 'table':
        this.#changed.add(action.virtual);
        break;
    }
  }

  /** A script runs as `script_user` says unless it names a user itself. */
  #withAccount(checker: Checker): Checker {
    if (checker.kind !== 'MISC_CHECK' || !this.#config) return checker;
    const [user = '', group = '', ...argv] = commandStrings(checker.miscPath, this.#config);
    return { ...checker, miscPath: { ...checker.miscPath, user, group, argv } };
  }

  #tell(notice: Notice): void {
    const said = notice.kind === 'realServer' ? this.#lastSaid(notice) : '';
    if (this.#config) this.#tools.notices.tell(notice, this.#config, said);
  }

  #lastSaid({ real, up }: Extract<LvsAction, { readonly kind: 'realServer' }>): string {
    return real.checks
      .flatMap(({ id }) => this.#checkers.status(id) ?? [])
      .filter((status: Verdict) => status.up === up)
      .map(({ said }) => said)
      .join('; ');
  }

  #lookAtAddresses(): void {
    const local = Object.values(networkInterfaces()).flatMap(infos =>
      (infos ?? []).flatMap(({ address }) => parseIp(address) ?? []),
    );
    this.#deliver({
      kind: 'addresses',
      isLocal: address => local.some(each => compareIp(each, address) === 0),
    });
  }

  #setTimeouts({ globalDefs: { lvsTimeouts } }: Config): void {
    const { tcpS, tcpfinS, udpS } = lvsTimeouts;
    if (tcpS === undefined && tcpfinS === undefined && udpS === undefined) return;
    const failure = this.#table?.ipvs.setTimeouts({ tcpS, tcpFinS: tcpfinS, udpS });
    if (failure) this.#tools.warn(failure.message);
  }

  #followSync(): void {
    if (this.#config) this.#sync?.want(wantedSyncDaemons(this.#config, this.#instanceStates));
  }
}

/** A real server that was ours, and is not in the table of a service that is there, was down. */
function leftoverOf(table: IpvsTable): Leftover {
  const services = table.leftovers();
  return ({ services: own }, real) => {
    for (const { key } of own) {
      const service = services.get(serviceName(key));
      const wanted = destinationKey(key, real);
      if (!service || !table.owned.destination(key, wanted)) continue;
      const name = destinationName(wanted);
      return service.destinations.find(each => destinationName(each) === name)?.weight ?? 0;
    }
    return undefined;
  };
}
