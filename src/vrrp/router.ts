import type { VirtualAddress, VrrpInstance } from '#conf/model.ts';
import { AdvertisementPacket } from '#wire/vrrp-packet.ts';
import { Authenticator } from './authenticator.ts';
import { newRouterCounters, newSegmentCounters } from './counters.ts';
import { PacketReader } from './ladder.ts';
import { type AddressState, NEVER, type Segment, type VirtualRouter, type VrrpEngine } from './state.ts';

/** `unicast` if the instance has peers (or is to fault without any). */
export function castOf(config: VrrpInstance): 'multicast' | 'unicast' {
  return config.unicastPeers.length > 0 || config.unicastFaultNoPeer ? 'unicast' : 'multicast';
}

function segmentKey(config: VrrpInstance): string {
  return `${config.family}/${config.interface ?? ''}/${castOf(config)}`;
}

/** What a reload recognises an instance by: VRID, family, interface and cast, not its name. */
export function identityOf(config: VrrpInstance): string {
  return `${config.virtualRouterId}/${segmentKey(config)}`;
}

/** A router in Initialize, registered with its segment. */
export function newRouter(engine: VrrpEngine, config: VrrpInstance, nowMs: number): VirtualRouter {
  const segment = segmentFor(engine, config);
  const router: VirtualRouter = {
    identity: identityOf(config),
    family: config.family,
    segment,
    config,
    group: undefined,
    state: 'Initialize',
    sinceMs: nowMs,
    reason: 'not started',
    effectivePriority: config.priority,
    faults: [],
    faultTold: false,
    source: undefined,
    socketsWanted: false,
    socketError: undefined,
    timers: newTimers(),
    masterAdverIntervalMs: config.advertIntervalMs,
    heard: {
      address: new Uint8Array(config.family === 4 ? 4 : 16),
      priority: -1,
      advertIntervalMs: 0,
      atMs: 0,
    },
    wantsMaster: false,
    preemptAtMs: 0,
    succeedsMaster: false,
    handedOver: false,
    successorHeard: false,
    addresses: addressStates(config),
    packets: [],
    authenticator: new Authenticator(config, engine.ahSequenceStart),
    advertisement: undefined,
    counters: newRouterCounters(),
    loggedAtMs: new Map(),
  };
  segment.byVrid[config.virtualRouterId] = router;
  return router;
}

function newTimers(): VirtualRouter['timers'] {
  return {
    startAtMs: NEVER,
    masterDownAtMs: NEVER,
    adverAtMs: NEVER,
    announceAtMs: NEVER,
    refreshAtMs: NEVER,
    releaseAtMs: NEVER,
    restoreAtMs: NEVER,
  };
}

function segmentFor(engine: VrrpEngine, config: VrrpInstance): Segment {
  const key = segmentKey(config);
  const known = engine.segments.get(key);
  if (known) return known;
  const segment: Segment = {
    interface: config.interface ?? '',
    family: config.family,
    cast: castOf(config),
    byVrid: Array.from({ length: 256 }, () => undefined),
    unknownLoggedAtMs: new Map(),
    counters: newSegmentCounters(),
    reader: new PacketReader(),
  };
  engine.segments.set(key, segment);
  return segment;
}

/** VIPs, then excluded VIPs, none of them held. */
export function addressStates(config: VrrpInstance): AddressState[] {
  const state = (address: VirtualAddress, advertised: boolean): AddressState => ({
    address,
    interface: address.dev ?? config.interface ?? '',
    advertised,
    held: false,
    ours: false,
    leftover: false,
    lostCount: 0,
    restoredAtMs: Number.NEGATIVE_INFINITY,
    error: undefined,
  });
  return [
    ...config.virtualAddresses.map(address => state(address, true)),
    ...config.virtualAddressesExcluded.map(address => state(address, false)),
  ];
}

/** Encodes the advertisements anew: after a change of the source address or of what they say. */
export function buildPackets(router: VirtualRouter): void {
  const { config, source } = router;
  if (source === undefined) {
    router.packets = [];
    return;
  }
  const destinations =
    router.segment.cast === 'unicast' ? config.unicastPeers.map(peer => peer.address) : [config.mcastGroup];
  router.packets = destinations.map(
    destination =>
      new AdvertisementPacket({
        version: config.version,
        vrid: config.virtualRouterId,
        adverIntervalMs: config.advertIntervalMs,
        addresses: config.virtualAddresses.map(({ address }) => address),
        source,
        destination,
        cast: router.segment.cast,
        pseudoHeader: !config.v3ChecksumAsV2,
        ...router.authenticator.packetOption,
      }),
  );
}

/**
 * The packets to send for a `sendAdvertisement` action, one per destination, patched to its priority. Allocates
 * nothing (AH excepted). Send each to its `destination` from its `source` before preparing the next action's.
 */
export function preparePackets(router: VirtualRouter, priority: number): readonly AdvertisementPacket[] {
  const sequence = router.authenticator.nextSequence();
  for (const packet of router.packets) packet.setPriority(priority, sequence);
  return router.packets;
}
