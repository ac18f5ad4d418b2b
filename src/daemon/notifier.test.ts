import { describe, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import { createEngine } from '#vrrp/engine.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import { needsWorker, notifyRecords, trackRecords } from './notifier.ts';
import { type Look, secureScripts } from './script-security.ts';
import { unsupportedIn } from './unsupported.ts';

function configured(text: string): Config {
  const source = { read: () => text, glob: () => [] };
  return checkConfig('a.conf', source, { hostname: 'ka67' }).config;
}

const instance = (more: string, globals = '') => `${globals}
vrrp_script chk {
  script "/bin/check -x 1"
  interval 2
  timeout 3
}
vrrp_instance VG_1 {
  interface eth0
  virtual_router_id 103
  virtual_ipaddress { 172.16.8.100 }
  ${more}
}
`;

const notifying = configured(
  instance(
    'notify "/bin/all extra"\n notify_master "/bin/master" daemon adm\n track_script { chk }',
    'global_defs {\n vrrp_notify_fifo /run/fifo\n script_user nobody\n }',
  ),
);

function routerOf(config: Config): VirtualRouter {
  const router = createEngine(config, 0, []).routers[0];
  if (!router) throw new Error('no router');
  return router;
}

describe('notifications', () => {
  test('go to the FIFO, then to the state’s script, then to notify with its four arguments', () => {
    const action: NotifyAction = {
      kind: 'notify',
      type: 'INSTANCE',
      router: routerOf(notifying),
      state: 'MASTER',
      priority: 100,
      reason: 'x',
    };
    expect(notifyRecords(notifying, action).map(({ kind, strings }) => [kind, ...strings])).toEqual([
      ['fifoLine', '/run/fifo', 'INSTANCE "VG_1" MASTER 100'],
      ['notify', 'INSTANCE VG_1', 'daemon', 'adm', '/bin/master'],
      ['notify', 'INSTANCE VG_1', 'nobody', '', '/bin/all', 'extra', 'INSTANCE', 'VG_1', 'MASTER', '100'],
    ]);
  });

  test('a state without a script of its own tells notify alone', () => {
    const router = routerOf(notifying);
    const action: NotifyAction = {
      kind: 'notify',
      type: 'INSTANCE',
      router,
      state: 'FAULT',
      priority: 100,
      reason: '',
    };
    expect(notifyRecords(notifying, action)).toHaveLength(2);
  });

  test('tracked scripts are run, others are not', () => {
    expect(trackRecords(notifying)).toEqual([
      {
        name: 'chk',
        record: {
          kind: 'trackScript',
          id: 0,
          code: 0,
          strings: ['2000', '3000', 'nobody', '', '/bin/check', '-x', '1'],
        },
      },
    ]);
    expect(trackRecords(configured(instance('')))).toEqual([]);
  });

  test('a worker is started only for what it does', () => {
    expect(needsWorker(notifying)).toBe(true);
    expect(needsWorker(configured(instance('').replace(/vrrp_script[^}]*}/, '')))).toBe(false);
    expect(needsWorker(configured(instance('notify_stop /bin/x').replace(/vrrp_script[^}]*}/, '')))).toBe(
      true,
    );
  });
});

describe('script security', () => {
  const files: Readonly<Record<string, readonly [uid: number, gid: number, mode: number]>> = {
    '/bin': [0, 0, 0o40755],
    '/bin/check': [0, 0, 0o100755],
    '/srv': [0, 0, 0o40777],
    '/srv/check': [0, 0, 0o100755],
    '/home': [0, 0, 0o40755],
    '/home/check': [1000, 0, 0o100755],
    '/opt': [0, 50, 0o40775],
    '/opt/check': [0, 0, 0o100755],
    '/etc': [0, 0, 0o40755],
    '/etc/check': [0, 0, 0o100644],
  };
  const look: Look = path => {
    const [uid, gid, mode] = files[path] ?? [0, 0, 0];
    if (mode === 0) throw new Error('ENOENT');
    return { uid, gid, mode, isSymbolicLink: () => false, isFile: () => (mode & 0o170000) === 0o100000 };
  };
  const verdict = (path: string, globals = 'enable_script_security') => {
    const more = `notify ${path}\n track_script { chk }`;
    const text = instance(more, `global_defs {\n ${globals}\n }`).replace('/bin/check', path);
    return secureScripts(configured(text), look);
  };
  const complaints = (path: string, globals?: string) => [
    ...new Set(verdict(path, globals).diagnostics.map(({ message }) => message)),
  ];

  test.each([
    ['/bin/check', []],
    ['/srv/check', ['/srv can be written by anybody']],
    ['/home/check', ['/home/check belongs to user 1000']],
    ['/opt/check', ['/opt can be written by group 50']],
    ['/etc/check', ['/etc/check is not executable']],
    ['/none', ['there is no /none']],
    ['/bin', ['/bin is not a file']],
  ])('%s', (path, expected) => {
    expect(complaints(path).map(message => message.replace(/^.* as root, and /, ''))).toEqual(expected);
  });

  test('a script that is refused is neither tracked nor notified, others are', () => {
    const refused = verdict('/srv/check').config;
    expect(needsWorker(refused)).toBe(false);
    expect(refused.vrrpInstances[0]).toMatchObject({ trackScripts: [], notify: undefined });
    expect(trackRecords(verdict('/bin/check').config)).toHaveLength(1);
    expect(trackRecords(verdict('/none').config)).toHaveLength(1);
  });

  test('looks at root’s scripts only, and only when asked to', () => {
    expect(complaints('/srv/check', 'script_user nobody\n enable_script_security')).toEqual([]);
    expect(complaints('/srv/check', 'router_id x')).toEqual([]);
  });
});

test('what is not supported is said with its place', () => {
  const [complaint, ...others] = unsupportedIn(configured(instance('no_accept')));
  expect(others).toEqual([]);
  expect(complaint).toMatchObject({
    id: 'unsupported-no-accept',
    severity: 'warning',
    message: 'vrrp_instance VG_1: no_accept is not supported yet',
    position: { file: 'a.conf', line: 7 },
  });
  expect(unsupportedIn(notifying)).toEqual([]);
});
