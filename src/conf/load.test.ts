import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { checkConfig, type CheckedConfig, type ConfigEnvironment } from './load.ts';
import { memorySource } from './memory-source.ts';

function check(text: string, environment: Partial<ConfigEnvironment> = {}): CheckedConfig {
  return checkConfig('/k.conf', memorySource({ '/k.conf': text }), {
    hostname: 'r1.example',
    ...environment,
  });
}

const ids = (text: string, environment: Partial<ConfigEnvironment> = {}): string[] =>
  check(text, environment).diagnostics.map(({ id, severity }) => (severity === 'error' ? id : `(${id})`));

const VIP = 'virtual_ipaddress {\n 192.0.2.9\n}\n';
const instance = (body: string, name = 'V', vrid = 5): string =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n ${VIP} ${body}\n}\n`;
const only = (text: string) => check(text).config.vrrpInstances[0];

describe('diagnostics of the language', () => {
  test('where, what, the way out, and the exit code of -t', () => {
    const { diagnostics, exitCode } = check(instance('priorty 5'));
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      '/k.conf:7:2: error: unknown keyword `priorty` in vrrp_instance (did you mean `priority`?) [keyword-unknown]',
    ]);
    expect(exitCode).toBe(5);
  });

  test.each([
    ['unknown block', 'bogus x {\n y 1\n}', ['keyword-unknown']],
    ['keyword of another block', 'priority 5', ['keyword-unknown']],
    ['missing argument', instance('priority'), ['argument-missing']],
    ['extra argument', instance('priority 100 200'), ['(argument-extra)']],
    [
      'two keywords on one line',
      instance('authentication { auth_type PASS auth_pass 1 }'),
      ['authentication-ignored', 'keyword-on-same-line'],
    ],
    ['out of range', instance('priority 300'), ['value-out-of-range']],
    ['not a number', instance('advert_int abc'), ['value-invalid']],
    ['not a boolean', instance('smtp_alert maybe'), ['value-invalid']],
    ['block missing', instance('track_script'), ['block-missing']],
    ['block too many', instance('nopreempt {\n x\n }'), ['brace-unexpected']],
    ['brace too many', '}', ['brace-unexpected']],
    ['brace without keyword', '{\n}', ['brace-unexpected']],
    ['brace never closed', 'global_defs {', ['brace-unclosed']],
    ['quote never closed', instance('notify "/bin/x'), ['quote-unclosed', 'quote-unclosed']],
    ['name missing', 'vrrp_instance {\n}', ['name-missing']],
    ['two names', 'vrrp_instance A B {\n}', ['name-extra']],
    ['name twice', instance('') + instance('', 'V', 6), ['name-duplicate']],
    ['without effect', 'global_defs {\n enable_dbus\n}', ['(keyword-no-effect)']],
    [
      'not supported',
      'bfd_instance B {\n neighbor_ip 192.0.2.2\n min_rx2 1\n}',
      ['keyword-not-supported', 'keyword-unknown'],
    ],
    ['needs a shell', instance('notify "/bin/a | /bin/b"'), ['(script-needs-shell)']],
    ['NUL in a command', instance('notify "/bin/a \\\\000"'), ['value-invalid']],
    ['NUL byte', instance('priority 5\0'), ['nul-byte']],
    ['script twice', instance('notify /bin/a\n notify /bin/b'), ['keyword-duplicate']],
    ['parameters without quotes', instance('notify_master /bin/a user group more'), ['(argument-extra)']],
  ])('%s', (_, text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  test('exit codes', () => {
    expect(check(instance('')).exitCode).toBe(0);
    expect(check(instance('priority 100 200')).exitCode).toBe(0);
    expect(check(instance('priority 0')).exitCode).toBe(5);
    expect(check(instance('priority')).exitCode).toBe(4);
    expect(checkConfig('/none', memorySource({}), { hostname: 'h' }).exitCode).toBe(4);
  });

  test('a block after an unknown keyword does not derail what follows', () => {
    expect(only(instance('bogus {\n x {\n }\n }\n priority 44'))?.priority).toBe(44);
  });

  test('diagnostics are in the order of the text', () => {
    const lines = check(instance('notify\n bogus') + instance('priority 0', 'W', 6)).diagnostics.map(
      d => d.position?.line,
    );
    expect(lines).toEqual(lines.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
  });

  test('no more than the limit of diagnostics', () => {
    const { diagnostics } = check('x\n'.repeat(50), { limits: { diagnostics: 5 } });
    expect(diagnostics.map(({ id }) => id)).toContain('too-many-diagnostics');
    expect(diagnostics).toHaveLength(6);
  });
});

describe('interfaces of the host', () => {
  test.each([
    [instance(''), ['interface-unknown']],
    [instance('track_interface {\n eth9\n}'), ['interface-unknown', 'interface-unknown']],
    [
      instance('virtual_ipaddress_excluded {\n 10.0.0.1 dev wlan0\n}'),
      ['interface-unknown', 'interface-unknown'],
    ],
    [instance('').replace('eth0', 'lo'), ['interface-loopback']],
    [instance('').replace('eth0', 'eth01234567890123'), ['interface-invalid']],
  ])('%#', (text, expected) => {
    expect(ids(text, { interfaces: ['lo', 'eth1'] })).toEqual(expected);
  });
});

test('with dynamic_interfaces interfaces may be missing', () => {
  const text = `global_defs {\n dynamic_interfaces\n}\n${instance('')}`;
  expect(ids(text, { interfaces: ['lo'] })).toEqual([]);
});

describe('global_defs', () => {
  test('defaults', () => {
    const { globalDefs } = check('').config;
    expect(globalDefs).toMatchObject({
      routerId: 'r1.example',
      vrrpVersion: 2,
      vrrpStrict: false,
      enableScriptSecurity: false,
      mail: { smtpPort: 25, smtpConnectTimeoutMs: 30_000 },
      vrrpMcastGroup4: Uint8Array.of(224, 0, 0, 18),
    });
  });

  test('values', () => {
    const text = `net_namespace blue
      global_defs { router_id LVS_1 }
      global_defs {
        notification_email {
          a@example.org
          b@example.org c@example.org
        }
        smtp_server 192.0.2.5 2525
        vrrp_notify_fifo /run/f root
        vrrp_notify_fifo_script "/bin/reader -x"
        script_user nobody nogroup
        vrrp_startup_delay 5.5
        vrrp_cpu_affinity 0 2
        reload_file
        max_auto_priority
      }`;
    expect(check(text)).toMatchObject({ diagnostics: [] });
    expect(check(text).config.globalDefs).toMatchObject({
      netNamespace: 'blue',
      routerId: 'LVS_1',
      mail: { notificationEmail: ['a@example.org', 'b@example.org', 'c@example.org'], smtpPort: 2525 },
      vrrpNotifyFifo: { path: '/run/f', user: 'root', script: { argv: ['/bin/reader', '-x'] } },
      scriptUser: 'nobody',
      scriptGroup: 'nogroup',
      vrrpStartupDelayMs: 5500,
      process: { vrrpCpuAffinity: [0, 2], maxAutoPriority: 99 },
      reloadFile: true,
    });
  });

  test('instances inherit', () => {
    const globals = `global_defs { vrrp_garp_master_delay 7
      vrrp_garp_master_repeat 3
      smtp_alert_vrrp
      vrrp_version 3
      vrrp_mcast_group4 224.0.0.111
    }\n`;
    expect(only(globals + instance('garp_master_repeat 2'))).toMatchObject({
      garp: { masterDelayMs: 7000, masterRepeat: 2, lowerPrioDelayMs: 7000, lowerPrioRepeat: 3 },
      smtpAlert: true,
      version: 3,
      mcastGroup: Uint8Array.of(224, 0, 0, 111),
    });
    expect(only(`global_defs { vrrp_min_garp }\n${instance('')}`)?.garp).toMatchObject({
      masterDelayMs: 0,
      masterRepeat: 1,
    });
  });

  test.each([
    ['vrrp_mcast_group4 10.0.0.1', ['mcast-group-invalid']],
    ['vrrp_mcast_group6 ff05::12', ['mcast-group-invalid']],
    ['vrrp_garp_master_repeat 0', ['repeat-zero']],
    ['notify_fifo_script /bin/x', ['fifo-missing']],
    ['vrrp_garp_extra_if all', ['value-invalid']],
  ])('%s', (line, expected) => {
    expect(ids(`global_defs { ${line}\n}`)).toEqual(expected);
  });
});
