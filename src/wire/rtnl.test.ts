import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { NetlinkWriter, parseMessages } from './netlink.ts';
import { parseAddress, writeAddress, writeAddressRemoval } from './rtnl-address.ts';
import { parseLink } from './rtnl-link.ts';
import { parseRoute, type Route, writeRoute } from './rtnl-route.ts';
import { parseRule, type Rule, writeRule } from './rtnl-rule.ts';

/** The body of a message that `write` writes. */
function bodyOf(write: (writer: NetlinkWriter) => void): Uint8Array {
  const writer = new NetlinkWriter();
  writer.begin(0, 0, 0);
  write(writer);
  writer.end();
  return must(parseMessages(writer.written)[0], 'one message').body;
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const family = fc.constantFrom(4 as const, 6 as const);
const width = { 4: 4, 6: 16 } as const;
const address = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).filter(bytes => bytes.some(byte => byte !== 0));
const name = fc.stringMatching(/^[a-z][a-z0-9.]{0,13}$/);
const optional = { noNullPrototype: true } as const;

describe('addresses', () => {
  const spec = family.chain(f =>
    fc.record(
      {
        ifindex: fc.integer({ min: 1, max: 0x7fffffff }),
        address: address(width[f]),
        prefix: fc.integer({ min: 0, max: 8 * width[f] }),
        scope: fc.constantFrom(0, 253, 254),
        label: name,
        broadcast: address(width[f]),
        peer: address(width[f]),
      },
      { ...optional, requiredKeys: ['ifindex', 'address', 'prefix'] },
    ),
  );

  test('what is asked for is what would be found', () => {
    fc.assert(
      fc.property(spec, wanted => {
        const body = bodyOf(writer => writeAddress(writer, wanted));
        expect(parseAddress(body)).toMatchObject({
          family: wanted.address.length === 4 ? 4 : 6,
          scope: 0,
          label: '',
          broadcast: undefined,
          ours: true,
          ...wanted,
          peer: wanted.peer && !same(wanted.peer, wanted.address) ? wanted.peer : undefined,
        });
        expect(parseAddress(bodyOf(writer => writeAddressRemoval(writer, wanted)))).toMatchObject({
          address: wanted.address,
          prefix: wanted.prefix,
          ifindex: wanted.ifindex,
        });
      }),
      { numRuns: 100 },
    );
  });

  test('bytes that are no IP address are left out', () => {
    expect(parseAddress(new Uint8Array(3))).toBeUndefined();
    expect(parseAddress(Uint8Array.of(2, 32, 0, 0, 1, 0, 0, 0))).toBeUndefined();
    expect(parseAddress(Uint8Array.of(29, 32, 0, 0, 1, 0, 0, 0, 8, 0, 1, 0, 1, 2, 3, 4))).toBeUndefined();
  });
});

describe('links', () => {
  test('bridge ports’ messages are not about links', () => {
    expect(parseLink(Uint8Array.of(7, ...new Uint8Array(15)))).toBeUndefined();
    expect(parseLink(new Uint8Array(15))).toBeUndefined();
    expect(parseLink(new Uint8Array(16))).toMatchObject({ name: '', up: false, mtu: 0, kind: '' });
  });
});

describe('routes', () => {
  const route = family.chain(f => {
    const gateway = address(width[f]);
    const ifindex = fc.integer({ min: 1, max: 0x7fffffff });
    const hop = fc.record(
      { weight: fc.integer({ min: 1, max: 256 }), gateway, ifindex, onLink: fc.constant(true) },
      { ...optional, requiredKeys: ['weight'] },
    );
    return fc.record(
      {
        family: fc.constant(f),
        destination: address(width[f]),
        prefix: fc.integer({ min: 1, max: 8 * width[f] }),
        type: fc.constantFrom('unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'),
        table: u32,
        scope: fc.constantFrom(0, 253),
        protocol: fc.integer({ min: 0, max: 255 }),
        gateway,
        ifindex,
        source: gateway,
        metric: u32,
        onLink: fc.constant(true),
        mtuBytes: u32,
        nextHops: fc.array(hop, { minLength: 1, maxLength: 4 }),
      },
      {
        ...optional,
        requiredKeys: ['family', 'destination', 'prefix', 'type', 'table', 'scope', 'protocol'],
      },
    );
  });

  test('are read as they were written', () => {
    fc.assert(
      fc.property(route, wanted => {
        expect(parseRoute(bodyOf(writer => writeRoute(writer, wanted as Route)))).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  test('the default route has the address zero', () => {
    const wanted: Route = {
      family: 4,
      destination: new Uint8Array(4),
      prefix: 0,
      type: 'unicast',
      table: 254,
      scope: 0,
      protocol: 4,
    };
    expect(parseRoute(bodyOf(writer => writeRoute(writer, wanted)))).toEqual(wanted);
  });
});

describe('rules', () => {
  const rule = family.chain(f => {
    const network = fc.record(
      { address: address(width[f]), prefix: fc.integer({ min: 1, max: 8 * width[f] }) },
      optional,
    );
    return fc.record(
      {
        family: fc.constant(f),
        priority: u32,
        action: fc.constantFrom('lookup', 'goto', 'blackhole', 'unreachable', 'prohibit'),
        table: u32,
        protocol: fc.integer({ min: 0, max: 255 }),
        invert: fc.constant(true),
        from: network,
        to: network,
        iifName: name,
        oifName: name,
        mark: u32,
        markMask: u32,
        gotoPriority: u32,
        suppressPrefixLength: fc.integer({ min: 0, max: 128 }),
      },
      { ...optional, requiredKeys: ['family', 'priority', 'action', 'table', 'protocol'] },
    );
  });

  test('are read as they were written', () => {
    fc.assert(
      fc.property(rule, wanted => {
        expect(parseRule(bodyOf(writer => writeRule(writer, wanted as Rule)))).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
