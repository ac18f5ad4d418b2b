/** What a virtual router counts; every rung of the receive ladder has one of its own. */
export interface RouterCounters {
  becomeMaster: number;
  releaseMaster: number;
  advertisementsSent: number;
  advertisementsReceived: number;
  priorityZeroSent: number;
  priorityZeroReceived: number;
  sendFailures: number;
  /** VIPs put back after someone else removed them. */
  addressesRestored: number;
  addressAddFailures: number;
  /** Handovers that nobody took. */
  handoversFailed: number;
  // Rungs of the receive ladder, in its order.
  ahPresence: number;
  packetLength: number;
  ttl: number;
  version: number;
  type: number;
  authTypeInvalid: number;
  authTypeMismatch: number;
  authFailure: number;
  checksum: number;
  vrid: number;
  cast: number;
  unknownPeer: number;
  ownAddress: number;
  adverInterval: number;
  /** Counted, and accepted. */
  addressList: number;
}

/** What arrives on a segment and belongs to no router. */
export interface SegmentCounters {
  /** Too short to say its VRID. */
  tooShort: number;
  /** For VRIDs that are not ours: normal on a shared LAN. */
  unknownVrid: number;
}

/** All zero. */
export function newRouterCounters(): RouterCounters {
  return {
    becomeMaster: 0,
    releaseMaster: 0,
    advertisementsSent: 0,
    advertisementsReceived: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    sendFailures: 0,
    addressesRestored: 0,
    addressAddFailures: 0,
    handoversFailed: 0,
    ahPresence: 0,
    packetLength: 0,
    ttl: 0,
    version: 0,
    type: 0,
    authTypeInvalid: 0,
    authTypeMismatch: 0,
    authFailure: 0,
    checksum: 0,
    vrid: 0,
    cast: 0,
    unknownPeer: 0,
    ownAddress: 0,
    adverInterval: 0,
    addressList: 0,
  };
}

/** All zero. */
export function newSegmentCounters(): SegmentCounters {
  return { tooShort: 0, unknownVrid: 0 };
}
