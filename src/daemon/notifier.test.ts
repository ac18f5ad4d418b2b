import { describe, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import { createEngine } from '#vrrp/engine.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import { needsWorker, notifyRecords, openFifoRecords, stateRecords } from './notifier.ts';
import { type AccountOf, type Look, ScriptJudge } from './script-judge.ts';
import { secureScripts } from './secure-scripts.ts';
import { trackOrders } from './track-records.ts';
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
    expect(trackOrders(notifying)).toEqual([
      {
        kind: 'script',
        name: 'chk',
        record: {
          kind: 'trackScript',
          id: 0,
          code: 0,
          strings: ['2000', '3000', 'nobody', '', '/bin/check', '-x', '1'],
        },
      },
    ]);
    expect(trackOrders(configured(instance('')))).toEqual([]);
  });

  test('notify is not told that a lower priority was heard, which is no state', () => {
    const config = configured(
      instance(
        'notify /bin/all\n notify_master_rx_lower_pri "/bin/lower x"',
        'vrrp_notify_fifo /run/fifo',
      ).replace(/^(vrrp_notify_fifo.*)$/m, 'global_defs {\n $1\n script_user root\n }'),
    );
    const router = routerOf(config);
    const action: NotifyAction = {
      kind: 'notify',
      type: 'INSTANCE',
      router,
      state: 'MASTER_RX_LOWER_PRI',
      priority: 100,
      reason: '',
    };
    expect(notifyRecords(config, action).map(({ kind, strings }) => [kind, ...strings])).toEqual([
      ['fifoLine', '/run/fifo', 'INSTANCE "VG_1" MASTER_RX_LOWER_PRI 100'],
      ['notify', 'INSTANCE VG_1', 'root', '', '/bin/lower', 'x'],
    ]);
  });

  test('changes of priority go to the FIFOs alone', () => {
    const action: NotifyAction = { kind: 'notifyPriority', router: routerOf(notifying), priority: 90 };
    expect(notifyRecords(notifying, action)).toEqual([
      { kind: 'fifoLine', id: 0, code: 0, strings: ['/run/fifo', 'INSTANCE "VG_1" BACKUP_PRIORITY 90'] },
    ]);
  });

  test('a group tells its own scripts, with priority 0', () => {
    const group =
      'vrrp_sync_group G {\n group {\n VG_1\n VG_2\n }\n notify /bin/group\n notify_fault /bin/fault\n}\n';
    const other = instance('')
      .replace(/vrrp_script[^}]*}/, '')
      .replace('VG_1', 'VG_2')
      .replace('103', '104');
    const config = configured(instance('') + other + group);
    const engine = createEngine(config, 0, []);
    const [syncGroup] = engine.groups;
    if (!syncGroup) throw new Error('no group');
    const action: NotifyAction = {
      kind: 'notify',
      type: 'GROUP',
      group: syncGroup,
      state: 'FAULT',
      reason: '',
    };
    expect(notifyRecords(config, action).map(({ strings }) => strings)).toEqual([
      ['GROUP G', '', '', '/bin/fault'],
      ['GROUP G', '', '', '/bin/group', 'GROUP', 'G', 'FAULT', '0'],
    ]);
    expect(stateRecords(engine)).toEqual([]);
  });

  test('FIFOs belong to their user, or else to the scripts’, and their readers get the path', () => {
    const config = configured(`global_defs {
      script_user daemon
      notify_fifo /run/a adm sys
      vrrp_notify_fifo /run/b
      vrrp_notify_fifo_script "/bin/read x"
    }`);
    expect(openFifoRecords(config).map(({ strings }) => strings)).toEqual([
      ['/run/a', 'adm', 'sys', '', ''],
      ['/run/b', 'daemon', '', 'daemon', '', '/bin/read', 'x'],
    ]);
    expect(stateRecords(createEngine(notifying, 0, [])).map(({ strings }) => strings)).toEqual([
      ['/run/fifo', 'INSTANCE "VG_1" INIT 100'],
    ]);
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
  const accountOf: AccountOf = user => {
    if (user === 'ghost') throw new Error('there is no user "ghost"');
    return user === 'nobody' ? { uid: 65534, gid: 65534 } : { uid: 0, gid: 0 };
  };
  const verdict = (path: string, globals = 'enable_script_security') => {
    const more = `notify ${path}\n track_script { chk }`;
    const text = instance(more, `global_defs {\n ${globals}\n }`).replace('/bin/check', path);
    const config = configured(text);
    const judge = new ScriptJudge(config.globalDefs, look, accountOf);
    return { config: secureScripts(config, judge), diagnostics: judge.diagnostics };
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
    expect(trackOrders(verdict('/bin/check').config)).toHaveLength(1);
    expect(trackOrders(verdict('/none').config)).toHaveLength(1);
  });

  test('looks at the scripts of global_defs too, which are left out as well', () => {
    const globals = `enable_script_security
      startup_script /srv/check
      shutdown_script /bin/check
      vrrp_notify_fifo /run/fifo
      vrrp_notify_fifo_script /srv/check
      lvs_notify_fifo /run/lvs
      lvs_notify_fifo_script /srv/check`;
    const { diagnostics, config } = verdict('/bin/check', globals);
    expect(diagnostics.map(({ id, position }) => [id, position?.line])).toEqual([
      ['script-security', 3],
      ['script-security', 6],
      ['script-security', 8],
    ]);
    expect(config.globalDefs).toMatchObject({
      startupScript: undefined,
      shutdownScript: { argv: ['/bin/check'] },
      vrrpNotifyFifo: { path: '/run/fifo', script: undefined },
      lvsNotifyFifo: { path: '/run/lvs', script: undefined },
    });
  });

  test.each(['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'])(
    'a FIFO of a user that does not exist is root’s, and that is said: %s',
    keyword => {
      expect(complaints('/bin/check', `${keyword} /run/fifo ghost`)).toEqual([
        '/run/fifo is made for root: there is no user "ghost"',
      ]);
    },
  );

  test('a user that does not exist is named, and its script is left out', () => {
    expect(complaints('/bin/check', 'script_user ghost')).toEqual([
      '/bin/check is not run: there is no user "ghost"',
    ]);
    expect(verdict('/bin/check', 'script_user ghost').config.vrrpInstances[0]?.notify).toBeUndefined();
  });

  test('looks at root’s scripts only, and only when asked to', () => {
    expect(complaints('/srv/check', 'script_user nobody\n enable_script_security')).toEqual([]);
    expect(complaints('/srv/check', 'router_id x')).toEqual([]);
  });
});

test('what is not supported is said with its place', () => {
  const config = configured(instance('', 'global_defs {\n vrrp_no_swap\n}'));
  const [complaint, ...others] = unsupportedIn(config);
  expect(others).toEqual([]);
  expect(complaint).toMatchObject({
    id: 'unsupported-vrrp-no-swap',
    severity: 'warning',
    message: 'vrrp_no_swap is not supported yet',
    position: { file: 'a.conf', line: 1 },
  });
  expect(unsupportedIn(notifying)).toEqual([]);
});
