import { describe, expect, test } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { Destination, Operation, Service } from '#lvs/ports.ts';
import { FakeIpvs } from './fake-ipvs.ts';

const ip = (text: string) => must(parseIp(text), text);

const service: Service = {
  key: { kind: 'address', family: 4, transport: 'TCP', address: ip('10.0.0.1'), port: 80 },
  scheduler: 'rr',
  persistenceTimeoutS: 0,
  persistencePrefix: 32,
  persistenceEngine: undefined,
  onePacket: false,
  scheduler1: false,
  scheduler2: false,
  scheduler3: false,
};
const { key } = service;
const destination: Destination = {
  address: ip('10.0.1.9'),
  port: 8080,
  forwarding: { method: 'NAT' },
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};
const add: Operation[] = [
  { type: 'addService', service },
  { type: 'addDestination', key, destination },
];

const codes = (ipvs: FakeIpvs, ...operations: Operation[]) =>
  ipvs.apply(operations).map(failure => failure?.code);

describe('the table in memory', () => {
  test('holds what was added until it is removed, counters with it', () => {
    const ipvs = new FakeIpvs();
    expect(codes(ipvs, ...add)).toEqual([undefined, undefined]);
    ipvs.observe(key, destination, { activeConnections: 3 });
    expect(codes(ipvs, { type: 'editDestination', key, destination: { ...destination, weight: 7 } })).toEqual(
      [undefined],
    );
    expect(ipvs.services()).toMatchObject({
      ok: true,
      value: [{ scheduler: 'rr', destinations: [{ port: 8080, weight: 7, activeConnections: 3 }] }],
    });
    expect(codes(ipvs, { type: 'removeDestination', key, destination })).toEqual([undefined]);
    expect(codes(ipvs, { type: 'removeService', key })).toEqual([undefined]);
    expect(ipvs.services()).toEqual({ ok: true, value: [] });
    expect(ipvs.takeApplied().map(({ type }) => type)).toEqual([
      'addService',
      'addDestination',
      'editDestination',
      'removeDestination',
      'removeService',
    ]);
    expect(ipvs.takeApplied()).toEqual([]);
  });

  test('refuses as the kernel does', () => {
    const ipvs = new FakeIpvs();
    expect(codes(ipvs, { type: 'removeService', key }, { type: 'addDestination', key, destination })).toEqual(
      ['ESRCH', 'ESRCH'],
    );
    ipvs.apply(add);
    expect(codes(ipvs, ...add)).toEqual(['EEXIST', 'EEXIST']);
    const other = { ...destination, port: 9 };
    expect(
      codes(
        ipvs,
        { type: 'editDestination', key, destination: other },
        { type: 'removeDestination', key, destination: other },
        { type: 'addDestination', key, destination: { ...other, lowerThreshold: 2, upperThreshold: 1 } },
        { type: 'addDestination', key, destination: { ...other, address: ip('fd00::1') } },
        { type: 'editService', service: { ...service, scheduler: 'nosuch' } },
      ),
    ).toEqual(['ENOENT', 'ENOENT', 'ERANGE', 'EINVAL', 'ENOENT']);
  });

  test('somebody else’s changes are not in the record, and a refusal can be made up', () => {
    const ipvs = new FakeIpvs({ refusal: call => (call.startsWith('add real server') ? 12 : undefined) });
    expect(ipvs.tamper(add).map(failure => failure?.message)).toEqual([
      undefined,
      'add real server 10.0.1.9:8080 of TCP 10.0.0.1:80: ENOMEM: not enough memory',
    ]);
    expect(ipvs.takeApplied()).toEqual([]);
    ipvs.clear();
    expect(ipvs.services()).toEqual({ ok: true, value: [] });
  });

  test('one synchronisation daemon per role', () => {
    const ipvs = new FakeIpvs({ interfaces: ['eth1'] });
    const daemon = {
      role: 'master',
      interfaceName: 'eth1',
      syncId: 3,
      maxLength: undefined,
      port: undefined,
      ttl: undefined,
      group: undefined,
    } as const;
    expect(ipvs.startSync({ ...daemon, interfaceName: 'eth0' })?.code).toBe('ENODEV');
    expect(ipvs.startSync(daemon)).toBeUndefined();
    expect(ipvs.startSync(daemon)?.code).toBe('EEXIST');
    expect(ipvs.syncDaemons()).toEqual({ ok: true, value: [daemon] });
    expect(ipvs.stopSync('backup')?.code).toBe('ESRCH');
    expect(ipvs.stopSync('master')).toBeUndefined();
  });
});
