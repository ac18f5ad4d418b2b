import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { Destination, Service, SyncDaemon } from '#lvs/ports.ts';
import { AttributeIndex } from './attribute-index.ts';
import { parseFamily, writeFamilyRequest, writeGeneric } from './genetlink.ts';
import { parseDaemon, writeDaemon } from './ipvs-daemon.ts';
import { parseDestination, writeDestination } from './ipvs-destination.ts';
import { parseService, writeService } from './ipvs-service.ts';
import { HOST_IS_LITTLE_ENDIAN } from './layout.ts';
import { NetlinkWriter, parseMessages } from './netlink.ts';

/** The body of a generic message of command 1 that `write` writes. */
function bodyOf(write: (writer: NetlinkWriter) => void): Uint8Array {
  const writer = new NetlinkWriter();
  write(writeGeneric(writer.begin(20, 0, 0), 1, 1));
  writer.end();
  return must(parseMessages(writer.written)[0], 'one message').body;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const family = fc.constantFrom(4 as const, 6 as const);
const addressOf = (f: 4 | 6) => fc.uint8Array({ minLength: f === 4 ? 4 : 16, maxLength: f === 4 ? 4 : 16 });
const anyAddress = family.chain(addressOf);

const service: fc.Arbitrary<Service> = family.chain(f =>
  fc.record(
    {
      key: fc.oneof(
        fc.record({
          kind: fc.constant('address' as const),
          family: fc.constant(f),
          transport: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const),
          address: addressOf(f),
          port: u16,
        }),
        fc.record({ kind: fc.constant('fwmark' as const), family: fc.constant(f), fwmark: u32 }),
      ),
      scheduler: fc.constantFrom('rr', 'wlc', 'mh'),
      persistenceTimeoutS: fc.integer({ min: 0, max: 86_400 }),
      persistencePrefix: fc.integer({ min: f === 4 ? 0 : 1, max: f === 4 ? 32 : 128 }),
      persistenceEngine: fc.constantFrom('sip', undefined),
      onePacket: fc.boolean(),
      scheduler1: fc.boolean(),
      scheduler2: fc.boolean(),
      scheduler3: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
);

const destination: fc.Arbitrary<Destination> = fc.record(
  {
    address: anyAddress,
    port: u16,
    forwarding: fc.oneof(
      fc.record({
        method: fc.constantFrom('NAT' as const, 'DR' as const, 'LOCAL' as const, 'BYPASS' as const),
      }),
      fc.record({
        method: fc.constant('TUN' as const),
        type: fc.constantFrom('ipip' as const, 'gue' as const, 'gre' as const),
        port: u16,
        checksum: fc.constantFrom('nocsum' as const, 'csum' as const, 'remcsum' as const),
      }),
    ),
    weight: u16,
    upperThreshold: u32,
    lowerThreshold: u32,
  },
  { noNullPrototype: true },
);

const daemon: fc.Arbitrary<SyncDaemon> = fc.record(
  {
    role: fc.constantFrom('master' as const, 'backup' as const),
    interfaceName: fc.stringMatching(/^[a-z][a-z0-9.]{0,13}$/),
    syncId: fc.integer({ min: 0, max: 255 }),
    maxLength: fc.option(u16, { nil: undefined }),
    port: fc.option(u16, { nil: undefined }),
    ttl: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
    group: fc.option(anyAddress, { nil: undefined }),
  },
  { noNullPrototype: true },
);

describe('what is asked for is what would be found', () => {
  test('services', () => {
    fc.assert(
      fc.property(service, wanted => {
        const found = parseService(bodyOf(writer => writeService(writer, wanted)));
        expect(found).toMatchObject({ ...wanted, key: { ...wanted.key } });
      }),
    );
  });

  test('destinations', () => {
    fc.assert(
      fc.property(destination, wanted => {
        const found = parseDestination(
          bodyOf(writer => writeDestination(writer, wanted)),
          4,
        );
        expect(found).toMatchObject({ ...wanted, forwarding: { ...wanted.forwarding } });
      }),
    );
  });

  test('synchronisation daemons', () => {
    fc.assert(
      fc.property(daemon, wanted => {
        expect(parseDaemon(bodyOf(writer => writeDaemon(writer, wanted)))).toEqual(wanted);
      }),
    );
  });
});

test('any bytes are read without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
      const body = bodyOf(writer => writer.nested(1, inner => inner.struct(bytes)));
      parseService(body);
      parseDestination(bytes, 4);
      parseDaemon(bytes);
      expect(new AttributeIndex(4).read(bytes).u32(9)).toBeUndefined();
    }),
  );
});

describe.runIf(HOST_IS_LITTLE_ENDIAN)('bytes', () => {
  test('a family is asked for by name and found by its number', () => {
    const request = bodyOf(() => undefined);
    expect(hex(request)).toBe('01010000');
    const writer = new NetlinkWriter();
    writer.begin(16, 0, 0);
    writeFamilyRequest(writer, 'IPVS');
    writer.end();
    expect(hex(writer.written.subarray(16))).toBe('030100000900020049505653'.concat('00000000'));
    const answer = Buffer.from('010200000900020049505653000000000600010021000000', 'hex');
    expect(parseFamily({ type: 16, flags: 0, sequence: 0, portId: 0, body: answer })).toBe(33);
  });

  test('a service and its key', () => {
    const body = bodyOf(writer =>
      writeService(writer, {
        key: { kind: 'address', family: 4, transport: 'TCP', address: Uint8Array.of(10, 0, 0, 1), port: 80 },
        scheduler: 'rr',
        persistenceTimeoutS: 50,
        persistencePrefix: 22,
        persistenceEngine: undefined,
        onePacket: false,
        scheduler1: true,
        scheduler2: false,
        scheduler3: false,
      }),
    );
    expect(hex(body)).toBe(
      [
        '01010000', // generic header
        '54000180', // IPVS_CMD_ATTR_SERVICE, nested
        '0600010002000000', // AF_INET
        '0600020006000000', // TCP
        '140003000a000001000000000000000000000000',
        '0600040000500000', // port 80, big-endian
        '0700060072720000', // rr
        '0c000700090000003d000000', // persistent and sched-1 of the flags that are ours
        '0800080032000000', // 50 s
        '08000900fffffc00', // 255.255.252.0
      ].join(''),
    );
  });
});
