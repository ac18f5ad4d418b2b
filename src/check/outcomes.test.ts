import { expect, test } from 'vitest';
import { fileOutcome } from './file-outcome.ts';
import { BODY_LENGTH_MAX, HEAD_LENGTH_MAX, HttpReply } from './http-reply.ts';
import { scriptOutcome } from './script-outcome.ts';
import { SmtpDialogue } from './smtp-dialogue.ts';
import { replyFault } from './udp-reply.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('an HTTP answer in single bytes is the same as in one piece', () => {
  const reply = new HttpReply();
  let body = '';
  const progress = [...bytes('HTTP/1.1 204 None\r\nCONTENT-LENGTH: 3\r\n\r\nabcd')].map(byte =>
    reply.push(Uint8Array.of(byte), part => (body += new TextDecoder().decode(part))),
  );
  expect([reply.status, body]).toEqual([204, 'abc']);
  expect(progress.indexOf('complete')).toBe(progress.length - 2);
});

test('an HTTP answer is bounded', () => {
  expect(new HttpReply().push(new Uint8Array(HEAD_LENGTH_MAX + 1), () => {})).toBe('head too long');
  const reply = new HttpReply();
  reply.push(bytes('HTTP/1.0 200 OK\r\n\r\n'), () => {});
  expect(reply.push(new Uint8Array(BODY_LENGTH_MAX + 1), () => {})).toBe('body too long');
});

test.each<[number, number, boolean, object]>([
  [0, 0, false, { ok: true }],
  [1, 0, false, { ok: false }],
  [1, 0, true, { ok: true }],
  [3, 2, false, { ok: true, weightAdded: 6 }],
  [3, 2, true, { ok: true, weightAdded: -6 }],
  [-0x8000_0000, 1, false, { ok: false }],
])('FILE_CHECK: %i with weight %i, reverse %s', (value, weight, reverse, expected) => {
  expect(fileOutcome(value, weight, reverse)).toMatchObject(expected);
});

test.each<[number, boolean, object]>([
  [0, true, { ok: true }],
  [1, true, { ok: false }],
  [2, true, { ok: true, weight: 0 }],
  [255, true, { ok: true, weight: 253 }],
  [256, true, { ok: false }],
  [2, false, { ok: false }],
])('MISC_CHECK: exit %i, misc_dynamic %s', (code, dynamic, expected) => {
  expect(scriptOutcome(code, '', dynamic)).toMatchObject(expected);
});

test.each([
  [undefined, 'abcd', true],
  ['61x2 63', 'abc', true],
  ['6 2', 'ab', false],
  ['6162636465', 'abc', true],
  [undefined, 'a', false],
  [undefined, 'abcdefghi', false],
])('UDP_CHECK: require_reply %s on %s', (replyPattern, reply, right) => {
  const rule = { replyPattern, minReplyLength: 2, maxReplyLength: 8 };
  expect(replyFault(rule, bytes(reply)) === undefined).toBe(right);
});

test('SMTP_CHECK: a wrong greeting ends it, an endless one too', () => {
  expect(new SmtpDialogue(undefined).push('554 no\r\n')).toMatchObject({ kind: 'end', ok: false });
  expect(new SmtpDialogue(undefined).push('x'.repeat(10_000))).toMatchObject({ kind: 'end', ok: false });
});
