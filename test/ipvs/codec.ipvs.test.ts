import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Destination, Service } from '#lvs/ports.ts';
import {
  addressKey,
  applyAll,
  clear,
  restore,
  additionOf,
  destinationOf,
  ip,
  ipvsadm,
  openTable,
  serviceOf,
  valueOf,
  wishesOf,
} from './table.ts';

const ipvs = openTable();
beforeEach(() => clear(ipvs));
afterAll(() => ipvs.close());

const VIP = addressKey('10.0.0.1', 80);
const SIX = addressKey('2001:db8::1', 80);
const tunnel = (type: 'ipip' | 'gue' | 'gre', port = 0, checksum: 'nocsum' | 'csum' | 'remcsum' = 'nocsum') =>
  ({ method: 'TUN', type, port, checksum }) as const;

interface Row {
  readonly name: string;
  readonly service: Service;
  readonly destinations?: readonly Destination[];
  /** What `ipvsadm -Sn` says of it, which is what `ipvsadm -R` would make it of. */
  readonly saved: readonly string[];
  /** What sets it, where `ipvsadm -Sn` leaves something out: it does not save thresholds. */
  readonly commands?: readonly string[];
}

const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'mh', 'sed', 'nq', 'fo', 'ovf'];

const ROWS: readonly Row[] = [
  ...SCHEDULERS.map(scheduler => ({
    name: `scheduler ${scheduler}`,
    service: serviceOf(VIP, scheduler),
    destinations: [destinationOf('10.0.1.9', 8080)],
    saved: [`-A -t 10.0.0.1:80 -s ${scheduler}`, '-a -t 10.0.0.1:80 -r 10.0.1.9:8080 -m -w 1'],
  })),
  {
    name: 'sh with both of its flags',
    service: serviceOf(VIP, 'sh', { scheduler1: true, scheduler2: true }),
    saved: ['-A -t 10.0.0.1:80 -s sh -b sh-fallback,sh-port'],
  },
  {
    name: 'the third flag',
    service: serviceOf(VIP, 'wlc', { scheduler3: true }),
    saved: ['-A -t 10.0.0.1:80 -s wlc -b flag-3'],
  },
  {
    name: 'one-packet scheduling of UDP',
    service: serviceOf(addressKey('10.0.0.1', 53, 'UDP'), 'rr', { onePacket: true }),
    saved: ['-A -u 10.0.0.1:53 -s rr -o'],
  },
  {
    name: 'SCTP',
    service: serviceOf(addressKey('10.0.0.1', 36412, 'SCTP'), 'rr'),
    saved: ['-A --sctp-service 10.0.0.1:36412 -s rr'],
  },
  {
    name: 'persistence',
    service: serviceOf(VIP, 'rr', { persistenceTimeoutS: 360 }),
    saved: ['-A -t 10.0.0.1:80 -s rr -p 360'],
  },
  {
    name: 'persistence of networks',
    service: serviceOf(VIP, 'rr', { persistenceTimeoutS: 50, persistencePrefix: 22 }),
    saved: ['-A -t 10.0.0.1:80 -s rr -p 50 -M 255.255.252.0'],
  },
  {
    name: 'persistence of IPv6 networks',
    service: serviceOf(SIX, 'wrr', { persistenceTimeoutS: 50, persistencePrefix: 64 }),
    saved: ['-A -t [2001:db8::1]:80 -s wrr -p 50 -M 64'],
  },
  {
    name: 'every port, persistent',
    service: serviceOf(addressKey('10.0.0.1', 0), 'rr', { persistenceTimeoutS: 300 }),
    saved: ['-A -t 10.0.0.1:0 -s rr -p 300'],
  },
  {
    name: 'persistence engine sip',
    service: serviceOf(addressKey('10.0.0.1', 5060, 'UDP'), 'rr', {
      persistenceTimeoutS: 60,
      persistenceEngine: 'sip',
    }),
    saved: ['-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip'],
  },
  {
    name: 'firewall mark',
    service: serviceOf({ kind: 'fwmark', family: 4, fwmark: 3 }, 'rr'),
    destinations: [destinationOf('10.0.1.9', 0, { forwarding: { method: 'DR' } })],
    saved: ['-A -f 3 -s rr', '-a -f 3 -r 10.0.1.9:0 -g -w 1'],
  },
  {
    name: 'firewall mark of IPv6',
    service: serviceOf({ kind: 'fwmark', family: 6, fwmark: 4 }, 'rr'),
    saved: ['-A -f 4 -6 -s rr'],
  },
  {
    name: 'NAT, DR and thresholds',
    service: serviceOf(VIP, 'wlc'),
    destinations: [
      destinationOf('10.0.1.8', 8080, { weight: 0 }),
      destinationOf('10.0.1.9', 80, {
        weight: 65535,
        forwarding: { method: 'DR' },
        upperThreshold: 1000,
        lowerThreshold: 800,
      }),
    ],
    saved: [
      '-A -t 10.0.0.1:80 -s wlc',
      '-a -t 10.0.0.1:80 -r 10.0.1.9:80 -g -w 65535',
      '-a -t 10.0.0.1:80 -r 10.0.1.8:8080 -m -w 0',
    ],
    commands: [
      '-A -t 10.0.0.1:80 -s wlc',
      '-a -t 10.0.0.1:80 -r 10.0.1.9:80 -g -w 65535 -x 1000 -y 800',
      '-a -t 10.0.0.1:80 -r 10.0.1.8:8080 -m -w 0',
    ],
  },
  {
    name: 'tunnels',
    service: serviceOf(VIP, 'wlc'),
    destinations: [
      destinationOf('10.0.1.5', 80, { forwarding: tunnel('ipip') }),
      destinationOf('10.0.1.6', 80, { forwarding: tunnel('gue', 6080) }),
      destinationOf('10.0.1.7', 80, { forwarding: tunnel('gue', 6080, 'remcsum') }),
      destinationOf('10.0.1.8', 80, { forwarding: tunnel('gre') }),
      destinationOf('10.0.1.9', 80, { forwarding: tunnel('gre', 0, 'csum') }),
    ],
    saved: [
      '-A -t 10.0.0.1:80 -s wlc',
      '-a -t 10.0.0.1:80 -r 10.0.1.9:80 -i -w 1 --tun-type gre --tun-csum',
      '-a -t 10.0.0.1:80 -r 10.0.1.8:80 -i -w 1 --tun-type gre --tun-nocsum',
      '-a -t 10.0.0.1:80 -r 10.0.1.7:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum',
      '-a -t 10.0.0.1:80 -r 10.0.1.6:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum',
      '-a -t 10.0.0.1:80 -r 10.0.1.5:80 -i -w 1 --tun-type ipip',
    ],
  },
  {
    name: 'IPv6, and a tunnel over the other family',
    service: serviceOf(SIX, 'rr'),
    destinations: [
      destinationOf('2001:db8:1::9', 8080),
      destinationOf('10.0.1.9', 80, { forwarding: tunnel('ipip') }),
    ],
    saved: [
      '-A -t [2001:db8::1]:80 -s rr',
      '-a -t [2001:db8::1]:80 -r 10.0.1.9:80 -i -w 1 --tun-type ipip',
      '-a -t [2001:db8::1]:80 -r [2001:db8:1::9]:8080 -m -w 1',
    ],
  },
];

