import { formatCidr } from '#base/address.ts';
import { NLM_F } from '#wire/netlink.ts';
import {
  type Address,
  addressDumpRequest,
  type AddressSpec,
  parseAddress,
  writeAddress,
  writeAddressRemoval,
} from '#wire/rtnl-address.ts';
import { RTM } from '#wire/rtnetlink.ts';
import type { NetlinkConnection, NetlinkRequest } from './netlink.ts';
import type { Result } from './ports.ts';

const describe = (verb: string, spec: AddressSpec) =>
  `address ${verb} ${formatCidr(spec)} on ifindex ${spec.ifindex}`;

/** RTM_NEWADDR; `EEXIST` rather than a silent change if the interface has the address. */
export function addressAddition(spec: AddressSpec): NetlinkRequest {
  return {
    type: RTM.newAddress,
    flags: NLM_F.create | NLM_F.exclusive,
    describe: () => describe('add', spec),
    write: writer => writeAddress(writer, spec),
  };
}

/** RTM_DELADDR; `EADDRNOTAVAIL` if the interface has no such address. */
export function addressRemoval(spec: AddressSpec): NetlinkRequest {
  return {
    type: RTM.delAddress,
    flags: 0,
    describe: () => describe('del', spec),
    write: writer => writeAddressRemoval(writer, spec),
  };
}

/** All IP addresses of all interfaces. */
export function dumpAddresses(connection: NetlinkConnection): Result<Address[]> {
  return connection.dump(RTM.getAddress, addressDumpRequest(), message =>
    message.type === RTM.newAddress ? parseAddress(message.body) : undefined,
  );
}
