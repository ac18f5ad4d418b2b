import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type WorkerRecord, WorkerRecordReader } from '#wire/worker.ts';
import { ParentLink } from './parent-link.ts';

const LOG: WorkerRecord = { kind: 'log', id: 0, code: 5, strings: ['x'] };

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

/** Kinds of records, by the system calls that they would leave with. */
function bench() {
  const written: string[][] = [];
  const reader = new WorkerRecordReader();
  const keep = (chunks: readonly Uint8Array[]): void => {
    written.push(chunks.flatMap(chunk => reader.push(chunk).map(({ kind }) => kind)));
  };
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Uint8Array, _, done) => {
      keep([chunk]);
      done();
    },
    writev: (chunks, done) => {
      keep(chunks.map(({ chunk }) => chunk as Uint8Array));
      done();
    },
  });
  return { written, link: new ParentLink(socket) };
}

test('what is said in one go leaves in one go', async () => {
  const { written, link } = bench();
  for (let i = 0; i < 3; i++) link.send(LOG);
  expect(written).toEqual([]);
  await new Promise<void>(resolve => process.nextTick(resolve));
  expect(written).toEqual([['log', 'log', 'log']]);
});

test('a long piece of work says that it goes on, before it has ended, and not more often than is needed', () => {
  const { written, link } = bench();
  link.send(LOG);
  for (let ms = 0; ms < 3500; ms += 100) {
    link.alive();
    vi.advanceTimersByTime(100);
  }
  expect(written).toEqual([['log', 'heartbeat'], ['heartbeat'], ['heartbeat'], ['heartbeat']]);
});
