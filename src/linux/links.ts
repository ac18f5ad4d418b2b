import { type Link, linkDumpRequest, parseLink } from '#wire/rtnl-link.ts';
import { RTM } from '#wire/rtnetlink.ts';
import type { NetlinkConnection } from './netlink.ts';
import type { Result } from './ports.ts';

/** All network interfaces. */
export function dumpLinks(connection: NetlinkConnection): Result<Link[]> {
  return connection.dump(RTM.getLink, linkDumpRequest(), message =>
    message.type === RTM.newLink ? parseLink(message.body) : undefined,
  );
}
