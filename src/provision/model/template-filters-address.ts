/** `ipaddr` and its relatives, as far as HA inventories use them. */
import {
  cidrContains,
  familyOf,
  formatCidr,
  formatIp,
  parseCidr,
  parseIp,
  type Cidr,
  type Family,
} from '#base/address.ts';
import { numeric, str } from './template-python.ts';
import type { Operation, Operations } from './template-registry.ts';
import { ValueError } from './template-values.ts';

function masked(cidr: Cidr, hostBits: 0 | 1): Uint8Array {
  return cidr.address.map((byte, index) => {
    const kept = Math.max(0, Math.min(8, cidr.prefix - index * 8));
    const mask = (0xff << (8 - kept)) & 0xff;
    return hostBits === 0 ? byte & mask : byte | (~mask & 0xff);
  });
}

function toNumber(address: Uint8Array): bigint {
  return address.reduce((total, byte) => (total << 8n) | BigInt(byte), 0n);
}

function fromNumber(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let index = width - 1, rest = value; index >= 0; index--, rest >>= 8n)
    bytes[index] = Number(rest & 0xffn);
  return bytes;
}

/** The nth address of a network, counted from its end if negative. */
function nth(cidr: Cidr, index: number): string | false {
  const width = cidr.address.length;
  const base = index < 0 ? toNumber(masked(cidr, 1)) + 1n : toNumber(masked(cidr, 0));
  const address = fromNumber(base + BigInt(index), width);
  return cidrContains(cidr, address) ? formatCidr({ address, prefix: cidr.prefix }) : false;
}

const QUERIES: Readonly<Record<string, (cidr: Cidr, text: string) => string | number | boolean>> = {
  '': (_cidr, text) => text,
  address: cidr => formatIp(cidr.address),
  ip: cidr => formatIp(cidr.address),
  host: cidr => formatCidr(cidr),
  'address/prefix': cidr => formatCidr(cidr),
  prefix: cidr => cidr.prefix,
  network: cidr => formatIp(masked(cidr, 0)),
  network_id: cidr => formatIp(masked(cidr, 0)),
  subnet: cidr => formatCidr({ address: masked(cidr, 0), prefix: cidr.prefix }),
  'network/prefix': cidr => formatCidr({ address: masked(cidr, 0), prefix: cidr.prefix }),
  netmask: cidr =>
    formatIp(masked({ address: new Uint8Array(cidr.address.length).fill(0xff), prefix: cidr.prefix }, 0)),
  broadcast: cidr => (familyOf(cidr.address) === 4 && cidr.prefix < 31 ? formatIp(masked(cidr, 1)) : false),
  version: cidr => familyOf(cidr.address),
  size: cidr => Number(1n << BigInt(cidr.address.length * 8 - cidr.prefix)),
};

/** One value; false if it is no address, as the Python filter has it. */
function query(value: unknown, what: unknown, family: Family | undefined): string | number | boolean {
  const text = str(value);
  const cidr = parseCidr(text);
  if (!cidr || (family !== undefined && familyOf(cidr.address) !== family)) return false;
  const index = typeof what === 'string' && /^-?\d+$/.test(what) ? Number(what) : numeric(what);
  if (index !== undefined) return nth(cidr, index);
  const name = str(what ?? '');
  const known = Object.hasOwn(QUERIES, name) ? QUERIES[name] : undefined;
  if (known) return known(cidr, text);
  const network = parseCidr(name);
  if (network) return cidrContains(network, cidr.address) ? text : false;
  throw new ValueError(
    `ipaddr('${name}') is not supported`,
    `known are a number, a network, and ${Object.keys(QUERIES).filter(Boolean).join(', ')}`,
  );
}

const addressFilter = (family?: Family): Operation => ({
  params: ['query'],
  run: (input, args) => {
    const what = args.get('query');
    if (!Array.isArray(input)) return query(input, what, family);
    return input.map(item => query(item, what, family)).filter(item => item !== false);
  },
});

export const ADDRESS_FILTERS: Operations = {
  ipaddr: addressFilter(),
  ipv4: addressFilter(4),
  ipv6: addressFilter(6),
  ipwrap: {
    params: [],
    run: input => {
      const text = str(input);
      const address = parseIp(text);
      return address && familyOf(address) === 6 ? `[${text}]` : text;
    },
  },
};
