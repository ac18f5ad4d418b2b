import { formatIp, parseCidr, parseIp, type Cidr } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { LineCursor, SCOPES } from './line-cursor.ts';
import type { StaticAddress } from './model.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

type Draft = { -readonly [Key in keyof StaticAddress]: StaticAddress[Key] };

const OPTIONS: Readonly<Record<string, (draft: Draft, cursor: LineCursor, report: Report) => void>> = {
  dev: (draft, cursor, report) => {
    draft.dev = interfaceName(cursor, 'dev', report) ?? draft.dev;
  },
  label: (draft, cursor) => {
    draft.label = cursor.argument('label');
  },
  scope: (draft, cursor) => {
    draft.scope = cursor.numberOrName('scope', SCOPES);
  },
  brd: readBroadcast,
  broadcast: readBroadcast,
  peer: (draft, cursor) => {
    const address = cursor.address('peer');
    if (address) draft.peer = { address, prefix: address.length * 8 };
  },
  preferred_lft: (draft, cursor) => {
    if (cursor.peek() === 'forever') {
      cursor.next();
      draft.preferredLifetimeS = 'forever';
    } else draft.preferredLifetimeS = cursor.integer('preferred_lft', 0, 0xffffffff);
  },
  track_group: (draft, cursor) => {
    draft.trackGroup = cursor.argument('track_group');
  },
  home: draft => {
    draft.home = true;
  },
  '-nodad': draft => {
    draft.nodad = false;
  },
  mngtmpaddr: draft => {
    draft.mngtmpaddr = true;
  },
  noprefixroute: draft => {
    draft.noprefixroute = true;
  },
  autojoin: draft => {
    draft.autojoin = true;
  },
  use_vmac: draft => {
    draft.useVmac = true;
  },
  no_track: draft => {
    draft.noTrack = true;
  },
};

/** One line of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress; undefined if it has no address. */
export function parseAddressLine(
  line: Statement,
  isStatic: boolean,
  report: Report,
): StaticAddress | undefined {
  const cursor = new LineCursor(line.words, report);
  const cidr = readCidr(cursor, report);
  if (!cidr) return undefined;
  const draft = emptyAddress(cidr, line);
  const forbidden = isStatic ? ['no_track', 'use_vmac'] : ['track_group'];
  while (cursor.peek() !== undefined) {
    const { position } = cursor;
    const option = cursor.next() ?? '';
    const read = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (read && !forbidden.includes(option)) {
      read(draft, cursor, report);
    } else if (read) {
      const where = isStatic ? 'a static address' : 'a virtual address';
      const message = `\`${option}\` does not go with ${where}; it is ignored`;
      if (option === 'no_track') report.warning('option-unknown', position, message);
      else report.error('option-unknown', position, message);
      read({ ...draft }, cursor, report);
    } else {
      const hint = addressHint(option) ?? didYouMean(option, Object.keys(OPTIONS));
      report.error(
        'option-unknown',
        position,
        `unknown word \`${option}\` after an address is ignored`,
        hint,
      );
    }
  }
  resolveConflicts(draft, line.position, report);
  return draft;
}

/** Drops options that do not go together, as keepalived does. */
function resolveConflicts(draft: Draft, position: Position, report: Report): void {
  const conflict = (message: string): void => report.error('option-conflict', position, message);
  const width = draft.address.length * 8;
  if (draft.peer && draft.peer.address.length !== draft.address.length) {
    conflict('the peer is not of the family of the address; it is ignored');
    draft.peer = undefined;
  }
  if (draft.peer && draft.broadcast !== undefined) {
    conflict('an address with a peer has no broadcast address; brd is ignored');
    draft.broadcast = undefined;
  }
  if (draft.peer && draft.prefix !== width) {
    conflict('an address with a peer has no prefix length; it is ignored');
    draft.prefix = width;
  }
  if (typeof draft.broadcast === 'string' && (draft.prefix > 30 || width !== 32)) {
    conflict(`there is no broadcast address in a /${draft.prefix}; brd is ignored`);
    draft.broadcast = undefined;
  }
  if (width === 128 && (draft.scope !== undefined || draft.label !== undefined)) {
    conflict('IPv6 addresses have no label, and their scope is in the address; both are ignored');
    draft.scope = undefined;
    draft.label = undefined;
  }
  if (draft.label !== undefined && draft.label.length > INTERFACE_NAME_LENGTH) {
    conflict(`a label has at most ${INTERFACE_NAME_LENGTH} characters; it is ignored`);
    draft.label = undefined;
  }
}

function addressHint(word: string): string | undefined {
  return parseCidr(word) ? 'each address needs a line of its own' : undefined;
}

function emptyAddress(cidr: Cidr, line: Statement): Draft {
  return {
    ...cidr,
    dev: undefined,
    label: undefined,
    scope: undefined,
    broadcast: undefined,
    peer: undefined,
    home: false,
    nodad: true,
    mngtmpaddr: false,
    noprefixroute: false,
    autojoin: false,
    useVmac: false,
    preferredLifetimeS: undefined,
    noTrack: false,
    trackGroup: undefined,
    position: line.position,
  };
}

function readCidr(cursor: LineCursor, report: Report): Cidr | undefined {
  const { position } = cursor;
  const text = cursor.next() ?? '';
  const cidr = parseCidr(text);
  if (cidr) return cidr;
  const address = parseIp(text.split('/')[0] ?? '');
  if (!address) {
    report.error('address-invalid', position, `\`${text}\` is not an IP address; the line is ignored`);
    return undefined;
  }
  const width = address.length * 8;
  const hint = `write ${formatIp(address)}/N with N in 0–${width}`;
  report.error(
    'prefix-invalid',
    position,
    `the prefix length of \`${text}\` is invalid; /${width} is used`,
    hint,
  );
  return { address, prefix: width };
}

function readBroadcast(draft: Draft, cursor: LineCursor, report: Report): void {
  const sign = cursor.peek();
  if (sign === '+' || sign === '-') {
    cursor.next();
    draft.broadcast = sign;
    return;
  }
  const { position } = cursor;
  const address = cursor.address('brd');
  if (address && (address.length !== 4 || draft.address.length !== 4)) {
    report.error('option-invalid', position, 'only IPv4 has broadcast addresses; brd is ignored');
  } else draft.broadcast = address;
}

/** Longest interface name of Linux: IFNAMSIZ without the zero byte. */
const INTERFACE_NAME_LENGTH = 15;

/** The interface name that follows `option`; undefined after a diagnostic. */
export function interfaceName(cursor: LineCursor, option: string, report: Report): string | undefined {
  const { position } = cursor;
  const name = cursor.argument(option);
  if (name === undefined || validInterfaceName(name)) return name;
  report.error('interface-invalid', position, `\`${name}\` cannot be an interface name; it is ignored`);
  return undefined;
}

/** Whether Linux accepts an interface of that name. */
export function validInterfaceName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= INTERFACE_NAME_LENGTH &&
    !/[\s/]/.test(name) &&
    name !== '.' &&
    name !== '..'
  );
}
