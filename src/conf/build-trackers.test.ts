import { describe, expect, test } from 'vitest';
import { checkConfig, type CheckedConfig } from './load.ts';
import { memorySource } from './memory-source.ts';

const check = (text: string): CheckedConfig =>
  checkConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
const ids = (text: string): string[] =>
  check(text).diagnostics.map(({ id, severity }) => (severity === 'error' ? id : `(${id})`));
const instance = (body: string, name = 'V', vrid = 5, vip = 9): string =>
  `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id ${vrid}\nvirtual_ipaddress {\n192.0.2.${vip}\n}\n${body}\n}\n`;
const other = instance('', 'W', 6, 10);
const group = (body: string, name = 'G'): string => `vrrp_sync_group ${name} {\n${body}\n}\n`;
const SCRIPT = 'vrrp_script s {\nscript "/bin/check -v"\nweight -5\n}\n';
const FILE = 'track_file f {\nfile /run/f\n}\n';

describe('vrrp_script', () => {
  test('defaults', () => {
    expect(check('vrrp_script s {\nscript /bin/true\ninterval 3\n}').config.vrrpScripts).toMatchObject([
      {
        name: 's',
        script: { argv: ['/bin/true'] },
        intervalMs: 3000,
        timeoutMs: 3000,
        weight: 0,
        rise: 1,
        fall: 1,
        initFail: false,
      },
    ]);
  });

  test('all keywords', () => {
    const text = `vrrp_script s {
      script "/bin/sh -c 'test -f \\"/a b\\"'"
      interval 2
      timeout 5
      weight 10 reverse
      rise 2
      fall 3
      user nobody nogroup
      init_fail
    }`;
    expect(check(text)).toMatchObject({ diagnostics: [] });
    expect(check(text).config.vrrpScripts).toMatchObject([
      {
        script: { argv: ['/bin/sh', '-c', 'test -f "/a b"'], user: 'nobody', group: 'nogroup' },
        timeoutMs: 5000,
        weight: 10,
        reverse: true,
        initFail: true,
      },
    ]);
  });

  test.each([
    ['interval 1', ['script-missing']],
    ['script /bin/a\ninterval 0', ['interval-zero']],
    ['script /bin/a\ninterval .5', []],
    ['script /bin/a\ninterval x', ['value-invalid']],
    ['script /bin/a\nweight 300', ['value-out-of-range']],
    ['script /bin/a b c', ['(argument-extra)']],
    ['script ""', ['script-missing', 'value-invalid']],
  ])('%j', (body, expected) => {
    expect(ids(`vrrp_script s {\n${body}\n}`)).toEqual(expected);
  });
});

describe('processes and files', () => {
  test('process', () => {
    const text =
      'vrrp_track_process p {\nprocess nginx "-g daemon"\nquorum 2\ndelay 0.5\nterminate_delay 1\n}';
    expect(check(text).config.trackProcesses).toMatchObject([
      {
        process: ['nginx', '-g daemon'],
        paramMatch: 'exact',
        quorum: 2,
        forkDelayMs: 500,
        terminateDelayMs: 1000,
        fullCommand: true,
        weight: 0,
      },
    ]);
  });

  test('file', () => {
    const text = 'vrrp_track_file f {\nfile "/run/a b"\nweight 3 reverse\ninit_file 7 overwrite\n}';
    expect(check(text).config.trackFiles).toMatchObject([
      { file: '/run/a b', weight: 3, reverse: true, initFile: { value: 7, overwrite: true } },
    ]);
  });

  test.each([
    ['vrrp_track_process p {\n}', ['process-missing']],
    ['vrrp_track_process p {\nprocess x\nparam_match foo\n}', ['value-invalid']],
    ['vrrp_track_process p {\nprocess x\nquorum 3\nquorum_max 2\n}', ['quorum-max']],
    ['track_file f {\n}', ['file-missing']],
    ['track_file f {\nfile /x\nfile /y\n}', ['keyword-duplicate']],
    ['track_file f {\nfile /x\ninit_file a\n}', ['value-invalid']],
    [`${FILE}vrrp_${FILE}`, ['name-duplicate']],
  ])('%j', (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });
});

