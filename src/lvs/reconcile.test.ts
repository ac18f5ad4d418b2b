import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { parseIp } from '#base/address.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { Config, VirtualServer } from '#conf/model.ts';
import { destinationName, serviceName } from './keys.ts';
import type { Destination, Operation, SeenService, Service } from './ports.ts';
import { reconcile, type DesiredService, type Owned } from './reconcile.ts';
import { destinationKey, forwardingOf, servicesOf } from './services.ts';

const load = (text: string): Config =>
  loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' }).config;
const only = (config: Config): VirtualServer => must(config.virtualServers[0], 'a virtual server');
const ip = (text: string): Uint8Array => must(parseIp(text), 'an address');
const server = (key: string, lines: string, real = '10.0.0.9 8080'): string =>
  `virtual_server ${key} {\nprotocol TCP\nlvs_sched rr\n${lines}\nreal_server ${real} {\n}\n}\n`;

describe('services of a virtual server', () => {
  const names = (text: string): string[] => {
    const config = load(text);
    return servicesOf(only(config), config.virtualServerGroups[0]).map(({ key }) => serviceName(key));
  };

  test('an address, a mark', () => {
    expect(names(server('10.0.0.1 80', 'lvs_method NAT'))).toEqual(['TCP 10.0.0.1 80']);
    expect(names(server('fwmark 5', 'lvs_method NAT'))).toEqual(['fwmark 5 4']);
  });

  test('every address and mark of a group, up to the last address there is', () => {
    const group = 'virtual_server_group G {\n10.0.0.254-10.0.1.1 80\n255.255.255.254/31 53\nfwmark 7\n}\n';
    expect(names(group + server('group G', 'lvs_method NAT'))).toEqual([
      'TCP 10.0.0.254 80',
      'TCP 10.0.0.255 80',
      'TCP 10.0.1.0 80',
      'TCP 10.0.1.1 80',
      'TCP 255.255.255.254 53',
      'TCP 255.255.255.255 53',
      'fwmark 7 4',
    ]);
  });

  test('flags, persistence and granularity', () => {
    const config = load(
      server('10.0.0.1 80', 'lvs_method NAT\nlvs_sched sh\nsh-port\npersistence_granularity 255.255.255.0'),
    );
    expect(servicesOf(only(config), undefined)).toMatchObject([
      {
        scheduler: 'sh',
        scheduler1: false,
        scheduler2: true,
        persistenceTimeoutS: 360,
        persistencePrefix: 24,
      },
    ]);
  });

  test.each([
    ['10.0.0.1 80', 'NAT', '10.0.0.9 8080', 8080],
    ['10.0.0.1 80', 'NAT', '10.0.0.9', 80],
    ['10.0.0.1 80', 'DR', '10.0.0.9 80', 80],
    ['fwmark 5', 'NAT', '10.0.0.9 8080', 8080],
    ['fwmark 5', 'TUN', '10.0.0.9 8080', 0],
  ])('%s by %s to %s: port %i', (key, method, real, port) => {
    const virtual = only(load(server(key, `lvs_method ${method}`, real)));
    const service = must(servicesOf(virtual, undefined)[0], 'a service');
    const realServer = must(virtual.realServers[0], 'a real server');
    expect(destinationKey(service.key, realServer)).toEqual({ address: ip('10.0.0.9'), port });
    expect(forwardingOf(realServer.forwarding).method).toBe(method);
  });
});

describe('reconciliation', () => {
  const service = (address: string, scheduler = 'rr'): Service =>
    must(
      servicesOf(only(load(server(`${address} 80`, `lvs_method NAT\nlvs_sched ${scheduler}`))), undefined)[0],
      'a service',
    );
  const destination = (address: string, weight = 1): Destination => ({
    address: ip(address),
    port: 80,
    forwarding: { method: 'NAT' },
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
  });
  const traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
  const seen = ({ service: of, destinations }: DesiredService): SeenService => ({
    ...of,
    traffic,
    destinations: destinations.map(each => ({
      ...each,
      activeConnections: 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      traffic,
    })),
  });
  const nothing: Owned = { service: () => false, destination: () => false };
  const everything: Owned = { service: () => true, destination: () => true };
  const told = (operations: readonly Operation[]): string[] =>
    operations.map(operation => {
      if ('service' in operation) return `${operation.type} ${serviceName(operation.service.key)}`;
      const name = 'destination' in operation ? destinationName(operation.destination) : '';
      return `${operation.type} ${operation.key ? serviceName(operation.key) : ''} ${name}`.trim();
    });
  const one = {
    service: service('10.0.0.1'),
    destinations: [destination('10.1.0.1'), destination('10.1.0.2')],
  };

  test('an empty table is filled, services first', () => {
    expect(told(reconcile([one], [], nothing).operations)).toEqual([
      'addService TCP 10.0.0.1 80',
      'addDestination TCP 10.0.0.1 80 10.1.0.1 80',
      'addDestination TCP 10.0.0.1 80 10.1.0.2 80',
    ]);
  });

  test('what is there is taken over: a second look finds nothing to do', () => {
    expect(reconcile([one], [seen(one)], everything)).toEqual({
      operations: [],
      foreignServices: [],
      foreignDestinations: [],
    });
  });

  test('only the difference is applied', () => {
    const changed = {
      service: service('10.0.0.1', 'wrr'),
      destinations: [destination('10.1.0.1', 5), destination('10.1.0.3')],
    };
    expect(told(reconcile([changed], [seen(one)], everything).operations)).toEqual([
      'editService TCP 10.0.0.1 80',
      'editDestination TCP 10.0.0.1 80 10.1.0.1 80',
      'addDestination TCP 10.0.0.1 80 10.1.0.3 80',
      'removeDestination TCP 10.0.0.1 80 10.1.0.2 80',
    ]);
  });

  test('what is not ours is left alone and reported', () => {
    const other = { service: service('10.0.0.2'), destinations: [destination('10.1.0.1')] };
    const less = { service: one.service, destinations: one.destinations.slice(1) };
    const result = reconcile([less], [seen(one), seen(other)], nothing);
    expect(result.operations).toEqual([]);
    expect(result.foreignServices.map(serviceName)).toEqual(['TCP 10.0.0.2 80']);
    expect(result.foreignDestinations.map(({ key }) => destinationName(key))).toEqual(['10.1.0.1 80']);
  });

  test('what was ours and is not wanted goes', () => {
    expect(told(reconcile([], [seen(one)], everything).operations)).toEqual([
      'removeService TCP 10.0.0.1 80',
    ]);
  });

  test('a destination that is an address of this host is no difference', () => {
    const table = seen(one);
    const local = table.destinations.map(each => ({ ...each, forwarding: { method: 'LOCAL' as const } }));
    expect(reconcile([one], [{ ...table, destinations: local }], everything).operations).toEqual([]);
  });
});
