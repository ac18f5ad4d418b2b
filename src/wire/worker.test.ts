import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BODY_LENGTH_MAX,
  encodeWorkerRecord,
  WORKER_RECORD,
  WorkerFramingError,
  WorkerRecordReader,
  type WorkerRecord,
  type WorkerRecordKind,
} from './worker.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map(value => value.replaceAll('\0', ''));
const record: fc.Arbitrary<WorkerRecord> = fc.record({
  kind: fc.constantFrom(...(Object.keys(WORKER_RECORD) as WorkerRecordKind[])),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  code: fc.nat({ max: 0xffff }),
  strings: fc.array(text, { maxLength: 5 }),
});

function joined(records: readonly WorkerRecord[]): Uint8Array {
  return Uint8Array.from(records.flatMap(each => [...encodeWorkerRecord(each)]));
}

describe('worker records', () => {
  test('come out whole however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), fc.array(fc.nat({ max: 60 })), (records, cuts) => {
        const whole = joined(records);
        const reader = new WorkerRecordReader();
        const edges = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const read = edges.slice(1).flatMap((end, i) => reader.push(whole.subarray(edges[i], end)));
        expect(read).toEqual(records);
      }),
    );
  });

  test('have the layout that is documented', () => {
    const encoded = encodeWorkerRecord({ kind: 'scriptResult', id: 7, code: 512, strings: ['a', ''] });
    expect([...encoded]).toEqual([0, 0, 0, 3, 5, 0, 2, 0, 0, 0, 0, 7, 0x61, 0, 0]);
  });

  test.each([
    ['an unknown kind', [0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]],
    ['a body beyond the bound', [0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
    ['a string without its end', [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0x61]],
  ])('%s breaks the stream', (_, bytes) => {
    expect(() => new WorkerRecordReader().push(Uint8Array.from(bytes))).toThrow(WorkerFramingError);
  });

  test('random bytes are refused or wait, never crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        expect(outcome(() => new WorkerRecordReader().push(bytes))).toBe('fine');
      }),
    );
  });

  test('what could not be read back is our bug', () => {
    const base = { kind: 'log', id: 0, code: 0 } as const;
    expect(() => encodeWorkerRecord({ ...base, strings: ['a\0b'] })).toThrow('NUL');
    expect(() => encodeWorkerRecord({ ...base, strings: ['x'.repeat(BODY_LENGTH_MAX)] })).toThrow('bytes');
  });
});

function outcome(read: () => unknown): unknown {
  try {
    read();
    return 'fine';
  } catch (error) {
    return error instanceof WorkerFramingError ? 'fine' : error;
  }
}
