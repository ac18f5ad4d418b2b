import { hostname } from 'node:os';
import { createTransport } from 'nodemailer';
import type { Mail } from './mailer.ts';

/** A server that is connected but says nothing is given up after this. */
const SILENCE_MS = 30_000;

/** Sends one mail by plain SMTP, without TLS and without logging in, as keepalived does. */
export async function sendMail(mail: Mail): Promise<void> {
  const host = hostname();
  const transport = createTransport({
    host: mail.server,
    port: mail.port,
    name: mail.heloName || host,
    secure: false,
    ignoreTLS: true,
    connectionTimeout: mail.connectTimeoutMs,
    dnsTimeout: mail.connectTimeoutMs,
    greetingTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: mail.from || `keepalived@${host}`,
      to: [...mail.to],
      subject: mail.subject,
      text: mail.text,
      xMailer: 'Tandem',
    });
  } finally {
    transport.close();
  }
}
