import { describe, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import type { NotifyAction, NotifyState } from '#vrrp/action.ts';
import { createEngine } from '#vrrp/engine.ts';
import { incompleteMail, MailNotices, sendsMail } from './mail.ts';
import { needsWorker } from './notifier.ts';

const SERVER = 'smtp_server 192.0.2.5 2525';
const RECIPIENTS = 'notification_email {\n a@example.com\n b@example.com\n }';

function configured(globals: string, more = 'smtp_alert'): Config {
  const text = `global_defs {
    router_id lb1
    ${globals}
  }
  vrrp_sync_group G {
    group {
      VG_1
      VG_2
    }
    ${more}
  }
  ${[1, 2]
    .map(
      i => `vrrp_instance VG_${i} {
      interface eth0
      virtual_router_id ${i}
      virtual_ipaddress {
        192.0.2.${i}
      }
      ${more}
    }`,
    )
    .join('\n')}`;
  const source = { read: () => text, glob: () => [] };
  return checkConfig('a.conf', source, { hostname: 'ka67' }).config;
}

function told(config: Config, ...states: NotifyState[]): (readonly string[] | undefined)[] {
  const [router] = createEngine(config, 0, []).routers;
  if (!router) throw new Error('no router');
  const notices = new MailNotices();
  return states.map(state => {
    const action: NotifyAction = {
      kind: 'notify',
      type: 'INSTANCE',
      router,
      state,
      priority: 100,
      reason: 'because',
    };
    return notices.record(config, action)?.strings;
  });
}

const subjects = (config: Config, ...states: NotifyState[]) =>
  told(config, ...states).map(strings => strings?.[5]);

describe('mail', () => {
  test('has keepalived’s subject and text, our reason and all recipients', () => {
    const config = configured(`${SERVER}\n${RECIPIENTS}\nsmtp_connect_timeout 7`);
    expect(told(config, 'MASTER')).toEqual([
      [
        '192.0.2.5',
        '2525',
        '',
        '7000',
        '',
        '[lb1] VRRP Instance VG_1 - Entering MASTER state',
        '=> VRRP Instance is now owning VRRP VIPs <=\n\nbecause\n',
        'a@example.com',
        'b@example.com',
      ],
    ]);
  });

  test('is sent once for each state', () => {
    const config = configured(`${SERVER}\n${RECIPIENTS}`);
    expect(subjects(config, 'BACKUP', 'MASTER', 'MASTER_RX_LOWER_PRI', 'MASTER', 'FAULT', 'STOP')).toEqual([
      '[lb1] VRRP Instance VG_1 - Entering BACKUP state',
      '[lb1] VRRP Instance VG_1 - Entering MASTER state',
      undefined,
      undefined,
      '[lb1] VRRP Instance VG_1 - Entering FAULT state',
      '[lb1] VRRP Instance VG_1 - Stopping',
    ]);
  });

  test('about a FAULT is left out with no_email_faults, which is no state that was told', () => {
    const config = configured(`${SERVER}\n${RECIPIENTS}\nno_email_faults`);
    expect(subjects(config, 'BACKUP', 'FAULT', 'BACKUP')).toEqual([
      '[lb1] VRRP Instance VG_1 - Entering BACKUP state',
      undefined,
      undefined,
    ]);
  });

  test('about a group says so', () => {
    const config = configured(`${SERVER}\n${RECIPIENTS}`);
    const [group] = createEngine(config, 0, []).groups;
    if (!group) throw new Error('no group');
    const action = { kind: 'notify', type: 'GROUP', group, reason: '' } as const;
    const record = new MailNotices().record(config, { ...action, state: 'MASTER' });
    expect(record?.strings.slice(5, 7)).toEqual([
      '[lb1] VRRP Group G - Entering MASTER state',
      '=> All VRRP group instances are now in MASTER state <=\n',
    ]);
  });

  test.each([
    ['smtp_alert', '', true],
    ['', 'smtp_alert', true],
    ['', 'smtp_alert_vrrp', true],
    ['', 'smtp_alert_checker', false],
    ['smtp_alert off', 'smtp_alert', false],
    ['', '', false],
  ])('%j in the instance and %j in global_defs: %s', (own, global, expected) => {
    const config = configured(`${SERVER}\n${RECIPIENTS}\n${global}`, own);
    expect(told(config, 'MASTER')[0] !== undefined).toBe(expected);
    expect([sendsMail(config), needsWorker(config)]).toEqual([expected, expected]);
  });

  test.each([
    ['', 'no smtp_server and no notification_email'],
    [SERVER, 'no notification_email'],
    [RECIPIENTS, 'no smtp_server'],
  ])('without %j nothing is sent, and that is said', (globals, missing) => {
    const config = configured(globals);
    expect(told(config, 'MASTER')).toEqual([undefined]);
    expect(needsWorker(config)).toBe(false);
    expect(incompleteMail(config).map(({ message }) => message)).toEqual([
      `VG_1: smtp_alert sends no mail, because global_defs has ${missing}`,
    ]);
  });

  test('nothing is said when all is there', () => {
    expect(incompleteMail(configured(`${SERVER}\n${RECIPIENTS}`))).toEqual([]);
    expect(incompleteMail(configured('', ''))).toEqual([]);
  });
});
