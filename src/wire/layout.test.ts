import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  array,
  bytes,
  HOST_IS_LITTLE_ENDIAN,
  i32host,
  layout,
  type LayoutValue,
  padding,
  u16be,
  u16host,
  u32be,
  u32host,
  u64host,
  u8,
  viewOf,
} from './layout.ts';

const inner = layout({ kind: u8, value: u16be });
const sample = layout({
  a: u8,
  gap: padding(3),
  b: u16be,
  c: u32be,
  d: u16host,
  e: u32host,
  f: i32host,
  g: u64host,
  h: bytes(5),
  i: array(inner, 2),
});

const word = (bits: number) => fc.nat({ max: 2 ** bits - 1 });
const arbitrary: fc.Arbitrary<LayoutValue<typeof sample>> = fc.record({
  a: word(8),
  b: word(16),
  c: fc.integer({ min: 0, max: 0xffffffff }),
  d: word(16),
  e: fc.integer({ min: 0, max: 0xffffffff }),
  f: fc.integer(),
  g: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  h: fc.uint8Array({ minLength: 5, maxLength: 5 }),
  i: fc.tuple(fc.record({ kind: word(8), value: word(16) }), fc.record({ kind: word(8), value: word(16) })),
});

describe('a layout', () => {
  test('round-trips at any offset', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat({ max: 9 }), (value, offset) => {
        const view = viewOf(new Uint8Array(offset + sample.length));
        sample.write(view, offset, value);
        expect(sample.decode(view, offset)).toEqual(value);
      }),
    );
  });

  test('puts fields where the wire has them', () => {
    const encoded = layout({ a: u8, gap: padding(1), b: u16be, c: bytes(3) }).encode({
      a: 1,
      b: 0x0203,
      c: Uint8Array.of(9),
    });
    expect([...encoded]).toEqual([1, 0, 2, 3, 9, 0, 0]);
    expect([sample.length, sample.field.b.offset, sample.field.i.length]).toEqual([39, 4, 6]);
  });

  test('host order is the machine’s', () => {
    const [first] = layout({ a: u32host }).encode({ a: 1 });
    expect(first).toBe(HOST_IS_LITTLE_ENDIAN ? 1 : 0);
  });

  test('a short view decodes to undefined', () => {
    for (let length = 0; length < inner.length; length++)
      expect(inner.decode(viewOf(new Uint8Array(length)))).toBeUndefined();
    expect(inner.decode(viewOf(new Uint8Array(4)), 2)).toBeUndefined();
  });

  test('a field reads and writes by itself, inside its view only', () => {
    const backing = new Uint8Array(8).fill(0xff);
    const view = viewOf(backing.subarray(2, 5));
    inner.field.value.set(view, 0, 0x1234);
    expect([...backing]).toEqual([255, 255, 255, 0x12, 0x34, 255, 255, 255]);
    expect(inner.field.value.get(view, 0)).toBe(0x1234);
    expect(() => inner.field.value.get(view, 1)).toThrow(RangeError);
    expect(() => bytes(4).read(view, 0)).toThrow('beyond the end');
  });

  test('a value that does not fit is our bug', () => {
    expect(() => layout({ a: bytes(2) }).encode({ a: new Uint8Array(3) })).toThrow('do not fit');
    expect(() => layout({ a: array(u8, 2) }).encode({ a: [1] })).toThrow('array of 2');
  });
});
