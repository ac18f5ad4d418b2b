import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { Config } from '#conf/model.ts';
import { ALL_INTERFACES, type Link } from '#linux/ports.ts';
import { FakeClock } from '#testing/clock.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { config, instance } from '#testing/scenario-config.ts';
import { HostWatch } from './host-watch.ts';
import { Interfaces } from './interfaces.ts';
import { KernelSettings } from './kernel-settings.ts';
import { Log } from './log.ts';
import { Vmacs } from './vmacs.ts';

let folder: string;
let clock: FakeClock;
let kernel: FakeKernel;
let interfaces: Interfaces;
let lines: string[];
let vmacs: Vmacs;
let watch: HostWatch;

const macOf = (last: number): Uint8Array => Uint8Array.of(0, 0, 0x5e, 0, 1, last);
const wanting = (last: number, name = 'vrrp.51'): Config =>
  config([instance({ vmac: { interface: name, macAddress: macOf(last), xmitBase: false } })]);
const NONE = config([instance()]);

const file = (name: string): string => join(folder, 'net/ipv4/conf', name, 'rp_filter');
/** An interface's settings as the kernel shows them: the macvlan's, too, before it is made. */
function settingsOf(name: string, rpFilter: string): void {
  mkdirSync(join(folder, 'net/ipv4/conf', name), { recursive: true });
  mkdirSync(join(folder, 'net/ipv6/conf', name), { recursive: true });
  writeFileSync(file(name), rpFilter);
}
const rpFilter = (name: string): string => readFileSync(file(name), 'utf8').trim();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-vmacs-'));
  for (const [name, value] of Object.entries({
    all: '0',
    default: '0',
    eth0: '0',
    eth1: '1',
    'vrrp.51': '2',
  }))
    settingsOf(name, value);
  for (const name of ['arp_ignore', 'arp_announce'])
    writeFileSync(join(folder, 'net/ipv4/conf/eth0', name), '0\n');
  clock = new FakeClock();
  kernel = new FakeKernel(clock);
  kernel.plug('eth0', Uint8Array.of(2, 0, 0, 0, 0, 1), { transmit: () => {} });
  lines = [];
  start();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A daemon that knows of the host what the kernel tells. */
function start(): void {
  interfaces = new Interfaces();
  const log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
  const settings = new KernelSettings(join(folder, 'settings.json'), log, join(folder, 'net'));
  const made = new Vmacs(kernel, interfaces, log, settings, join(folder, 'net'));
  vmacs = made;
  const nothing = (): void => {};
  watch = new HostWatch(kernel.tables, interfaces, {
    event: nothing,
    appeared: nothing,
    vanished: nothing,
    noticed: event => made.noticed(event),
  });
  expect(watch.start()).toBeUndefined();
}

const settle = (): void => clock.runUntil(clock.nowMs + 1);
const link = (): Link => must(interfaces.byName('vrrp.51'), 'vrrp.51');

test('it is made and set up once, without a complaint, and goes at the end', () => {
  expect(vmacs.apply(wanting(51))).toBe(true);
  settle();
  expect(link()).toMatchObject({ kind: 'macvlan', up: true, alias: 'tandemd', mac: macOf(51) });
  expect(rpFilter('vrrp.51')).toBe('0');
  expect(kernel.reportless).toEqual(['vrrp.51']);
  const { ifindex } = link();
  expect(vmacs.apply(wanting(51))).toBe(false);
  vmacs.prune();
  settle();
  expect(link().ifindex).toBe(ifindex);
  vmacs.close();
  settle();
  expect(interfaces.byName('vrrp.51')).toBeUndefined();
  expect(kernel.reportless).toEqual([]);
  expect(lines).toEqual([]);
});

test('set down or deleted by somebody it comes back', () => {
  vmacs.apply(wanting(51));
  settle();
  kernel.tables.setLink({ ...link(), up: false, running: false });
  settle();
  expect(link().up).toBe(true);
  const { ifindex } = link();
  kernel.tables.removeLink(ifindex);
  settle();
  expect(link()).toMatchObject({ up: true, alias: 'tandemd' });
  expect(lines).toEqual([]);
});

test('another MAC address makes another one of that name, and no configuration none', () => {
  vmacs.apply(wanting(51));
  settle();
  expect(vmacs.apply(wanting(52))).toBe(true);
  settle();
  vmacs.prune();
  settle();
  expect(link()).toMatchObject({ up: true, mac: macOf(52) });
  vmacs.apply(NONE);
  vmacs.prune();
  settle();
  expect(interfaces.byName('vrrp.51')).toBeUndefined();
  expect(lines).toEqual([]);
});

test('somebody else’s interface of that name is left alone and told, whenever it comes', () => {
  const foreign = { ...must(interfaces.byName('eth0'), 'eth0'), ifindex: 77, name: 'vrrp.51' };
  kernel.tables.setLink(foreign);
  settle();
  vmacs.apply(wanting(51));
  settle();
  const complaint = expect.stringContaining('vrrp.51 exists and is not the macvlan that use_vmac needs');
  expect(lines).toEqual([complaint]);
  expect(kernel.tables.link(77)).toEqual(foreign);
  kernel.tables.removeLink(77);
  settle();
  lines.length = 0;
  // Not told of yet when the macvlan is asked for.
  kernel.tables.setLink(foreign);
  vmacs.apply(wanting(51));
  settle();
  expect(kernel.tables.link(77)).toEqual(foreign);
});

test('rp_filter of all becomes that of each other interface, and is put back', () => {
  writeFileSync(file('all'), '2\n');
  vmacs.apply(wanting(51));
  settle();
  const values = (): string[] => ['all', 'default', 'eth0', 'eth1', 'vrrp.51'].map(rpFilter);
  expect(values()).toEqual(['0', '2', '2', '2', '0']);
  vmacs.apply(wanting(51));
  expect(values()).toEqual(['0', '2', '2', '2', '0']);
  // The next one after a kill knows what the host had.
  start();
  vmacs.apply(wanting(51));
  expect(values()).toEqual(['0', '2', '2', '2', '0']);
  vmacs.apply(NONE);
  expect(values()).toEqual(['2', '0', '0', '1', '0']);
  vmacs.apply(wanting(51));
  vmacs.close();
  expect(values()).toEqual(['2', '0', '0', '1', '0']);
});

test('whoever sets rp_filter again does not make a macvlan deaf', () => {
  vmacs.apply(wanting(51));
  settle();
  settingsOf('vrrp.51', '1');
  kernel.tables.emit({ type: 'rpFilterChanged', ifindex: link().ifindex });
  settle();
  expect(rpFilter('vrrp.51')).toBe('0');
  settingsOf('all', '1');
  kernel.tables.emit({ type: 'rpFilterChanged', ifindex: ALL_INTERFACES });
  settle();
  expect(['all', 'default', 'eth0', 'eth1'].map(rpFilter)).toEqual(['0', '1', '1', '1']);
});

test('without nftables reports are not kept in, which is told', () => {
  kernel.refusal = call => (call === 'nft table inet keepalived_igmp' ? 1 : undefined);
  vmacs.apply(wanting(51));
  settle();
  expect(lines.join()).toContain(
    'IGMP reports leave from the virtual MAC address: nft table inet keepalived_igmp',
  );
  expect(link().up).toBe(true);
});
