import { beforeEach, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { SecretBytes } from '#conf/secret.ts';
import type { VrrpInstance } from '#conf/model.ts';
import { FakeClock } from '#testing/clock.ts';
import { EngineRig } from '#testing/engine-rig.ts';
import { ipFrame, parseIpFrame } from '#testing/ip-frame.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { instance, ip } from '#testing/scenario-config.ts';
import { Interfaces } from './interfaces.ts';
import { VrrpSockets } from './sockets.ts';

const OWN = ip('192.0.2.5');
const PEER = ip('192.0.2.6');
const BASE_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);
const virtualMac = (vrid: number): Uint8Array => Uint8Array.of(0, 0, 0x5e, 0, 1, vrid);

const vmac = (virtualRouterId: number, fields: Partial<VrrpInstance> = {}): VrrpInstance =>
  instance({
    name: `V${virtualRouterId}`,
    virtualRouterId,
    vmac: { interface: `vrrp.${virtualRouterId}`, macAddress: undefined, xmitBase: false },
    ...fields,
  });
const plain = (virtualRouterId: number): VrrpInstance =>
  instance({ name: `P${virtualRouterId}`, virtualRouterId });

let clock: FakeClock;
let kernel: FakeKernel;
let interfaces: Interfaces;
let sent: string[];
/** `VRID by INTERFACE`. */
let heard: string[];
let receive: (frame: Uint8Array) => void;

beforeEach(() => {
  clock = new FakeClock();
  kernel = new FakeKernel(clock);
  interfaces = new Interfaces();
  sent = [];
  heard = [];
  const transmit = (frame: Uint8Array): void => {
    const packet = must(parseIpFrame(frame), 'an IP packet');
    sent.push(`${packet.payload[1]} from ${Buffer.from(frame.subarray(6, 12)).toString('hex')}`);
  };
  const eth0 = kernel.plug('eth0', BASE_MAC, { transmit }, [{ address: OWN, prefix: 24 }]);
  receive = frame => eth0.receive(frame);
  refresh();
});

function refresh(): void {
  const links = kernel.tables.links();
  for (const link of links.ok ? links.value : []) interfaces.put(link);
}

function addMacvlan(vrid: number, lowerIfindex = must(interfaces.byName('eth0'), 'eth0').ifindex): void {
  const name = `vrrp.${vrid}`;
  expect(kernel.tables.addMacvlan({ name, lowerIfindex, mac: virtualMac(vrid) })).toBeUndefined();
  expect(kernel.tables.setLinkUp(name, 'tandemd')).toBeUndefined();
  refresh();
}

function opened(...instances: readonly VrrpInstance[]) {
  const rig = new EngineRig(instances);
  rig.boot(OWN);
  const sockets = new VrrpSockets(
    kernel,
    interfaces,
    (_, { bytes, offset, ifindex }) =>
      heard.push(`${bytes[offset + (bytes[9] === 51 ? 25 : 1)]} by ${interfaces.byIndex(ifindex)?.name}`),
    () => {},
  );
  return { rig, sockets, outcomes: rig.engine.routers.map(router => sockets.open(router)) };
}

/** An advert of a peer from this MAC address; returns where it counted. */
function arrives(vrid: number, mac: Uint8Array, isAh = false): string[] {
  heard.length = 0;
  const advert = Uint8Array.of(0x31, vrid, 100, 0, 0, 100, 0, 0);
  const payload = isAh ? Uint8Array.of(...new Uint8Array(24), ...advert) : advert;
  const protocol = isAh ? 51 : 112;
  const destination = ip('224.0.0.18');
  receive(ipFrame({ protocol, source: PEER, destination, ttl: 255, payload }, mac));
  clock.runUntil(clock.nowMs + 1);
  return heard;
}

test('adverts leave by the macvlan, and a peer’s from the same MAC address are heard there', () => {
  addMacvlan(51);
  const { rig, sockets, outcomes } = opened(vmac(51));
  expect(outcomes).toEqual(['open']);
  expect(sockets.send(rig.router(), 100)).toBeGreaterThanOrEqual(0);
  expect(sent).toEqual(['51 from 00005e000133']);
  expect(arrives(51, virtualMac(51))).toEqual(['51 by vrrp.51']);
  expect(arrives(51, PEER_MAC)).toEqual(['51 by vrrp.51']);
});

