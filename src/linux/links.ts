import { NLM_F } from '#wire/netlink.ts';
import {
  type Link,
  linkDumpRequest,
  type MacvlanSpec,
  parseLink,
  writeLinkRemoval,
  writeLinkUp,
  writeMacvlan,
} from '#wire/rtnl-link.ts';
import { RTM } from '#wire/rtnetlink.ts';
import type { NetlinkConnection, NetlinkRequest } from './netlink.ts';
import type { Result } from './ports.ts';

/** All network interfaces. */
export function dumpLinks(connection: NetlinkConnection): Result<Link[]> {
  return connection.dump(RTM.getLink, linkDumpRequest(), message =>
    message.type === RTM.newLink ? parseLink(message.body) : undefined,
  );
}

/** RTM_NEWLINK; `EEXIST` if the name is taken, `EOPNOTSUPP` if the kernel has no macvlan. */
export function macvlanAddition(spec: MacvlanSpec): NetlinkRequest {
  return {
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    describe: () => `link add ${spec.name} type macvlan on ifindex ${spec.lowerIfindex}`,
    write: writer => writeMacvlan(writer, spec),
  };
}

/** RTM_NEWLINK for a link that is there. */
export function linkUp(name: string, alias: string): NetlinkRequest {
  return {
    type: RTM.newLink,
    flags: 0,
    describe: () => `link set ${name} up alias ${alias}`,
    write: writer => writeLinkUp(writer, name, alias),
  };
}

/** RTM_DELLINK; `ENODEV` if there is none. */
export function linkRemoval(ifindex: number): NetlinkRequest {
  return {
    type: RTM.delLink,
    flags: 0,
    describe: () => `link del ifindex ${ifindex}`,
    write: writer => writeLinkRemoval(writer, ifindex),
  };
}
