import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatIp, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { errnoName } from '#linux/failure.ts';
import { enterNetworkNamespace, openKernel } from '#linux/kernel.ts';
import { loadNative } from '#linux/native.ts';
import type { Kernel, KernelFailure, Result, VrrpSocket, VrrpSocketOptions } from '#linux/ports.ts';
import { sockaddrLl, unixSocketAddress } from '#linux/socket-address.ts';
import { gratuitousArp } from '#wire/arp.ts';
import { unsolicitedAdvertisement } from '#wire/ndp.ts';
import { buildNative } from '../../scripts/build-native.ts';
import { makeNamespace, type Namespace } from './native/namespace.ts';

const ip = (text: string) => must(parseIp(text), text);
const GROUP = ip('224.0.0.18');
const GROUP6 = ip('ff02::12');

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

/** What was heard, copied out of the reused packet. */
interface Heard {
  readonly payload: string;
  readonly from: string;
  readonly to: string;
  readonly ttl: number;
  readonly header: Buffer;
}

interface Host {
  readonly namespace: Namespace;
  readonly kernel: Kernel;
  readonly ifindex: number;
}

interface Endpoint {
  readonly socket: VrrpSocket;
  readonly heard: Heard[];
  readonly failures: KernelFailure[];
  send(payload: string, destination: Uint8Array, source: Uint8Array): number;
}

async function makeHost(): Promise<Host> {
  const namespace = await makeNamespace();
  return { namespace, kernel: namespace.within(() => value(openKernel())), ifindex: 0 };
}

