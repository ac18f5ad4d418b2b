import type { Config, VrrpInstance } from '#conf/model.ts';
import type { Action } from './action.ts';
import { Authenticator } from './authenticator.ts';
import { same } from './interfaces.ts';
import { addMissingAddresses, dropsTraffic, isMaster } from './mastership.ts';
import { deliver, refreshAll, refreshGroups } from './refresh.ts';
import { addressStates, buildPackets, identityOf, newRouter } from './router.ts';
import type { AddressState, VirtualRouter, VrrpEngine } from './state.ts';
import { activeDownInterval } from './timers.ts';
import { newGroups, newTrackers, warnOfDroppedWeights } from './topology.ts';
import { addressKey, announce, beginTurn, log, removeAddresses, type Turn } from './turn.ts';

/**
 * Replaces the configuration of a running engine. Instances with the same identity (VRID, family, interface, cast) keep
 * state, timers, statistics and addresses; removed ones release their role and their addresses; added ones start
 * without a startup delay, and where they take the place of a master of the same name they keep what it had. Addresses, routes and rules of a master are added and removed where they differ. Trackers
 * and sync groups are recognised by name and keep their results and states.
 */
export function reconfigure(engine: VrrpEngine, config: Config, nowMs: number, actions: Action[]): void {
  const turn = beginTurn(engine, nowMs, actions);
  const known = new Map(engine.routers.map(router => [router.identity, router]));
  const wanted = new Set(config.vrrpInstances.map(identityOf));
  const heirs = new Map<VrrpInstance, ReadonlySet<string>>();
  for (const router of engine.routers) {
    if (wanted.has(router.identity)) continue;
    const heir = router.state === 'Master' ? heirOf(router, config, known) : undefined;
    if (heir) heirs.set(heir, leave(router, heir));
    remove(turn, router);
  }
  engine.config = config;
  keepTrackers(engine, config);
  const added: VirtualRouter[] = [];
  engine.routers = config.vrrpInstances.map(instance => {
    const router = known.get(identityOf(instance));
    if (router) {
      adopt(turn, router, instance);
      return router;
    }
    const created = newRouter(engine, instance, nowMs);
    added.push(created);
    return created;
  });
  keepGroups(engine, nowMs);
  warnOfDroppedWeights(engine, turn);
  for (const router of added) findLeftovers(engine, turn, router, heirs.get(router.config));
  refreshAll(engine, turn);
  if (engine.startedAtMs !== undefined) for (const router of added) deliver(turn, router, { kind: 'start' });
  refreshGroups(engine, turn);
}

/** The new instance of the same name: the same virtual router with another VRID, interface or cast. */
function heirOf(
  router: VirtualRouter,
  config: Config,
  known: ReadonlyMap<string, VirtualRouter>,
): VrrpInstance | undefined {
  return config.vrrpInstances.find(
    instance => instance.name === router.config.name && !known.has(identityOf(instance)),
  );
}

/** What the heir has as well stays on its interface, so that clients' connections live on. Gives what that is. */
function leave(router: VirtualRouter, heir: VrrpInstance): ReadonlySet<string> {
  const wanted = new Set(addressStates(heir).map(stateKey));
  const left = router.addresses.filter(state => state.held && wanted.has(stateKey(state)));
  router.addresses = router.addresses.filter(state => !left.includes(state));
  return new Set(left.map(stateKey));
}

function stateKey({ interface: name, address }: AddressState): string {
  return keyOf([name, address]);
}

function remove(turn: Turn, router: VirtualRouter): void {
  log(turn, router, 'removed from the configuration');
  // Its group, if it remains, is not taken along: the others carry on without it.
  router.group = undefined;
  deliver(turn, router, { kind: 'stop', told: router.config.notifyDeleted === false ? 'FAULT' : 'DELETED' });
  router.segment.byVrid[router.config.virtualRouterId] = undefined;
  if (router.socketsWanted) turn.actions.push({ kind: 'closeRouter', router });
  router.socketsWanted = false;
}

function keepTrackers(engine: VrrpEngine, config: Config): void {
  const before = new Map(engine.trackers);
  engine.trackers.clear();
  for (const [key, state] of newTrackers(config)) engine.trackers.set(key, before.get(key) ?? state);
}

function keepGroups(engine: VrrpEngine, nowMs: number): void {
  const before = new Map(engine.groups.map(group => [group.config.name, group]));
  engine.groups = newGroups(engine, nowMs);
  for (const group of engine.groups) {
    const old = before.get(group.config.name);
    if (!old) continue;
    group.state = old.state;
    group.sinceMs = old.sinceMs;
  }
}

/** An address of a new instance that is there already, is not about to go, and is nobody else's. */
function findLeftovers(
  engine: VrrpEngine,
  turn: Turn,
  router: VirtualRouter,
  inherited: ReadonlySet<string> | undefined,
): void {
  router.succeedsMaster = inherited !== undefined;
  for (const state of router.addresses) {
    const { address } = state.address;
    const isThere =
      engine.interfaces.get(state.interface)?.addresses.some(each => same(each, address)) ?? false;
    const isLeaving = turn.removalsPending.has(addressKey(state.interface, address));
    state.ours = isThere && (isLeaving || isHeld(engine, state));
    state.leftover = inherited?.has(stateKey(state)) || (isThere && !isLeaving && !isHeld(engine, state));
  }
}

