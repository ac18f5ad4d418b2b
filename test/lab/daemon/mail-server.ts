import { vi } from 'vitest';
import { run, type Segment, start } from './segment.ts';

/** Debian's aiosmtpd at the switch, and the mails that it has taken. */
export interface MailServer {
  readonly address: string;
  readonly port: number;
  /** Subjects, in the order of arrival. */
  subjects(): string[];
  /** Everything that it was sent. */
  text(): string;
  stop(): void;
}

/** Starts the server; returns when it listens. */
export async function mailServer(segment: Segment): Promise<MailServer> {
  const address = '172.16.8.1';
  const port = 2525;
  segment.switchNamespace.ip(`addr add ${address}/24 dev br0`);
  const argv = ['aiosmtpd', '-n', '-l', `${address}:${port}`, '-c', 'aiosmtpd.handlers.Debugging', 'stdout'];
  const server = start(segment.switchNamespace, ['env', 'PYTHONUNBUFFERED=1', ...argv]);
  const hex = `${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  await vi.waitFor(
    () => {
      const table = run(segment.switchNamespace, ['cat', '/proc/net/tcp']);
      if (!table.includes(hex)) throw new Error(`the mail server does not listen: ${server.said()}`);
    },
    { timeout: 10_000, interval: 50 },
  );
  return {
    address,
    port,
    text: server.said,
    subjects: () => [...server.said().matchAll(/^Subject: (.*)$/gm)].map(([, subject = '']) => subject),
    stop: () => void server.process.kill('SIGKILL'),
  };
}