describe('the addon on the running kernel', () => {
  let a: Host;
  let b: Host;

  beforeAll(async () => {
    buildNative(process.arch === 'arm64' ? 'arm64' : 'x64');
    [a, b] = await Promise.all([makeHost(), makeHost()]);
    const peer = `peer name eth0 address 02:00:00:00:00:0b netns ${b.namespace.holderPid}`;
    a.namespace.ip(`link add eth0 address 02:00:00:00:00:0a type veth ${peer}`);
    for (const [host, n] of [
      [a, 1],
      [b, 2],
    ] as const) {
      host.namespace.ip(`addr add 192.0.2.${n}/24 dev eth0`);
      host.namespace.ip(`addr add 2001:db8::${n}/64 dev eth0 nodad`);
      host.namespace.ip(`addr add fe80::${n}/64 dev eth0 nodad`);
      host.namespace.ip('link set eth0 up');
    }
    [a, b] = [withIfindex(a), withIfindex(b)];
    await vi.waitFor(() => expect([a, b].every(host => eth0(host).running)).toBe(true), 5000);
  });
  afterAll(() => {
    a.namespace.remove();
    b.namespace.remove();
  });

  const eth0 = (host: Host) =>
    must(
      value(host.kernel.tables.links()).find(link => link.name === 'eth0'),
      'eth0',
    );
  const withIfindex = (host: Host): Host => ({ ...host, ifindex: eth0(host).ifindex });

  function endpoint(
    host: Host,
    local: VrrpSocketOptions['local'],
    protocol: 'vrrp' | 'ah' = 'vrrp',
  ): Endpoint {
    const heard: Heard[] = [];
    const failures: KernelFailure[] = [];
    const address = local.cast === 'multicast' ? local.group : local.address;
    const options: VrrpSocketOptions = {
      interfaceName: 'eth0',
      ifindex: host.ifindex,
      family: address.length === 4 ? 4 : 6,
      protocol,
      local,
    };
    const opened = host.namespace.within(() =>
      host.kernel.openVrrpSocket(options, {
        packet: packet => {
          expect(packet.ifindex).toBe(host.ifindex);
          heard.push({
            payload: Buffer.from(packet.bytes.subarray(packet.offset, packet.end)).toString(),
            from: formatIp(packet.source),
            to: formatIp(packet.destination),
            ttl: packet.ttl,
            header: Buffer.from(packet.bytes.slice(0, packet.offset)),
          });
        },
        failed: failure => failures.push(failure),
      }),
    );
    const socket = value(opened);
    onTestFinished(() => socket.close());
    const send: Endpoint['send'] = (payload, destination, source) =>
      socket.send(socket.target(destination, source), Buffer.from(payload), payload.length);
    return { socket, heard, failures, send };
  }

  const multicast = (group: Uint8Array) => ({ cast: 'multicast', group }) as const;
  const unicast = (address: Uint8Array) => ({ cast: 'unicast', address }) as const;

  test.each([
    ['IPv4 multicast', multicast(GROUP), multicast(GROUP), GROUP, '192.0.2.1'],
    ['IPv6 multicast', multicast(GROUP6), multicast(GROUP6), GROUP6, 'fe80::1'],
    ['IPv4 unicast', unicast(ip('192.0.2.1')), unicast(ip('192.0.2.2')), ip('192.0.2.2'), '192.0.2.1'],
    [
      'IPv6 unicast',
      unicast(ip('2001:db8::1')),
      unicast(ip('2001:db8::2')),
      ip('2001:db8::2'),
      '2001:db8::1',
    ],
    ['IPv6 link-local unicast', unicast(ip('fe80::1')), unicast(ip('fe80::2')), ip('fe80::2'), 'fe80::1'],
  ])('%s arrives with TTL 255 and is not heard by its sender', async (_, near, far, destination, source) => {
    const sender = endpoint(a, near);
    const receiver = endpoint(b, far);
    expect(sender.send('advertisement', destination, ip(source))).toBe('advertisement'.length);
    await expect.poll(() => receiver.heard.length, { timeout: 5000 }).toBe(1);
    expect(receiver.heard[0]).toMatchObject({
      payload: 'advertisement',
      from: source,
      to: formatIp(destination),
      ttl: 255,
    });
    sender.socket.drain();
    expect(sender.heard).toEqual([]);
  });

  test.each([
    ['IPv4', GROUP, ip('224.0.0.111'), ip('192.0.2.2'), '192.0.2.1'],
    ['IPv6', GROUP6, ip('ff02::112'), ip('2001:db8::2'), '2001:db8::1'],
  ])('a socket hears its own group or address only (%s)', async (_, group, other, address, source) => {
    const sender = endpoint(a, multicast(group));
    const receivers = [group, other].map(each => endpoint(b, multicast(each)));
    receivers.push(endpoint(b, unicast(address)));
    for (const to of [group, other, address]) sender.send(formatIp(to), to, ip(source));
    await expect.poll(() => receivers.flatMap(each => each.heard).length, { timeout: 5000 }).toBe(3);
    expect(receivers.map(each => each.heard.map(packet => packet.payload))).toEqual(
      [group, other, address].map(to => [formatIp(to)]),
    );
  });

  test('AH leaves with identification 0 and DF, so that its check value can be computed beforehand', async () => {
    const sender = endpoint(a, multicast(GROUP), 'ah');
    const receiver = endpoint(b, multicast(GROUP), 'ah');
    // The kernel delivers to raw sockets before it looks for an IPsec association.
    for (const payload of ['first', 'second']) sender.send(payload, GROUP, ip('192.0.2.1'));
    await expect.poll(() => receiver.heard.length, { timeout: 5000 }).toBe(2);
    for (const { header } of receiver.heard) {
      expect(header.readUInt16BE(4)).toBe(0);
      expect(header.readUInt16BE(6)).toBe(0x4000);
      expect(header[9]).toBe(51);
    }
  });

  test('drain delivers what waits without the event loop', () => {
    const sender = endpoint(a, multicast(GROUP));
    const receiver = endpoint(b, multicast(GROUP));
    for (let i = 0; i < 300; i++) sender.send(`packet ${i}`, GROUP, ip('192.0.2.1'));
    receiver.socket.drain();
    expect(receiver.heard.map(packet => packet.payload)).toEqual(
      Array.from({ length: 300 }, (_, i) => `packet ${i}`),
    );
  });

  test('the full IPv6 advertisement of 255 addresses is put together again', async () => {
    const sender = endpoint(a, multicast(GROUP6));
    const receiver = endpoint(b, multicast(GROUP6));
    const payload = 'x'.repeat(8 + 255 * 16);
    expect(sender.send(payload, GROUP6, ip('fe80::1'))).toBe(payload.length);
    await expect
      .poll(() => receiver.heard.map(packet => packet.payload), { timeout: 5000 })
      .toEqual([payload]);
  });

  test('refusals are values', () => {
    const sender = endpoint(a, multicast(GROUP));
    expect(errnoName(-sender.send('x', GROUP, ip('198.51.100.1')))).toMatch(
      /^(EINVAL|ENETUNREACH|EADDRNOTAVAIL)$/,
    );
    sender.socket.close();
    expect(errnoName(-sender.send('x', GROUP, ip('192.0.2.1')))).toBe('EBADF');
    expect(enterNetworkNamespace('/run/netns/absent-namespace')).toMatchObject({ code: 'ENOENT' });
    const absent = a.namespace.within(() =>
      a.kernel.openVrrpSocket(
        { interfaceName: 'eth7', ifindex: 77, family: 4, protocol: 'vrrp', local: multicast(GROUP) },
        { packet: () => {}, failed: () => {} },
      ),
    );
    expect(absent).toMatchObject({ ok: false, failure: { code: 'ENODEV' } });
    expect(absent.ok ? '' : absent.failure.message).toContain(
      'vrrp socket on eth7 for 224.0.0.18: setsockopt',
    );
  });

  test('gratuitous ARP and neighbour advertisements are on the wire as built, and neighbours learn from them', async () => {
    const native = loadNative();
    const tap = b.namespace.within(() => native.socket(17, 3, 0));
    onTestFinished(() => void native.close(tap));
    const everything = {
      family: 17,
      protocol: 3,
      ifindex: b.ifindex,
      hardwareType: 0,
      packetType: 0,
      addressLength: 0,
    };
    expect(native.bind(tap, sockaddrLl.encode({ ...everything, address: new Uint8Array(8) }))).toBe(0);
    b.namespace.ip('neigh replace 192.0.2.100 lladdr 02:00:00:00:00:99 nud stale dev eth0');
    b.namespace.ip('neigh replace 2001:db8::100 lladdr 02:00:00:00:00:99 nud stale dev eth0');

    const socket = value(a.namespace.within(() => a.kernel.openPacketSocket()));
    onTestFinished(() => socket.close());
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 0x0a);
    const frames = [
      gratuitousArp(mac, ip('192.0.2.100')),
      unsolicitedAdvertisement(mac, ip('2001:db8::100'), false),
    ];
    for (const frame of frames) expect(socket.send(a.ifindex, frame, frame.length)).toBe(frame.length);

    const seen: string[] = [];
    const buffer = new Uint8Array(2048);
    await expect
      .poll(
        () => {
          for (let n; (n = native.receive(tap, buffer, null, null)) > 0;)
            seen.push(Buffer.from(buffer.subarray(0, n)).toString('hex'));
          return frames.every(frame => seen.includes(Buffer.from(frame).toString('hex')));
        },
        { timeout: 5000 },
      )
      .toBe(true);
    for (const address of ['192.0.2.100', '2001:db8::100'])
      expect(b.namespace.ip(`neigh show ${address}`)).toContain('02:00:00:00:00:0a');
  });

  describe('the timer', () => {
    const next = (atMs: (now: number) => number) =>
      new Promise<{ deadline: number; firedAt: number }>(resolve => {
        const timer = a.kernel.timer(() => {
          timer.close();
          resolve({ deadline, firedAt: a.kernel.nowMs() });
        });
        const deadline = atMs(a.kernel.nowMs());
        timer.arm(deadline);
      });

    test('never fires before its deadline, to the microsecond', async () => {
      for (const delay of [0.078, 0.5, 1, 2.34567, 10]) {
        const { deadline, firedAt } = await next(now => now + delay);
        expect(firedAt).toBeGreaterThanOrEqual(deadline);
      }
    });

    test('fires at once for a deadline that has passed', async () => {
      const { firedAt, deadline } = await next(() => -5);
      expect(firedAt).toBeGreaterThan(deadline);
    });

    test('may be armed again by its callback, replaced, and disarmed', async () => {
      const fired: string[] = [];
      const repeated = a.kernel.timer(() => {
        fired.push('repeated');
        if (fired.length < 3) repeated.arm(a.kernel.nowMs() + 1);
      });
      onTestFinished(() => repeated.close());
      repeated.arm(a.kernel.nowMs() + 1e9);
      repeated.arm(a.kernel.nowMs() + 1);
      const disarmed = a.kernel.timer(() => fired.push('disarmed'));
      onTestFinished(() => disarmed.close());
      disarmed.arm(a.kernel.nowMs() + 2);
      disarmed.disarm();
      await expect.poll(() => fired.length, { timeout: 5000 }).toBe(3);
      await next(now => now + 20);
      expect(fired).toEqual(['repeated', 'repeated', 'repeated']);
    });
  });

  test('datagrams reach unix sockets by path and by abstract name', () => {
    const native = loadNative();
    const folder = mkdtempSync(join(tmpdir(), 'tandem-native-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const sender = value(a.kernel.openUnixDatagram());
    onTestFinished(() => sender.close());
    const buffer = Buffer.alloc(100);
    for (const path of [join(folder, 'notify'), `@tandem-test-${process.pid}`]) {
      const receiver = native.socket(1, 2, 0);
      expect(native.bind(receiver, must(unixSocketAddress(path), path))).toBe(0);
      expect(sender.send(path, Buffer.from('READY=1'))).toBe(7);
      expect(buffer.toString('utf8', 0, native.receive(receiver, buffer, null, null))).toBe('READY=1');
      native.close(receiver);
    }
    expect(errnoName(-sender.send('/nowhere/at-all', Buffer.from('x')))).toBe('ENOENT');
    expect(errnoName(-sender.send(`/${'x'.repeat(200)}`, Buffer.from('x')))).toBe('ENAMETOOLONG');
  });

  test('arguments of a wrong type are our bug', () => {
    const native = loadNative() as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(() => native['bind']?.(0, 'address')).toThrow(TypeError);
    expect(() => native['send']?.(0, new Uint8Array(2), 3, null, null)).toThrow('length exceeds the buffer');
    expect(() => native['receive']?.(0, new Uint8Array(2), null, new Int32Array(2))).toThrow(
      'meta is too short',
    );
    expect(() => native['pollStop']?.({})).toThrow(TypeError);
    expect(() => native['socket']?.()).toThrow(TypeError);
  });

  describe('seen from outside of the process', () => {
    const script = fileURLToPath(import.meta.resolve('./native/scenario.ts'));
    const run = (scenario: string, prefix: string[] = [], flags: string[] = []) =>
      spawnSync(
        'nsenter',
        [`--net=${a.namespace.path}`, ...prefix, process.execPath, ...flags, script, scenario],
        { encoding: 'utf8', timeout: 60_000 },
      );

    test('a throw in a callback is an uncaughtException and the loop goes on', () => {
      expect(run('throwing-callback').stdout).toBe('caught: thrown by a callback\nthe loop goes on\n');
    });

    test('a throw that nobody handles ends the process', () => {
      expect(run('throwing-callback-unhandled')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('thrown by a callback'),
      });
    });

    test('ticks and promise jobs run right after a callback', () => {
      expect(run('ticks-drained').stdout).toBe('callback tick promise\n');
    });

    test('sending, draining and reading the clock allocate nothing', () => {
      const { stdout, stderr } = run('send-without-allocation', [], ['--expose-gc']);
      const { sent, grownBytes } = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`);
      expect(sent).toBe(120_000);
      // One object of 16 bytes per packet would make 1.6 MB; what is left is the compiler's own.
      expect(grownBytes).toBeLessThan(200_000);
    });

    test('a worker that is terminated closes what it polled', () => {
      expect(run('worker-terminated')).toMatchObject({ status: 0, stdout: 'ended 1\n' });
    });

    test('real-time scheduling is for this process only, and refused without the capability', () => {
      const without = run('realtime', ['setpriv', '--inh-caps=-all', '--bounding-set=-sys_nice']);
      expect(JSON.parse(without.stdout)).toEqual({
        refused: 'EPERM',
        own: 'SCHED_OTHER',
        child: 'SCHED_OTHER',
      });
      const result = JSON.parse(run('realtime').stdout);
      // A container may lack the capability, and then says so.
      expect([
        { own: 'SCHED_RR|SCHED_RESET_ON_FORK', child: 'SCHED_OTHER' },
        { refused: 'EPERM', own: 'SCHED_OTHER', child: 'SCHED_OTHER' },
      ]).toContainEqual(result);
    });

    test('descriptors are closed on exec', () => {
      const { stdout } = run('descriptors-closed-on-exec');
      expect(stdout).toContain('/proc/');
      expect(stdout).not.toMatch(/ ([3-9]|\d\d+) -> (socket|anon_inode)/);
    });
  });
});
