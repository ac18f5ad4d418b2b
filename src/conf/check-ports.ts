import { formatIp } from '#base/address.ts';
import type { ForwardingMethod, ServerAddress, VirtualServer, VirtualServerGroup } from './model.ts';
import type { Position } from '#base/position.ts';
import type { Report } from './report.ts';

type Reached = ServerAddress & { readonly forwarding: ForwardingMethod };

/** NAT alone can change the port; with DR and TUN a real server listens on the port of the virtual server. */
export function checkPorts(
  server: VirtualServer,
  group: VirtualServerGroup | undefined,
  report: Report,
): VirtualServer {
  const fix = <T extends Reached>(reached: T, position: Position): T => {
    const port = group
      ? portInGroup(reached, group, position, report)
      : portOf(reached, server, position, report);
    return port === reached.port ? reached : { ...reached, port };
  };
  return {
    ...server,
    realServers: server.realServers.map(real => fix(real, real.position)),
    sorryServer: server.sorryServer && fix(server.sorryServer, server.position),
  };
}

function portOf(reached: Reached, { key }: VirtualServer, position: Position, report: Report): number {
  const expected = key.kind === 'address' ? key.port : 0;
  if (reached.port === expected || reached.forwarding.kind === 'NAT') return reached.port;
  if (reached.port === 0) return expected;
  const message =
    key.kind === 'fwmark'
      ? `${formatIp(reached.address)}: behind a firewall mark only NAT has ports; ${reached.port} is ignored`
      : `${formatIp(reached.address)}: only NAT can change the port; ${expected} is used instead of ${reached.port}`;
  report.error('port-differs', position, message);
  return expected;
}

function portInGroup(
  reached: Reached,
  group: VirtualServerGroup,
  position: Position,
  report: Report,
): number {
  if (reached.forwarding.kind === 'NAT' || reached.port === 0) return reached.port;
  const differs = group.entries.some(entry => entry.kind === 'fwmark' || entry.port !== reached.port);
  if (differs) {
    const message = `${formatIp(reached.address)}: only NAT can change the port; ${reached.port} is ignored where it differs`;
    report.error('port-differs', position, message);
  }
  return 0;
}
