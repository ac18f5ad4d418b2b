import { formatIp } from '#base/address.ts';
import type { VirtualAddress } from '#conf/model.ts';
import type { Action } from '#vrrp/action.ts';

/** Actions as short words, in order; log lines are left out. */
export function summarise(actions: readonly Action[]): string[] {
  return actions.flatMap(action => {
    switch (action.kind) {
      case 'sendAdvertisement':
        return `send ${action.priority}`;
      case 'addAddresses':
        return `add ${list(action.addresses)}`;
      case 'removeAddresses':
        return `remove ${list(action.addresses)}`;
      case 'addRoutes':
        return 'add route';
      case 'removeRoutes':
        return 'remove route';
      case 'addRules':
        return 'add rule';
      case 'removeRules':
        return 'remove rule';
      case 'setAccept':
        return action.dropping ? 'drop traffic' : 'accept traffic';
      case 'announce':
        return `announce ${list(action.addresses)} ×${action.repeat}`;
      case 'notify':
        return action.type === 'GROUP' ? `${action.group.config.name} ${action.state}` : action.state;
      case 'notifyPriority':
        return `priority ${action.priority}`;
      case 'openRouter':
        return 'open';
      case 'reopenRouter':
        return 'reopen';
      case 'closeRouter':
        return 'close';
      case 'drainSockets':
        return 'drain';
      case 'log':
        return [];
    }
  });
}

function list(addresses: readonly VirtualAddress[]): string {
  return addresses.map(({ address }) => formatIp(address)).join(' ');
}
