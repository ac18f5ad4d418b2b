import type { VrrpInstance } from '#conf/model.ts';
import { Authenticator } from '#vrrp/authenticator.ts';
import { castOf } from '#vrrp/router.ts';
import { AdvertisementPacket } from '#wire/vrrp-packet.ts';
import { type Arrival, frame } from './lan.ts';

/** What a peer configured like `config` sends from `source` to `destination`, as a raw socket would give it. */
export function advertisementFrom(
  config: VrrpInstance,
  source: Uint8Array,
  destination: Uint8Array = config.mcastGroup,
  priority: number = config.priority,
): Arrival {
  const authenticator = new Authenticator(config, 0);
  const packet = new AdvertisementPacket({
    version: config.version,
    vrid: config.virtualRouterId,
    adverIntervalMs: config.advertIntervalMs,
    addresses: config.virtualAddresses.map(({ address }) => address),
    source,
    destination,
    cast: castOf(config),
    pseudoHeader: !config.v3ChecksumAsV2,
    ...authenticator.packetOption,
  });
  packet.setPriority(priority, 1);
  return frame({ source, destination, payload: packet.bytes, isAh: packet.isAh });
}