describe('track_*', () => {
  const trackers = (text: string) => check(text).config.vrrpInstances[0];

  test('the weight of the definition, or of the line', () => {
    expect(trackers(`${SCRIPT}${instance('track_script {\ns\n}')}`)?.trackScripts).toMatchObject([
      { name: 's', weight: -5, reverse: false },
    ]);
    expect(
      trackers(`${SCRIPT}${instance('track_script {\ns weight 7 reverse\n}')}`)?.trackScripts,
    ).toMatchObject([{ weight: 7, reverse: true }]);
    expect(trackers(`${FILE}${instance('track_file {\nf\n}')}`)?.trackFiles).toMatchObject([{ weight: 1 }]);
    expect(trackers(instance('track_interface {\neth1\neth2 weight -9\n}'))?.trackInterfaces).toMatchObject([
      { weight: 0 },
      { weight: -9 },
    ]);
  });

  test.each([
    ['track_script {\nnope\n}', ['tracker-unknown']],
    ['track_script {\ns\ns\n}', ['tracker-duplicate']],
    ['track_script {\ns weigth 5\n}', ['tracker-option']],
    ['track_script {\ns weight 5 revers\n}', ['value-invalid']],
    ['track_script {\ns weight 300\n}', ['value-out-of-range']],
    ['track_script {\ns weight\n}', ['tracker-option']],
    ['track_interface {\neth0\n}', ['track-own-interface']],
    ['priority 255\ntrack_script {\ns\n}', ['tracker-weight-ignored']],
    ['priority 255\ntrack_script {\ns weight 0\n}', []],
    ['nopreempt\ntrack_script {\ns\n}', ['(nopreempt-weighted)']],
    ['nopreempt\ntrack_script {\ns weight 0\n}', []],
  ])('%j', (body, expected) => {
    expect(ids(SCRIPT + instance(body))).toEqual(expected);
  });

  test('weights do not count in a sync group unless it says so', () => {
    const members = `${SCRIPT}${FILE}${instance('track_script {\ns\n}\ntrack_file {\nf\n}')}${other}`;
    const plain = `${members}${group('group {\nV\nW\n}')}`;
    expect(ids(plain)).toEqual(['tracker-weight-ignored', 'tracker-weight-ignored']);
    expect(trackers(plain)).toMatchObject({ trackScripts: [], trackFiles: [{ weight: 0 }] });
    const weighted = `${members}${group('group {\nV\nW\n}\nsync_group_tracking_weight')}`;
    expect(ids(weighted)).toEqual([]);
    expect(trackers(weighted)).toMatchObject({ trackScripts: [{ weight: -5 }], trackFiles: [{ weight: 1 }] });
  });
});

describe('vrrp_sync_group', () => {
  test('members, several to a line, and scripts', () => {
    const text = `${instance('')}${other}${group('group { V W }\nnotify_master "/bin/m G" root\nsmtp_alert')}`;
    expect(check(text)).toMatchObject({ diagnostics: [] });
    expect(check(text).config.vrrpSyncGroups).toMatchObject([
      {
        name: 'G',
        group: ['V', 'W'],
        notifyMaster: { argv: ['/bin/m', 'G'], user: 'root' },
        smtpAlert: true,
        notifyDeleted: false,
      },
    ]);
  });

  test.each([
    [group(''), ['group-empty']],
    [group('group {\nX\n}'), ['group-empty', 'group-unknown']],
    [group('group {\nV\n}'), ['group-single']],
    [group('group {\nV\nW\n}') + group('group {\nW\n}', 'H'), ['group-empty', 'group-twice']],
  ])('%j', (text, expected) => {
    expect(ids(instance('') + other + text)).toEqual(expected);
  });

  test('members inherit notify_priority_changes', () => {
    const text = `${instance('')}${other}${group('group { V W }\nnotify_priority_changes on')}`;
    expect(
      check(text).config.vrrpInstances.map(({ notifyPriorityChanges }) => notifyPriorityChanges),
    ).toEqual([true, true]);
  });
});

describe('instances beside each other', () => {
  const twin = (body: string): string => instance(body, 'W', 5, 10);
  const peers = (host: number): string => `unicast_peer {\n192.0.2.${host}\n}`;

  test.each([
    [instance('') + twin(''), ['vrid-duplicate']],
    [instance('') + twin('').replace('eth0', 'eth1'), []],
    [instance('') + twin(peers(3)), []],
    [instance(peers(4)) + twin(peers(3)), []],
    [instance(peers(3)) + twin(peers(3)), ['vrid-duplicate']],
    [instance('') + twin('mcast_dst_ip 224.0.0.99'), []],
    [instance('') + twin('').replace('192.0.2.10', 'fe80::1'), []],
    [instance('') + instance('', 'W', 6), ['(vip-shared)']],
  ])('%#', (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  test('the later of two is left out', () => {
    expect(check(instance('') + twin('')).config.vrrpInstances.map(({ name }) => name)).toEqual(['V']);
  });
});
