import type { Config, ScriptCommand } from '#conf/model.ts';
import { commandStrings, fifoStrings } from '#daemon/track-records.ts';
import type { LvsAction } from '#lvs/action.ts';
import type { FifoWriters } from './fifo.ts';
import type { Mail, Mailer } from './mailer.ts';
import type { Notification, Notifications } from './notifications.ts';
import { readFifo } from './records.ts';

/** A change of a real or virtual server that somebody may want to know. */
export type Notice = Extract<LvsAction, { readonly kind: 'realServer' | 'quorum' }>;

export interface NoticeTools {
  readonly notifications: Notifications;
  readonly fifos: FifoWriters;
  readonly mailer: Mailer;
}

/** Tells of virtual and real servers: scripts, FIFOs and mail, as the configuration asks. */
export class ServerNotices {
  readonly #tools: NoticeTools;

  constructor(tools: NoticeTools) {
    this.#tools = tools;
  }

  /** Makes `lvs_notify_fifo` and starts its reader; `notify_fifo`, which VRRP uses too, is opened by a record. */
  open(config: Config): void {
    const { lvsNotifyFifo } = config.globalDefs;
    if (lvsNotifyFifo) this.#tools.fifos.open(...readFifo(fifoStrings(lvsNotifyFifo, config)));
  }

  /** `said`: what the checkers saw. */
  tell(notice: Notice, config: Config, said: string): void {
    const { notifyFifo, lvsNotifyFifo } = config.globalDefs;
    const script = scriptFor(notice, config);
    if (script) this.#tools.notifications.add(script.queue, script.notification);
    for (const fifo of [notifyFifo, lvsNotifyFifo])
      if (fifo) this.#tools.fifos.write(fifo.path, fifoLine(notice));
    const mail = mailFor(notice, config, said);
    if (mail) this.#tools.mailer.add(mail);
  }
}

/** The script that a change calls for (`notify_up`, `notify_down`, `quorum_up`, `quorum_down`), and its queue. */
function scriptFor(
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

/** keepalived's line: `RS [10.0.0.1]:tcp:80 [10.0.0.100]:tcp:80 DOWN`, `VS [10.0.0.100]:tcp:80 UP`. */
function fifoLine(notice: Notice): string {
  const who = notice.kind === 'realServer' ? `RS ${notice.real.label}` : 'VS';
  return `${who} ${notice.virtual.label} ${notice.up ? 'UP' : 'DOWN'}`;
}

/** The mail that a change calls for (`smtp_alert`), in keepalived's words. */
function mailFor(notice: Notice, config: Config, said: string): Mail | undefined {
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
    text: `=> ${notice.why ?? realText(notice.up, said)} <=\n`,
  };
}

function realText(up: boolean, said: string): string {
  const detail = said === '' ? '' : ` : ${said}`;
  return `CHECK ${up ? 'succeed' : 'failed'} on service${detail}`;
}
