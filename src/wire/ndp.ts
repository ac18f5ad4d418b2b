import { checksumOf, pseudoHeaderSum, sumWords } from './checksum.ts';
import { ETHERTYPE, ethernetHeader } from './ethernet.ts';
import { bytes, layout, u16be, u32be, u8, viewOf } from './layout.ts';

const IPPROTO_ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const TARGET_LINK_LAYER_ADDRESS = 2;
/** RFC 4861 §7.1.2: anything else is discarded. */
const HOP_LIMIT = 255;
const VERSION_6 = 6 << 28;
const ROUTER_FLAG = 0x80000000;
const OVERRIDE_FLAG = 0x20000000;
/** ff02::1, and the Ethernet group that it maps to (RFC 2464 §7). */
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/** RFC 8200 §3. */
export const ipv6Header = layout({
  versionClassFlow: u32be,
  payloadLength: u16be,
  nextHeader: u8,
  hopLimit: u8,
  source: bytes(16),
  destination: bytes(16),
});

/** RFC 4861 §4.4, with the one option of §4.6.1. */
const neighbourAdvertisement = layout({
  type: u8,
  code: u8,
  checksum: u16be,
  flags: u32be,
  target: bytes(16),
  optionType: u8,
  /** In units of 8 bytes. */
  optionLength: u8,
  targetMac: bytes(6),
});

/** The frame that tells a LAN that `address` is at `mac`: an unsolicited neighbour advertisement (RFC 4861 §7.2.6) to all nodes. */
export function unsolicitedAdvertisement(mac: Uint8Array, address: Uint8Array, router: boolean): Uint8Array {
  const ipAt = ethernetHeader.length;
  const icmpAt = ipAt + ipv6Header.length;
  const frame = new Uint8Array(icmpAt + neighbourAdvertisement.length);
  const view = viewOf(frame);
  ethernetHeader.write(view, 0, { destination: ALL_NODES_MAC, source: mac, etherType: ETHERTYPE.ipv6 });
  ipv6Header.write(view, ipAt, {
    versionClassFlow: VERSION_6 >>> 0,
    payloadLength: neighbourAdvertisement.length,
    nextHeader: IPPROTO_ICMPV6,
    hopLimit: HOP_LIMIT,
    source: address,
    destination: ALL_NODES,
  });
  neighbourAdvertisement.write(view, icmpAt, {
    type: NEIGHBOUR_ADVERTISEMENT,
    code: 0,
    checksum: 0,
    flags: OVERRIDE_FLAG + (router ? ROUTER_FLAG : 0),
    target: address,
    optionType: TARGET_LINK_LAYER_ADDRESS,
    optionLength: 1,
    targetMac: mac,
  });
  const pseudo = pseudoHeaderSum(address, ALL_NODES, IPPROTO_ICMPV6, neighbourAdvertisement.length);
  const checksum = checksumOf(sumWords(view, icmpAt, frame.length, pseudo));
  neighbourAdvertisement.field.checksum.set(view, icmpAt, checksum);
  return frame;
}
