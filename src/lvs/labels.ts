import { formatIp } from '#base/address.ts';
import type { ServerAddress, VirtualServer } from '#conf/model.ts';

/** keepalived's name of a real or sorry server in log and FIFO lines: `[10.0.0.1]:tcp:80`, behind a mark `…:none:80`. */
export function realLabel({ address, port }: ServerAddress, { key, protocol }: VirtualServer): string {
  const transport = key.kind === 'fwmark' ? 'none' : protocol.toLowerCase();
  return `[${formatIp(address)}]:${transport}:${port}`;
}

/** keepalived's name of a virtual server in log and FIFO lines: `[10.0.0.1]:tcp:80`, `FWM 5`, `[group]:0`. */
export function virtualLabel(server: VirtualServer): string {
  const { key } = server;
  switch (key.kind) {
    case 'address':
      return realLabel(key, server);
    case 'fwmark':
      return `FWM ${key.fwmark}`;
    case 'group':
      return `[${key.group}]:0`;
  }
}
