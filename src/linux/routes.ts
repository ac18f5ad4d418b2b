import { type Family, formatCidr, formatIp } from '#base/address.ts';
import { NLM_F } from '#wire/netlink.ts';
import { parseRoute, type Route, routeDumpRequest, writeRoute } from '#wire/rtnl-route.ts';
import { RTM } from '#wire/rtnetlink.ts';
import type { NetlinkConnection, NetlinkRequest } from './netlink.ts';
import type { Result } from './ports.ts';

function describe(verb: string, route: Route): string {
  const to = formatCidr({ address: route.destination, prefix: route.prefix });
  const via = route.gateway ? ` via ${formatIp(route.gateway)}` : '';
  return `route ${verb} ${route.type} ${to}${via} table ${route.table}`;
}

/** RTM_NEWROUTE; `EEXIST` if there is one with the same destination, table and metric. */
export function routeAddition(route: Route): NetlinkRequest {
  return {
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.exclusive,
    describe: () => describe('add', route),
    write: writer => writeRoute(writer, route),
  };
}

/** RTM_DELROUTE; `ESRCH` if there is none. */
export function routeRemoval(route: Route): NetlinkRequest {
  return {
    type: RTM.delRoute,
    flags: 0,
    describe: () => describe('del', route),
    write: writer => writeRoute(writer, route),
  };
}

/** All routes of a family, of all tables. */
export function dumpRoutes(connection: NetlinkConnection, family: Family): Result<Route[]> {
  return connection.dump(RTM.getRoute, routeDumpRequest(family), message =>
    message.type === RTM.newRoute ? parseRoute(message.body) : undefined,
  );
}
