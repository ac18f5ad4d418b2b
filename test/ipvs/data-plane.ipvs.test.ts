import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import type { Ipvs } from '#linux/ports.ts';
import type { Destination, Forwarding, Service } from '#lvs/ports.ts';
import {
  ask,
  buildSegment,
  DIRECT_CLIENT,
  failOver,
  startEchoServers,
  inside,
  markPackets,
  realAddress,
  REAL_SERVERS,
  startRealServers,
  tally,
  VIPS,
} from './segment.ts';
import {
  additionOf,
  addressKey,
  applyAll,
  clear,
  destinationOf,
  openTable,
  serviceOf,
  valueOf,
} from './table.ts';

let ipvs: Ipvs;
let servers: Server[] = [];

beforeAll(async () => {
  buildSegment();
  servers = await startRealServers();
  ipvs = await inside('dir', openTable);
});
beforeEach(() => clear(ipvs));
afterAll(() => {
  for (const server of servers) server.close();
  ipvs.close();
});

/** Both real servers behind a VIP. */
function serve(
  vip: string,
  scheduler: string,
  forwarding: Forwarding,
  more: { readonly service?: Partial<Service>; readonly weights?: readonly number[] } = {},
): void {
  const isSix = vip.includes(':');
  const destinations: Destination[] = REAL_SERVERS.map((_, i) =>
    destinationOf(realAddress(i)[isSix ? 1 : 0], forwarding.method === 'NAT' ? 8080 : 80, {
      forwarding,
      weight: more.weights?.[i] ?? 1,
    }),
  );
  applyAll(ipvs, additionOf(serviceOf(addressKey(vip, 80), scheduler, more.service), ...destinations));
}

const NAT = { method: 'NAT' } as const;

test('NAT with port mapping: rr takes turns, and the kernel counts', async () => {
  serve(VIPS.nat, 'rr', NAT);
  expect(tally(await ask(VIPS.nat, 200))).toEqual({ rs1: 100, rs2: 100 });
  // The kernel adds its counters up every two seconds.
  await expect.poll(() => valueOf(ipvs.services())[0]?.traffic.connections, { timeout: 10_000 }).toBe(200);
  const [service] = valueOf(ipvs.services());
  expect(service?.destinations.map(({ traffic }) => traffic.connections)).toEqual([100, 100]);
  expect(service?.traffic.packetsIn).toBeGreaterThan(600);
});

test('wrr shares by weight', async () => {
  serve(VIPS.nat, 'wrr', NAT, { weights: [3, 1] });
  expect(tally(await ask(VIPS.nat, 200))).toEqual({ rs1: 150, rs2: 50 });
});

test('sh keeps a client at one server', async () => {
  serve(VIPS.nat, 'sh', NAT);
  expect(Object.values(tally(await ask(VIPS.nat, 200)))).toEqual([200]);
});

test('weight 0 takes no new connections', async () => {
  serve(VIPS.nat, 'rr', NAT, { weights: [0, 1] });
  expect(tally(await ask(VIPS.nat, 20))).toEqual({ rs2: 20 });
});

test('persistence keeps a client at the server it had', async () => {
  serve(VIPS.nat, 'rr', NAT, { service: { persistenceTimeoutS: 60 } });
  expect(Object.values(tally(await ask(VIPS.nat, 20)))).toEqual([20]);
});

test('direct routing', async () => {
  serve(VIPS.dr, 'rr', { method: 'DR' });
  expect(tally(await ask(VIPS.dr, 20, DIRECT_CLIENT))).toEqual({ rs1: 10, rs2: 10 });
});

test('tunnels by IPIP', async () => {
  serve(VIPS.tun, 'rr', { method: 'TUN', type: 'ipip', port: 0, checksum: 'nocsum' });
  expect(tally(await ask(VIPS.tun, 20, DIRECT_CLIENT))).toEqual({ rs1: 10, rs2: 10 });
});

test('IPv6 by NAT', async () => {
  serve(VIPS.six, 'rr', NAT);
  expect(tally(await ask(VIPS.six, 20))).toEqual({ rs1: 10, rs2: 10 });
});

test('a firewall mark', async () => {
  await inside('dir', () => markPackets(VIPS.mark, 7));
  const key = { kind: 'fwmark', family: 4, fwmark: 7 } as const;
  const destinations = REAL_SERVERS.map((_, i) => destinationOf(realAddress(i)[0], 8080));
  applyAll(ipvs, additionOf(serviceOf(key, 'rr'), ...destinations));
  const { rs1 = 0, rs2 = 0 } = tally(await ask(VIPS.mark, 20));
  expect(rs1 + rs2).toBe(20);
  // A first packet that comes twice takes two turns.
  expect(Math.abs(rs1 - rs2)).toBeLessThanOrEqual(4);
});

test('a connection outlives its director, whose table the other has', async () => {
  const backup = await inside('dir2', openTable);
  servers.push(...(await startEchoServers(7000)));
  const sync = {
    interfaceName: 'eth0',
    syncId: 9,
    maxLength: undefined,
    port: undefined,
    ttl: undefined,
    group: undefined,
  };
  expect(ipvs.startSync({ ...sync, role: 'master' })).toBeUndefined();
  expect(backup.startSync({ ...sync, role: 'backup' })).toBeUndefined();
  const key = addressKey(VIPS.dr, 7000);
  const destinations = REAL_SERVERS.map((_, i) =>
    destinationOf(realAddress(i)[0], 7000, { forwarding: { method: 'DR' } }),
  );
  for (const table of [ipvs, backup]) applyAll(table, additionOf(serviceOf(key, 'rr'), ...destinations));
  const socket = await inside('client', async () => {
    const opened = connect({ host: VIPS.dr, port: 7000, localAddress: DIRECT_CLIENT });
    await once(opened, 'connect');
    return opened;
  });
  const say = async (word: string) => {
    const heard = once(socket, 'data', { signal: AbortSignal.timeout(10_000) });
    socket.write(word);
    return String((await heard)[0]);
  };
  await expect
    .poll(
      async () => {
        expect(await say('one')).toBe('one');
        return await inside('dir2', () => readFileSync('/proc/thread-self/net/ip_vs_conn', 'utf8'));
      },
      { timeout: 20_000 },
    )
    .toContain('ESTABLISHED');
  failOver(VIPS.dr);
  expect(await say('two')).toBe('two');
  await expect
    .poll(() => valueOf(backup.services())[0]?.traffic.packetsIn, { timeout: 10_000 })
    .toBeGreaterThan(0);
  socket.destroy();
  expect(ipvs.stopSync('master')).toBeUndefined();
  expect(backup.stopSync('backup')).toBeUndefined();
  backup.close();
});
