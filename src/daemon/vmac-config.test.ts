import { expect, test } from 'vitest';
import type { Vmac } from '#conf/model.ts';
import { config, instance, vip } from '#testing/scenario-config.ts';
import { placeVipsOnVmacs, sendingVmac, wantedVmacs } from './vmac-config.ts';

const vmac = (fields: Partial<Vmac> = {}): Vmac => ({
  interface: undefined,
  macAddress: undefined,
  xmitBase: false,
  ...fields,
});
const globalDefs = { vmacPrefix: 'vrrp' };

test('VIPs without a device are on the macvlan, which has keepalived’s name and the virtual MAC address', () => {
  const virtualAddresses = [vip('192.0.2.100'), vip('192.0.2.101', 'eth9')];
  const placed = placeVipsOnVmacs(
    config([instance({ vmac: vmac(), virtualAddresses }), instance({ name: 'B', virtualRouterId: 9 })], {
      globalDefs,
    }),
  );
  const [first, second] = placed.vrrpInstances;
  expect(first?.virtualAddresses.map(each => each.dev)).toEqual(['vrrp.51', 'eth9']);
  expect(second?.virtualAddresses.map(each => each.dev)).toEqual([undefined]);
  expect(first && sendingVmac(first)).toBe('vrrp.51');
  expect(second && sendingVmac(second)).toBeUndefined();
  expect(wantedVmacs(placed)).toEqual([
    { name: 'vrrp.51', base: 'eth0', mac: Uint8Array.of(0, 0, 0x5e, 0, 1, 51) },
  ]);
});

test('names do not collide, IPv6 has its own, and adverts leave by the base where they must', () => {
  const placed = placeVipsOnVmacs(
    config(
      [
        instance({ vmac: vmac() }),
        instance({ vmac: vmac(), interface: 'eth1' }),
        instance({ vmac: vmac(), family: 6 }),
        instance({ vmac: vmac({ interface: 'my0', xmitBase: true, macAddress: new Uint8Array(6) }) }),
      ],
      { globalDefs },
    ),
  );
  expect(wantedVmacs(placed).map(each => each.name)).toEqual(['vrrp.51', 'vrrp.51_2', 'vrrp6.51', 'my0']);
  expect(wantedVmacs(placed)[2]?.mac).toEqual(Uint8Array.of(0, 0, 0x5e, 0, 2, 51));
  expect(wantedVmacs(placed)[3]?.mac).toEqual(new Uint8Array(6));
  expect(placed.vrrpInstances.map(sendingVmac)).toEqual(['vrrp.51', 'vrrp.51_2', undefined, undefined]);
});
