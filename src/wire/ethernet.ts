import { bytes, layout, u16be } from './layout.ts';

/** Ethernet II framing (IEEE 802.3 §3.2.6), without the checksum, which the interface adds. */

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** Length of a MAC address in bytes. */
export const MAC_LENGTH = 6;

export const BROADCAST_MAC = new Uint8Array(MAC_LENGTH).fill(0xff);

export const ethernetHeader = layout({
  destination: bytes(MAC_LENGTH),
  source: bytes(MAC_LENGTH),
  etherType: u16be,
});
