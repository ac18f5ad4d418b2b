import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { KernelFailure, Result } from './ports.ts';

const NAMES = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));

/** The name of a positive errno, such as `EPERM`; `errno 133` for the few without one. */
export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? NAMES.get(errno) ?? `errno ${errno}`;
}

/** A refusal; `reason` is the kernel's own explanation where there is one. */
export function kernelFailure(call: string, errno: number, reason = ''): KernelFailure {
  const code = errnoName(errno);
  const words = reason || (getSystemErrorMap().get(-errno)?.[1] ?? 'unknown error');
  return { call, errno, code, message: `${call}: ${code}: ${words}` };
}

/** `value` if it is a result of a system call that went well, else the failure that it stands for. */
export function outcomeOf(call: string, value: number): Result<number> {
  return value >= 0 ? { ok: true, value } : { ok: false, failure: kernelFailure(call, -value) };
}

/** Errnos that the code itself decides by. */
export const ERRNO = constants.errno;
