import type { Family } from '#base/address.ts';
import type { Config } from '#conf/model.ts';
import { PRIORITY_OWNER } from '#wire/vrrp.ts';
import type { LinkEvent } from './event.ts';
import type { InterfaceState, VirtualRouter, VrrpEngine } from './state.ts';

/** The state kept for an interface; made when it is first heard of. */
function interfaceFor(engine: VrrpEngine, name: string): InterfaceState {
  const known = engine.interfaces.get(name);
  if (known) return known;
  const created: InterfaceState = { name, exists: false, up: false, addresses: [] };
  engine.interfaces.set(name, created);
  return created;
}

/** Takes note of a link's state. */
export function noteLink(engine: VrrpEngine, event: LinkEvent): void {
  const state = interfaceFor(engine, event.interface);
  state.exists = event.exists;
  state.up = event.exists && event.up;
  if (!event.exists) state.addresses = [];
}

/** Takes note of an address that is there. */
export function noteAddress(engine: VrrpEngine, name: string, address: Uint8Array): void {
  const state = interfaceFor(engine, name);
  if (!state.addresses.some(each => same(each, address))) state.addresses.push(address.slice());
}

/** Takes note of an address that is gone. */
export function forgetAddress(engine: VrrpEngine, name: string, address: Uint8Array): void {
  const state = interfaceFor(engine, name);
  state.addresses = state.addresses.filter(each => !same(each, address));
}

/** Whether two addresses are the same. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The configured source address, if there is one. */
export function configuredSource(router: VirtualRouter): Uint8Array | undefined {
  return router.segment.cast === 'unicast' ? router.config.unicastSrcIp : router.config.mcastSrcIp;
}

/**
 * Where advertisements come from: the configured address while it is on any interface, otherwise the first address of
 * the interface that is nobody's VIP (the owner's may be, if the host and not we put it there), link-local for IPv6 (RFC 9568 §5.1.2.1) unless the peers are not. The present
 * one stays while it is there. undefined: there is none, which is a fault.
 */
export function sourceOf(engine: VrrpEngine, router: VirtualRouter): Uint8Array | undefined {
  const configured = configuredSource(router);
  if (configured) return isOnHost(engine, configured) ? configured : undefined;
  const { interface: name } = router.segment;
  const own = engine.interfaces.get(name)?.addresses ?? [];
  const wantsLinkLocal = router.family === 6 && isLinkLocal(router.config.unicastPeers[0]?.address);
  const isCandidate = (address: Uint8Array): boolean =>
    isOfFamily(address, router.family) &&
    (router.family === 4 || isLinkLocal(address) === wantsLinkLocal) &&
    (!isVirtual(engine, address) ||
      (router.config.priority === PRIORITY_OWNER && !isOurs(engine, name, address)));
  const current = router.source;
  if (current && own.some(address => same(address, current)) && isCandidate(current)) return current;
  return own.find(isCandidate);
}

function isOnHost(engine: VrrpEngine, address: Uint8Array): boolean {
  for (const state of engine.interfaces.values())
    if (state.addresses.some(each => same(each, address))) return true;
  return false;
}

/** The VIPs of each configuration: asked for every router at every change of an address, so never searched for. */
const virtualAddresses = new WeakMap<Config, ReadonlySet<string>>();

function isVirtual(engine: VrrpEngine, address: Uint8Array): boolean {
  let known = virtualAddresses.get(engine.config);
  if (!known) {
    const all = engine.config.vrrpInstances.flatMap(each => [
      ...each.virtualAddresses,
      ...each.virtualAddressesExcluded,
    ]);
    known = new Set(all.map(each => each.address.join(' ')));
    virtualAddresses.set(engine.config, known);
  }
  return known.has(address.join(' '));
}

/** Whether a VIP is there because we added it. It would go with the mastership that it had to carry. */
function isOurs(engine: VrrpEngine, name: string, address: Uint8Array): boolean {
  return engine.routers.some(router =>
    router.addresses.some(
      state => state.ours && state.interface === name && same(state.address.address, address),
    ),
  );
}

function isOfFamily(address: Uint8Array, family: Family): boolean {
  return address.length === (family === 4 ? 4 : 16);
}

/** fe80::/10. No address at all counts: multicast needs a link-local source. */
function isLinkLocal(address: Uint8Array | undefined): boolean {
  return address === undefined || (address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80);
}
