import { i32host, layout, padding, u8, viewOf } from './layout.ts';
import { parseAttributes } from './netlink.ts';
import { AF_INET } from './rtnetlink.ts';

/** Per-interface settings in rtnetlink: `struct netconfmsg` and its attributes (Linux `include/uapi/linux/netconf.h`). */

const netconfmsg = layout({ family: u8, pad: padding(3) });
const ifindexValue = layout({ ifindex: i32host });

const NETCONFA = { ifindex: 1, rpFilter: 3 } as const;

/** The settings of `all`, as an interface index. */
export const ALL_INTERFACES = -1;

/** Which interface (-1 `all`, -2 `default`) RTM_NEWNETCONF tells a new IPv4 `rp_filter` of; undefined: it tells none. */
export function parseRpFilterChange(body: Uint8Array): number | undefined {
  if (netconfmsg.decode(viewOf(body))?.family !== AF_INET) return undefined;
  const attributes = parseAttributes(body, netconfmsg.length);
  const ifindex = attributes.get(NETCONFA.ifindex);
  if (!ifindex || !attributes.has(NETCONFA.rpFilter)) return undefined;
  return ifindexValue.decode(viewOf(ifindex))?.ifindex;
}
