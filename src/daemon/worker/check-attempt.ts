import { familyOf, formatIp } from '#base/address.ts';
import type { AttemptEnd } from '#check/ports.ts';
import type { CheckConnection } from '#conf/model.ts';
import { getSystemErrorMap } from 'node:util';

/** Tells how an attempt ended; is called once. */
export type AttemptDone = (end: AttemptEnd) => void;

/** Closes whatever an attempt has open; it does not tell its end then. Cancelling what has ended does nothing. */
export type CancelAttempt = () => void;

/** An attempt may take so many times `connect_timeout`, which is the limit of each of its steps. */
export const STEPS_MAX = 6;

/** Errors that say nothing about the real server: the attempt could not be made. */
const NOT_MADE = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAGAIN',
  'EINVAL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'EPERM',
]);

/** The end of an attempt that met a system error before it was connected. */
export function connectFailed(code: string, where: string): AttemptEnd {
  if (NOT_MADE.has(code)) return { made: false, said: `could not be checked: ${wordsOf(code)} (${where})` };
  return { made: true, ok: false, said: `${wordsOf(code)} by ${where}` };
}

/** A system error in words: `connection refused`. */
export function wordsOf(code: string): string {
  return [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1] ?? code;
}

/** The code of an error that Node gave; its message if it has none. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** Where a checker connects to: `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function placeOf({ connect: { address, port } }: CheckConnection): string {
  return familyOf(address) === 4 ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}