test('with and without a macvlan on one NIC every advert counts once, whoever sends it', () => {
  for (const vrid of [51, 52]) addMacvlan(vrid);
  const { outcomes } = opened(vmac(51), plain(60), vmac(52));
  expect(outcomes).toEqual(['open', 'open', 'open']);
  for (const mac of [PEER_MAC, virtualMac(99)]) {
    expect(arrives(51, mac)).toEqual(['51 by vrrp.51']);
    expect(arrives(52, mac)).toEqual(['52 by vrrp.52']);
    expect(arrives(60, mac)).toEqual(['60 by eth0']);
    expect(arrives(99, mac)).toHaveLength(1);
  }
  expect(arrives(52, virtualMac(52))).toEqual(['52 by vrrp.52']);
});

test('with an authentication header, too', () => {
  const position = { file: 'a.conf', line: 1, column: 1 };
  const authentication = { type: 'AH', data: new SecretBytes(Buffer.from('secret')), position } as const;
  for (const vrid of [51, 52]) addMacvlan(vrid);
  opened(
    vmac(51, { version: 2, authentication }),
    vmac(52, { version: 2, authentication }),
    instance({ name: 'A', virtualRouterId: 60, version: 2, authentication }),
  );
  expect(arrives(52, PEER_MAC, true)).toEqual(['52 by vrrp.52']);
  expect(arrives(51, virtualMac(51), true)).toEqual(['51 by vrrp.51']);
  expect(arrives(60, PEER_MAC, true)).toEqual(['60 by eth0']);
});

test('what nobody listens for any more is left to the sockets that remain', () => {
  for (const vrid of [51, 52]) addMacvlan(vrid);
  const { rig, sockets } = opened(vmac(51), vmac(52), plain(60));
  sockets.close(rig.router(0));
  expect(arrives(51, PEER_MAC)).toHaveLength(1);
  expect(arrives(60, PEER_MAC)).toEqual(['60 by eth0']);
  sockets.close(rig.router(2));
  expect(arrives(60, PEER_MAC)).toEqual(['60 by vrrp.52']);
  sockets.closeAll();
  expect(arrives(52, PEER_MAC)).toEqual([]);
});

test('use_vmac comes and goes with a reload', () => {
  addMacvlan(51);
  const { rig, sockets } = opened(plain(51));
  rig.reload([{ ...vmac(51), name: 'P51' }]);
  expect(sockets.open(rig.router())).toBe('open');
  sockets.send(rig.router(), 100);
  expect(arrives(51, virtualMac(51))).toEqual(['51 by vrrp.51']);
  rig.reload([plain(51)]);
  expect(sockets.open(rig.router())).toBe('open');
  sockets.send(rig.router(), 100);
  expect(arrives(51, PEER_MAC)).toEqual(['51 by eth0']);
  expect(sent).toEqual(['51 from 00005e000133', '51 from 020000000001']);
});

test('vmac_xmit_base sends from the NIC and listens there', () => {
  addMacvlan(51);
  const { rig, sockets } = opened(
    vmac(51, { vmac: { interface: 'vrrp.51', macAddress: undefined, xmitBase: true } }),
  );
  sockets.send(rig.router(), 100);
  expect(sent).toEqual(['51 from 020000000001']);
  expect(arrives(51, PEER_MAC)).toEqual(['51 by eth0']);
});

test('a macvlan that is missing, or stands elsewhere, is told; one that is made anew is heard', () => {
  const { rig, sockets, outcomes } = opened(vmac(51));
  expect(outcomes).toEqual(['vmacMissing']);
  const eth1 = kernel.plug('eth1', Uint8Array.of(2, 0, 0, 0, 0, 3), { transmit: () => {} });
  addMacvlan(51, eth1.ifindex);
  expect(sockets.open(rig.router())).toBe('vmacMissing');
  const remove = (): void => {
    const link = must(interfaces.byName('vrrp.51'), 'vrrp.51');
    kernel.tables.removeLink(link.ifindex);
    interfaces.remove(link);
    sockets.closeInterface(link.ifindex);
  };
  remove();
  addMacvlan(51);
  expect(sockets.open(rig.router())).toBe('open');
  remove();
  expect(sockets.isOpen(rig.router())).toBe(false);
  addMacvlan(51);
  expect(sockets.open(rig.router())).toBe('open');
  expect(arrives(51, virtualMac(51))).toEqual(['51 by vrrp.51']);
});
