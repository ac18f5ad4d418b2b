import type { Config, ScriptCommand } from '#conf/model.ts';
import { commandStrings } from '#daemon/track-records.ts';
import type { LvsAction } from '#lvs/action.ts';
import type { Mail } from './mailer.ts';
import type { Notification } from './notifications.ts';

type Notice = Extract<LvsAction, { readonly kind: 'realServer' | 'quorum' }>;

/** The script that a change calls for (`notify_up`, `notify_down`, `quorum_up`, `quorum_down`), and its queue. */
export function scriptFor(
  notice: Notice,
  config: Config,
): { readonly queue: string; readonly notification: Notification } | undefined {
  const command = commandOf(notice);
  if (!command) return undefined;
  const [user = '', group = '', ...argv] = commandStrings(command, config);
  const queue = `VS ${notice.virtual.label}${notice.kind === 'realServer' ? ` ${notice.real.label}` : ''}`;
  return { queue, notification: { user, group, argv } };
}

function commandOf(notice: Notice): ScriptCommand | undefined {
  if (notice.kind === 'realServer') {
    const { notifyUp, notifyDown } = notice.real.config;
    return notice.up ? notifyUp : notifyDown;
  }
  const { quorumUp, quorumDown } = notice.virtual.config;
  return notice.up ? quorumUp : quorumDown;
}

/** The mail that a change calls for (`smtp_alert`), in keepalived's words. `said`: what the checkers saw. */
export function mailFor(notice: Notice, config: Config, said: string): Mail | undefined {
  const { mail, routerId, noCheckerEmails } = config.globalDefs;
  const { smtpServer, notificationEmail } = mail;
  const { label, config: server } = notice.virtual;
  const isReal = notice.kind === 'realServer';
  const wanted = isReal ? notice.real.config.smtpAlert && !noCheckerEmails : server.smtpAlert;
  if (!wanted || smtpServer === undefined || notificationEmail.length === 0) return undefined;
  const state = notice.up ? 'UP' : 'DOWN';
  const subject = isReal
    ? `Realserver ${notice.real.label} of virtual server ${label} - ${state}`
    : `Virtualserver ${label} - ${state}`;
  return {
    server: smtpServer,
    port: mail.smtpPort,
    heloName: mail.smtpHeloName ?? '',
    connectTimeoutMs: mail.smtpConnectTimeoutMs,
    from: mail.notificationEmailFrom ?? '',
    to: notificationEmail,
    subject: `[${routerId}] ${subject}`,
    text: `${isReal ? realText(notice.up, said) : `=> ${notice.why} <=`}\n`,
  };
}

function realText(up: boolean, said: string): string {
  const detail = said === '' ? '' : ` : ${said}`;
  return up ? `=> CHECK succeed on service${detail} <=` : `=> CHECK failed on service${detail} <=`;
}
