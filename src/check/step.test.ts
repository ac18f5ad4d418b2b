import type { Checker } from '#conf/model.ts';
import { expect, test } from 'vitest';
import { DeadlineQueue } from './deadline-queue.ts';
import { startChecker } from './state.ts';
import { step } from './step.ts';

const base = {
  position: { file: 'test', line: 1, column: 1 },
  alpha: false,
  connectTimeoutMs: 1000,
  retry: 2,
  delayBeforeRetryMs: 10,
  warmupMs: 0,
  delayLoopMs: 100,
  logAllFailures: false,
} as const;
const connection = {
  connect: { address: Uint8Array.of(127, 0, 0, 1), port: 80 },
  bindto: undefined,
  bindPort: undefined,
  bindIf: undefined,
  fwmark: undefined,
} as const;
const url = {
  path: '/',
  digest: undefined,
  statusCodes: [],
  virtualhost: undefined,
  regex: undefined,
  regexNoMatch: false,
  regexOptions: [],
  regexMinOffset: undefined,
  regexMaxOffset: undefined,
} as const;
const http = {
  ...base,
  ...connection,
  kind: 'HTTP_GET',
  httpProtocol: '1.0',
  fastRecovery: false,
  enableSni: false,
  ssl: undefined,
  urls: [url, url],
} as const;

/** `+` succeeds, `-` fails, `?` could not be made; what comes of it: told verdict, and the delay to the next. */
function play(checker: Checker, course: string): string[] {
  const state = startChecker(checker, 0, 0);
  return course.split('').map(sign => {
    const nowMs = state.dueAtMs;
    step(state, { kind: 'due' }, nowMs);
    const end = sign === '?' ? { made: false, said: '' } : { made: true, ok: sign === '+', said: '' };
    const told = step(state, { kind: 'ended', end } as Parameters<typeof step>[1], nowMs) === 'tell';
    return `${told ? (state.up ? 'up' : 'down') : '='} ${state.dueAtMs - nowMs}`;
  });
}

test.each<[string, Checker, string, string[]]>([
  ['the first failure counts', { ...base, ...connection, kind: 'TCP_CHECK' }, '-', ['down 100']],
  [
    'later ones need their retries',
    { ...base, ...connection, kind: 'TCP_CHECK' },
    '+---+',
    ['up 100', '= 10', '= 10', 'down 100', 'up 100'],
  ],
  [
    'TCP_CHECK retries while down',
    { ...base, ...connection, kind: 'TCP_CHECK' },
    '----',
    ['down 100', '= 10', '= 10', '= 100'],
  ],
  [
    'PING_CHECK does not',
    { ...base, ...connection, kind: 'PING_CHECK' },
    '---',
    ['down 100', '= 100', '= 100'],
  ],
  [
    'SMTP_CHECK retries its first failure',
    { ...base, ...connection, kind: 'SMTP_CHECK', heloName: undefined },
    '---',
    ['= 10', '= 10', 'down 100'],
  ],
  [
    'what could not be made changes nothing',
    { ...base, ...connection, kind: 'TCP_CHECK' },
    '?+?',
    ['= 100', 'up 100', '= 100'],
  ],
  [
    'alpha is up after a success',
    { ...base, ...connection, alpha: true, kind: 'TCP_CHECK' },
    '+',
    ['up 100'],
  ],
  ['HTTP_GET is up after its last url', http, '++', ['= 100', 'up 100']],
  [
    'HTTP_GET tries the failed url alone, then all',
    http,
    '++---+++',
    ['= 100', 'up 100', '= 10', '= 10', 'down 100', '= 100', '= 100', 'up 100'],
  ],
  [
    'fast_recovery leaves out pauses',
    { ...http, fastRecovery: true },
    '++---+++',
    ['= 0', 'up 100', '= 10', '= 10', 'down 100', '= 0', '= 0', 'up 100'],
  ],
])('%s', (_, checker, course, expected) => {
  expect(play(checker, course)).toEqual(expected);
});

test('deadlines come out in order, whatever was moved or taken out', () => {
  const queue = new DeadlineQueue();
  for (let id = 0; id < 200; id++) queue.set(id, (id * 7919) % 1009);
  for (let id = 0; id < 200; id += 3) queue.set(id, (id * 31) % 1009);
  for (let id = 0; id < 200; id += 5) queue.delete(id);
  const times: number[] = [];
  while (queue.size > 0) {
    times.push(queue.nextMs);
    queue.takeDue(Infinity);
  }
  expect(times).toHaveLength(160);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
