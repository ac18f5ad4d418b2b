import { formatIp } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { NEVER, type RouterState, type VirtualRouter } from '#vrrp/state.ts';
import type { SimulatedHost } from './simulator-host.ts';

/** Which timers may run in which state: a deadline that outlives its state is a defect even if nobody notices. */
const RUNNING: Readonly<Record<RouterState, readonly (keyof VirtualRouter['timers'])[]>> = {
  Initialize: ['startAtMs'],
  Backup: ['masterDownAtMs'],
  Master: ['adverAtMs', 'announceAtMs', 'refreshAtMs', 'restoreAtMs'],
  Releasing: ['adverAtMs', 'releaseAtMs', 'restoreAtMs'],
  Fault: [],
};

/** What must hold on a live host after every event. Throws with the host's name otherwise. */
export function checkHost(host: SimulatedHost): void {
  if (host.engine?.startedAtMs === undefined) return;
  for (const router of host.routers) {
    checkTimers(host, router);
    checkAddresses(host, router);
    const faulty = router.faults.length > 0;
    const atFault = router.state === 'Fault';
    assert(
      router.state === 'Initialize' || faulty === atFault,
      `${host.name}: ${router.state} with faults ${faulty}`,
    );
  }
}

function checkTimers(host: SimulatedHost, router: VirtualRouter): void {
  for (const [timer, atMs] of Object.entries(router.timers) as [keyof VirtualRouter['timers'], number][])
    assert(
      atMs === NEVER || RUNNING[router.state].includes(timer),
      `${host.name}: ${timer} runs in ${router.state}`,
    );
  if (router.state === 'Backup')
    assert(router.timers.masterDownAtMs !== NEVER, `${host.name}: a backup that waits for nothing`);
  if (router.state === 'Master')
    assert(router.timers.adverAtMs !== NEVER, `${host.name}: a master that never advertises`);
}

/** An address is on the interface if and only if the router is master; leftovers and refusals are known as such. */
function checkAddresses(host: SimulatedHost, router: VirtualRouter): void {
  const isMaster = router.state === 'Master' || router.state === 'Releasing';
  for (const state of router.addresses) {
    const text = formatIp(state.address.address);
    const present = host.addressTexts.has(text);
    if (!isMaster) {
      assert(!state.held, `${host.name}: ${text} is held in ${router.state}`);
      assert(!present || state.leftover, `${host.name}: ${text} is present in ${router.state}`);
    } else if (host.echoesPending === 0 && state.held) {
      assert(present || host.faults.addError !== undefined, `${host.name}: ${text} is missing on a master`);
    }
  }
}

/** Members of a sync group share one fate: none is master while another is backup (reloads aside). */
export function checkMembers(host: SimulatedHost): void {
  for (const group of host.engine?.groups ?? []) {
    const states = new Set(group.members.map(member => member.state));
    assert(!(states.has('Master') && states.has('Backup')), `${host.name}: a split sync group`);
    assert(!states.has('Fault') || states.size === 1, `${host.name}: a sync group partly at fault`);
  }
}

/** Hosts that send advertisements for a VRID. */
export function sendersOf(hosts: readonly SimulatedHost[], vrid: number): SimulatedHost[] {
  return hosts.filter(host =>
    host.routers.some(router => router.config.virtualRouterId === vrid && router.state === 'Master'),
  );
}
