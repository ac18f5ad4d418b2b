import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { unloaded, unmet } from '#control/expectation.ts';
import { parseKeepalived } from './keepalived-status.ts';

/** Written by keepalived 2.2.7: version 3 with an excluded address, IPv6, unicast with AH, and a group at fault. */
const ANSWER = readFileSync(
  new URL('../../../test/fixtures/keepalived-status/answer.txt', import.meta.url),
  'utf8',
);
const status = (text = ANSWER) => must(parseKeepalived(text), 'it runs');
const instance = (name: string, text = ANSWER) =>
  must(
    status(text).instances.find(each => each.name === name),
    name,
  );

describe('a running keepalived', () => {
  test('as a whole', () => {
    expect(status()).toMatchObject({
      program: 'keepalived',
      version: '2.2.7',
      pid: 4711,
      routerId: 'b',
      configurationFile: '/etc/keepalived/keepalived.conf',
      configurationSha256: 'ab'.repeat(32),
      syncGroups: [{ name: 'G1', state: 'FAULT', members: ['FLT', 'FLT2'] }],
    });
    expect(status().instances.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'VI_1 BACKUP',
      'V6 BACKUP',
      'UNI MASTER',
      'FLT FAULT',
      'FLT2 FAULT',
    ]);
  });

  test('a BACKUP with the master that it hears, from the timer that its last advert set', () => {
    expect(instance('VI_1')).toMatchObject({
      virtualRouterId: 51,
      family: 4,
      vrrpVersion: 3,
      cast: 'multicast',
      priority: 253,
      advertIntervalMs: 100,
      sourceAddress: '10.9.9.2',
      heard: { address: '10.9.9.1', priority: 254 },
      syncGroup: null,
    });
    expect(instance('VI_1').masterDownIntervalMs).toBeCloseTo(301.171);
    expect(instance('VI_1').heard?.ageMs).toBeLessThan(100);
    expect(instance('VI_1').vips).toMatchObject([
      { address: '10.9.9.100/24', dev: 'vb', present: false, excluded: false },
      { address: '2001:db8::101/128', dev: 'vb', present: false, excluded: true },
    ]);
  });

  test('what the kernel has, not what keepalived believes', () => {
    expect(instance('UNI')).toMatchObject({
      cast: 'unicast',
      effectivePriority: 96,
      masterDownIntervalMs: 3625,
      heard: null,
    });
    expect(instance('UNI').vips.map(({ address, dev, present }) => `${address} ${dev} ${present}`)).toEqual([
      '10.9.9.101/32 vb true',
      '10.9.9.102/24 lo false',
    ]);
    expect(instance('V6').vips.map(({ present }) => present)).toEqual([false, true]);
  });

  test('counters by the names of our own', () => {
    const { counters } = instance('UNI');
    expect(counters.becomeMaster).toBe(1);
    expect(counters.advertsSent).toBeGreaterThan(0);
  });

  test('a FAULT with how many reasons it has, and a group', () => {
    expect(instance('FLT')).toMatchObject({
      syncGroup: 'G1',
      sourceAddress: null,
      faults: ['2 faults of interfaces and trackers'],
    });
  });

  test('an address that lies where no master was heard is none', () => {
    const text = ANSWER.replace('Master priority = 254', 'Master priority = 0');
    expect(instance('VI_1', text).heard).toBeNull();
  });

  test('a file that changed after it was loaded is not what it runs with', () => {
    const text = ANSWER.replace(/FileTime=\d+/, 'FileTime=1795616061');
    expect(status(text).configurationSha256).toBe('');
    expect(unloaded(status(text))).toEqual([
      'keepalived has not loaded /etc/keepalived/keepalived.conf as it is now',
    ]);
    expect(unloaded(status())).toEqual([]);
    expect(unmet(status(text), new Map([['UNI', ['MASTER']]]))).toEqual([
      'UNI: is MASTER but 10.9.9.102/24 is not on lo',
    ]);
    expect(status(ANSWER.replace('ActiveState=active', 'ActiveState=reloading')).configurationSha256).toBe(
      '',
    );
  });

  test('it can hand over what tracks our file, and says what it has', () => {
    expect(instance('UNI').canHandOver).toBe(false);
    const tracked = '   Tracked files :\n     tandem_handover_UNI weight 1\n fd_in 18';
    expect(instance('UNI', ANSWER.replace('fd_in 18', tracked)).canHandOver).toBeUndefined();
    expect(instance('UNI').handedOver).toBe(false);
    expect(instance('UNI', ANSWER.replace('handover/UNI 0', 'handover/UNI -253')).handedOver).toBe(true);
  });
});

test('none that runs, and one that does not tell', () => {
  expect(parseKeepalived('')).toBeUndefined();
  expect(() => parseKeepalived(ANSWER.replace(/^Now=.*\n/m, ''))).toThrow(/PID 4711.*SIGUSR1/);
  expect(() => parseKeepalived(ANSWER.slice(0, 2000))).toThrow(SyntaxError);
});