function isHeld(engine: VrrpEngine, wanted: AddressState): boolean {
  return engine.routers.some(router =>
    router.addresses.some(
      ({ held, interface: name, address }) =>
        held && name === wanted.interface && same(address.address, wanted.address.address),
    ),
  );
}

function adopt(turn: Turn, router: VirtualRouter, config: VrrpInstance): void {
  const before = router.config;
  const wasDropping = dropsTraffic(router);
  router.config = config;
  if (authenticationOf(before) !== authenticationOf(config) || !sameSecret(before, config)) {
    const replacement = new Authenticator(config, 0);
    replacement.continueFrom(router.authenticator);
    router.authenticator = replacement;
  }
  adoptTimers(turn, router, before);
  if (isMaster(router) && wasDropping !== dropsTraffic(router))
    turn.actions.push({ kind: 'setAccept', router, dropping: !wasDropping });
  adoptAddresses(turn, router);
  adoptRoutesAndRules(turn, router, before);
  buildPackets(router);
  if (router.socketsWanted && socketKey(before) !== socketKey(config))
    turn.actions.push({ kind: 'reopenRouter', router });
}

/** A running timer follows the new interval; what was learned from a version 3 master stays. */
function adoptTimers(turn: Turn, router: VirtualRouter, before: VrrpInstance): void {
  const { config, timers } = router;
  const key = (instance: VrrpInstance) =>
    [instance.advertIntervalMs, instance.version, instance.downTimerAdverts].join('/');
  if (key(before) === key(config)) return;
  const hasLearned =
    config.version === 3 && before.version === 3 && router.state === 'Backup' && router.heard.priority > 0;
  if (!hasLearned) router.masterAdverIntervalMs = config.advertIntervalMs;
  if (router.state === 'Backup') timers.masterDownAtMs = turn.nowMs + activeDownInterval(router);
  if (router.state === 'Master')
    timers.adverAtMs = Math.min(timers.adverAtMs, turn.nowMs + config.advertIntervalMs);
}

function adoptAddresses(turn: Turn, router: VirtualRouter): void {
  const old = new Map(router.addresses.map(state => [keyOf([state.interface, state.address]), state]));
  router.addresses = addressStates(router.config).map(state => {
    const key = keyOf([state.interface, state.address]);
    const kept = old.get(key);
    if (!kept) return state;
    old.delete(key);
    return { ...kept, address: state.address, advertised: state.advertised };
  });
  const gone = [...old.values()].filter(state => state.held || state.leftover);
  removeAddresses(turn, router, gone);
  if (!isMaster(router) || router.addresses.every(state => state.held)) return;
  addMissingAddresses(turn, router);
  announce(turn, router, 'becameMaster', router.config.garp.masterRepeat);
}

function adoptRoutesAndRules(turn: Turn, router: VirtualRouter, before: VrrpInstance): void {
  if (!isMaster(router)) return;
  const { config } = router;
  const rules = difference(before.virtualRules, config.virtualRules);
  const routes = difference(before.virtualRoutes, config.virtualRoutes);
  const { actions } = turn;
  if (rules.gone.length > 0) actions.push({ kind: 'removeRules', router, rules: rules.gone });
  if (routes.gone.length > 0) actions.push({ kind: 'removeRoutes', router, routes: routes.gone });
  if (routes.added.length > 0) actions.push({ kind: 'addRoutes', router, routes: routes.added });
  if (rules.added.length > 0) actions.push({ kind: 'addRules', router, rules: rules.added });
}

function difference<T>(before: readonly T[], after: readonly T[]): { gone: T[]; added: T[] } {
  const old = new Set(before.map(keyOf));
  const now = new Set(after.map(keyOf));
  return {
    gone: before.filter(item => !now.has(keyOf(item))),
    added: after.filter(item => !old.has(keyOf(item))),
  };
}

/** Structure as text, without the place in the file. */
function keyOf(value: unknown): string {
  return JSON.stringify(value, (name, part: unknown) => (name === 'position' ? undefined : part));
}

/** What sockets are opened with, apart from the source address. */
function socketKey(config: VrrpInstance): string {
  const { mcastGroup, unicastPeers, unicastTtl, vmac } = config;
  return keyOf([authenticationOf(config), mcastGroup, unicastPeers, unicastTtl, vmac]);
}

function authenticationOf(config: VrrpInstance): string {
  return config.version === 2 ? (config.authentication?.type ?? 'none') : 'none';
}

function sameSecret(a: VrrpInstance, b: VrrpInstance): boolean {
  if (!a.authentication || !b.authentication) return a.authentication === b.authentication;
  return a.authentication.data.equals(b.authentication.data);
}
