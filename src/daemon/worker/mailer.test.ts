import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Mail, Mailer } from './mailer.ts';

const pace = { retryFirstMs: 1000, triesMax: 3, perWindow: 3, windowMs: 60_000, waitingMax: 4 };
const mail = (subject: string): Mail => ({
  server: '192.0.2.1',
  port: 25,
  heloName: '',
  connectTimeoutMs: 1000,
  from: '',
  to: ['root@localhost'],
  subject,
  text: '',
});

let sent: string[];
let failures: number;
let warnings: string[];
let mailer: Mailer;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  failures = 0;
  warnings = [];
  mailer = new Mailer(
    line => void warnings.push(line),
    async each => {
      await Promise.resolve();
      if (failures-- > 0) throw new Error('connection refused');
      sent.push(each.subject);
    },
    pace,
  );
});
afterEach(() => vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);

test('mails leave in their order, and a failure is tried again with growing pauses', async () => {
  failures = 2;
  mailer.add(mail('a'));
  mailer.add(mail('b'));
  await settle();
  expect(warnings).toEqual([
    'the mail "a" could not be sent: connection refused; it is tried again in 1000 ms',
  ]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(warnings.at(-1)).toContain('in 2000 ms');
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent).toEqual(['a', 'b']);
});

test('what fails too often is given up, and the next one goes', async () => {
  failures = 3;
  mailer.add(mail('a'));
  mailer.add(mail('b'));
  await vi.advanceTimersByTimeAsync(3000);
  expect(warnings.at(-1)).toBe('the mail "a" was not sent: connection refused');
  expect(sent).toEqual(['b']);
});

test('no more leave than the window allows; the others wait', async () => {
  for (const subject of ['a', 'b', 'c', 'd']) {
    mailer.add(mail(subject));
    await settle();
  }
  expect(sent).toEqual(['a', 'b', 'c']);
  await vi.advanceTimersByTimeAsync(60_001);
  expect(sent).toEqual(['a', 'b', 'c', 'd']);
});

test('too many waiting drop the oldest, and it is said', async () => {
  failures = 1;
  mailer.add(mail('a'));
  await settle();
  for (const subject of ['b', 'c', 'd', 'e']) mailer.add(mail(subject));
  expect(warnings.at(-1)).toBe('dropped the mail "a": 4 are waiting');
});

test('at the end what waits is tried once more, without pauses', async () => {
  failures = 2;
  mailer.add(mail('a'));
  mailer.add(mail('b'));
  await settle();
  let isIdle = false;
  mailer.whenIdle(() => (isIdle = true));
  await settle();
  expect([sent, isIdle]).toEqual([['b'], true]);
  expect(warnings.at(-1)).toContain('"a" was not sent');
});
