import type { Diagnostic } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { NotifyAction, NotifyState } from '#vrrp/action.ts';
import type { WorkerRecord } from '#wire/worker.ts';

/** keepalived's subjects and texts, which filters of mailboxes know. */
const SUBJECTS: Readonly<Partial<Record<NotifyState, string>>> = {
  MASTER: 'Entering MASTER state',
  BACKUP: 'Entering BACKUP state',
  FAULT: 'Entering FAULT state',
  STOP: 'Stopping',
};
const NOT_OWNING = '=> VRRP Instance is no longer owning VRRP VIPs <=';
const INSTANCE_TEXTS: Readonly<Partial<Record<NotifyState, string>>> = {
  MASTER: '=> VRRP Instance is now owning VRRP VIPs <=',
  BACKUP: NOT_OWNING,
  FAULT: NOT_OWNING,
  STOP: '=> VRRP Instance stopping <=',
};

/** Turns notifications into mails (`smtp_alert`), one for each state that an instance or a group enters. */
export class MailNotices {
  /** The state that was told last, by type and name. */
  readonly #told = new Map<string, NotifyState>();

  /** The mail that a notification calls for, if any. */
  record(config: Config, action: NotifyAction): WorkerRecord | undefined {
    const { mail, routerId } = config.globalDefs;
    const server = mail.smtpServer;
    if (action.kind !== 'notify' || server === undefined || mail.notificationEmail.length === 0)
      return undefined;
    const { state, type, reason } = action;
    const owner = type === 'INSTANCE' ? action.router.config : action.group.config;
    const subject = SUBJECTS[state];
    if (!owner.smtpAlert || subject === undefined) return undefined;
    if (state === 'FAULT' && mail.noEmailFaults) return undefined;
    const key = `${type} ${owner.name}`;
    if (this.#told.get(key) === state) return undefined;
    this.#told.set(key, state);
    const text = type === 'INSTANCE' ? INSTANCE_TEXTS[state] : groupText(state);
    const strings = [
      server,
      String(mail.smtpPort),
      mail.smtpHeloName ?? '',
      String(mail.smtpConnectTimeoutMs),
      mail.notificationEmailFrom ?? '',
      `[${routerId}] VRRP ${type === 'INSTANCE' ? 'Instance' : 'Group'} ${owner.name} - ${subject}`,
      reason === '' ? `${text}\n` : `${text}\n\n${reason}\n`,
      ...mail.notificationEmail,
    ];
    return { kind: 'mail', id: 0, code: 0, strings };
  }
}

function groupText(state: NotifyState): string {
  return state === 'STOP'
    ? '=> All VRRP group instances are now stopping <='
    : `=> All VRRP group instances are now in ${state} state <=`;
}

/** Whether anything can ask for a mail that can be sent. */
export function sendsMail(config: Config): boolean {
  const { smtpServer, notificationEmail } = config.globalDefs.mail;
  return smtpServer !== undefined && notificationEmail.length > 0 && alerting(config).length > 0;
}

/** `smtp_alert` without a server or without anybody to write to: keepalived sends nothing and says nothing. */
export function incompleteMail(config: Config): Diagnostic[] {
  const [first] = alerting(config);
  const { smtpServer, notificationEmail } = config.globalDefs.mail;
  const missing = [
    ...(smtpServer === undefined ? ['smtp_server'] : []),
    ...(notificationEmail.length === 0 ? ['notification_email'] : []),
  ];
  if (!first || missing.length === 0) return [];
  return [
    {
      id: 'mail-incomplete',
      severity: 'warning',
      message: `${first.name}: smtp_alert sends no mail, because global_defs has no ${missing.join(' and no ')}`,
      position: first.position,
      hint: `add ${missing.join(' and ')} to global_defs, or remove smtp_alert`,
    },
  ];
}

function alerting(config: Config) {
  return [...config.vrrpInstances, ...config.vrrpSyncGroups].filter(owner => owner.smtpAlert);
}
