import { BROADCAST_MAC, ETHERTYPE, ethernetHeader, MAC_LENGTH } from './ethernet.ts';
import { bytes, layout, u16be, viewOf } from './layout.ts';

const ARPHRD_ETHERNET = 1;
const REQUEST = 1;

/** RFC 826 for IPv4 over Ethernet; the lengths 6 and 4 are one word. */
const arpMessage = layout({
  hardwareType: u16be,
  protocolType: u16be,
  lengths: u16be,
  operation: u16be,
  senderMac: bytes(MAC_LENGTH),
  senderIp: bytes(4),
  targetMac: bytes(MAC_LENGTH),
  targetIp: bytes(4),
});

/** The frame that tells a LAN that `address` is at `mac`: an ARP announcement (RFC 5227 §2.3), broadcast. */
export function gratuitousArp(mac: Uint8Array, address: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ethernetHeader.length + arpMessage.length);
  const view = viewOf(frame);
  ethernetHeader.write(view, 0, { destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp });
  arpMessage.write(view, ethernetHeader.length, {
    hardwareType: ARPHRD_ETHERNET,
    protocolType: ETHERTYPE.ipv4,
    lengths: (6 << 8) | 4,
    operation: REQUEST,
    senderMac: mac,
    senderIp: address,
    targetMac: new Uint8Array(MAC_LENGTH),
    targetIp: address,
  });
  return frame;
}