describe('what we set is what ipvsadm sees, and the reverse', () => {
  test.each(ROWS)('$name', ({ service, destinations = [], saved, commands = saved }) => {
    applyAll(ipvs, additionOf(service, ...destinations));
    expect(ipvsadm('-Sn').toSorted()).toEqual(saved.toSorted());
    const ours = wishesOf(valueOf(ipvs.services()));
    expect(ours).toEqual([{ ...service, destinations: expect.toSatisfy(sameSet(destinations)) }]);

    clear(ipvs);
    restore(commands);
    expect(wishesOf(valueOf(ipvs.services()))).toEqual([
      { ...service, destinations: expect.toSatisfy(sameSet(destinations)) },
    ]);
  });
});

/** The kernel lists destinations in an order of its own. */
const sameSet = (wanted: readonly Destination[]) => (found: readonly Destination[]) => {
  const sorted = (list: readonly Destination[]) =>
    list.toSorted((a, b) => a.address.join().localeCompare(b.address.join(), 'en'));
  expect(sorted(found)).toEqual(sorted(wanted));
  return true;
};

describe('changes', () => {
  test('a service and a destination are changed in place', () => {
    const service = serviceOf(VIP, 'rr', { persistenceTimeoutS: 60 });
    applyAll(ipvs, [
      ...additionOf(service, destinationOf('10.0.1.9', 80)),
      { type: 'editService', service: serviceOf(VIP, 'sh', { scheduler2: true }) },
      { type: 'editDestination', key: VIP, destination: destinationOf('10.0.1.9', 80, { weight: 7 }) },
    ]);
    expect(ipvsadm('-Sn')).toEqual([
      '-A -t 10.0.0.1:80 -s sh -b sh-port',
      '-a -t 10.0.0.1:80 -r 10.0.1.9:80 -m -w 7',
    ]);
    applyAll(ipvs, [
      { type: 'zero', key: VIP },
      { type: 'zero', key: undefined },
      { type: 'removeDestination', key: VIP, destination: destinationOf('10.0.1.9', 80) },
    ]);
    expect(ipvsadm('-Sn')).toEqual(['-A -t 10.0.0.1:80 -s sh -b sh-port']);
    applyAll(ipvs, [{ type: 'removeService', key: VIP }]);
    expect(valueOf(ipvs.services())).toEqual([]);
  });

  test('refusals are values, each at its operation’s place', () => {
    const service = serviceOf(VIP, 'rr');
    const good = destinationOf('10.0.1.9', 80);
    const answers = ipvs.apply([
      { type: 'removeService', key: VIP },
      { type: 'addDestination', key: VIP, destination: good },
      { type: 'addService', service: serviceOf(VIP, 'nosuch') },
      ...additionOf(service, good),
      ...additionOf(service, good),
      { type: 'editDestination', key: VIP, destination: destinationOf('10.0.1.8', 80) },
      { type: 'removeDestination', key: VIP, destination: destinationOf('10.0.1.8', 80) },
      {
        type: 'addDestination',
        key: VIP,
        destination: destinationOf('10.0.1.8', 80, { upperThreshold: 1, lowerThreshold: 2 }),
      },
      {
        type: 'addDestination',
        key: VIP,
        destination: destinationOf('10.0.1.8', 80, { forwarding: tunnel('gue') }),
      },
      { type: 'addDestination', key: VIP, destination: destinationOf('2001:db8::9', 80) },
      { type: 'addDestination', key: VIP, destination: destinationOf('10.0.1.7', 80) },
    ]);
    expect(answers.map(failure => failure?.code)).toEqual([
      'ESRCH',
      'ESRCH',
      'ENOENT',
      undefined,
      undefined,
      'EEXIST',
      'EEXIST',
      'ENOENT',
      'ENOENT',
      'ERANGE',
      'EINVAL',
      'EINVAL',
      undefined,
    ]);
    expect(answers[1]?.message).toMatch(/^add real server 10\.0\.1\.9:80 of TCP 10\.0\.0\.1:80: ESRCH: /);
  });

  test('timeouts; those that are not given stay', () => {
    expect(ipvs.setTimeouts({ tcpS: 901, tcpFinS: 121, udpS: 301 })).toBeUndefined();
    expect(ipvs.setTimeouts({ tcpS: undefined, tcpFinS: 122, udpS: undefined })).toBeUndefined();
    expect(ipvsadm('-l', '--timeout')).toEqual(['Timeout (tcp tcpfin udp): 901 122 301']);
  });

  test('synchronisation daemons', () => {
    const plain = { maxLength: undefined, port: undefined, ttl: undefined, group: undefined };
    expect(ipvs.startSync({ ...plain, role: 'master', interfaceName: 'none0', syncId: 1 })?.code).toBe(
      'ENODEV',
    );
    const master = {
      role: 'master',
      interfaceName: 'lo',
      syncId: 17,
      maxLength: 1400,
      port: 8850,
      ttl: 3,
      group: ip('239.1.1.1'),
    } as const;
    expect(ipvs.startSync(master)).toBeUndefined();
    expect(ipvs.startSync(master)?.code).toBe('EEXIST');
    expect(ipvs.startSync({ ...plain, role: 'backup', interfaceName: 'lo', syncId: 18 })).toBeUndefined();
    expect(ipvsadm('-l', '--daemon')).toEqual([
      'master sync daemon (mcast=lo, syncid=17, maxlen=1400, group=239.1.1.1, port=8850, ttl=3)',
      // The loopback's MTU allows the longest datagram there is.
      'backup sync daemon (mcast=lo, syncid=18, maxlen=65507, group=224.0.0.81, port=8848, ttl=1)',
    ]);
    const daemons = valueOf(ipvs.syncDaemons());
    expect(daemons[0]).toEqual(master);
    expect(daemons[1]).toMatchObject({
      role: 'backup',
      syncId: 18,
      port: 8848,
      ttl: 1,
      group: ip('224.0.0.81'),
    });
    expect(ipvs.stopSync('master')).toBeUndefined();
    expect(ipvs.stopSync('master')?.code).toBe('ESRCH');
    expect(ipvs.stopSync('backup')).toBeUndefined();
    expect(valueOf(ipvs.syncDaemons())).toEqual([]);
  });
});

test('300 services of 100 destinations are filled, read and removed', () => {
  const keys = Array.from({ length: 300 }, (_, i) => addressKey(`10.1.${i >> 8}.${i & 255}`, 80));
  const destinations = Array.from({ length: 100 }, (_, i) => destinationOf(`10.2.0.${i + 1}`, 80));
  const times: number[] = [performance.now()];
  applyAll(
    ipvs,
    keys.flatMap(key => additionOf(serviceOf(key, 'wlc'), ...destinations)),
  );
  times.push(performance.now());
  const seen = valueOf(ipvs.services());
  times.push(performance.now());
  applyAll(
    ipvs,
    keys.map(key => ({ type: 'removeService', key })),
  );
  times.push(performance.now());
  const [fill, dump, clear] = times.slice(1).map((at, i) => Math.round(at - (times[i] ?? 0)));
  console.log(`30,000 destinations: fill ${fill} ms, dump ${dump} ms, clear ${clear} ms`);
  expect(seen.map(service => service.destinations.length)).toEqual(keys.map(() => 100));
  expect(valueOf(ipvs.services())).toEqual([]);
});
