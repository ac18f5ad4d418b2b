import type { Family } from '#base/address.ts';

/** rtnetlink's message types and multicast groups (rtnetlink(7), Linux `include/uapi/linux/rtnetlink.h`). */

export const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newRule: 32,
  delRule: 33,
  getRule: 34,
  newNetconf: 80,
} as const;

/** Groups as bits of `sockaddr_nl.nl_groups` (RTMGRP_*, group n is bit n − 1). */
export const RTM_GROUP = {
  link: 1 << 0,
  ipv4Address: 1 << 4,
  ipv4Route: 1 << 6,
  ipv4Rule: 1 << 7,
  ipv6Address: 1 << 8,
  ipv6Route: 1 << 10,
  ipv6Rule: 1 << 18,
  ipv4Netconf: 1 << 23,
} as const;

export const AF_INET = 2;
export const AF_INET6 = 10;

/** AF_INET or AF_INET6. */
export function afOf(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** The IP family of an AF number; undefined for all others. */
export function familyOfAf(af: number): Family | undefined {
  if (af === AF_INET) return 4;
  return af === AF_INET6 ? 6 : undefined;
}

/** Our mark on addresses (`IFA_PROTO`), routes (`rtm_protocol`) and rules (`FRA_PROTOCOL`): VRRP's protocol number. */
export const OUR_PROTOCOL = 112;

/** All zero, the address of the default route. */
export function zeroAddress(family: Family): Uint8Array {
  return new Uint8Array(family === 4 ? 4 : 16);
}
