import { assert } from '#base/assert.ts';

/**
 * One definition per wire structure: encode, decode, length and the TypeScript type all come from it.
 *
 *     const ipv4Header = layout({ versionIhl: u8, tos: u8, totalLength: u16be, …, source: bytes(4) });
 *     type Ipv4Header = LayoutValue<typeof ipv4Header>;
 *     ipv4Header.length                                  20
 *     ipv4Header.decode(view, offset)                    Ipv4Header, or undefined if the view is too short
 *     ipv4Header.field.totalLength.get(view, offset)     one field, no allocation: the packet path
 *
 * Whole-structure calls check bounds and report a short buffer; single-field calls do not, so the packet path
 * first compares the received length with `layout.length` and then reads fields. (A DataView throws a
 * RangeError beyond its end in any case: a forgotten check is a crash in a test, never a stray read.)
 */

/** How one value is laid out: its size in bytes and both directions. */
export interface Codec<T> {
  readonly length: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

/** A field at its place in a structure; `base` is where the structure starts in the view. */
interface Field<T> {
  /** Byte offset from the structure's start. */
  readonly offset: number;
  readonly length: number;
  get(view: DataView, base: number): T;
  set(view: DataView, base: number, value: T): void;
}

type Fields = Readonly<Record<string, Codec<unknown>>>;
type Valued<F extends Fields> = { [K in keyof F as F[K] extends Codec<void> ? never : K]: F[K] };

/** A structure; itself a {@link Codec}, so that structures nest. */
export interface Layout<F extends Fields> extends Codec<ValueOf<F>> {
  readonly field: { readonly [K in keyof Valued<F>]: Field<Read<F[K]>> };
  /** The structure at `offset`, or undefined if the view ends before it does. */
  decode(view: DataView, offset?: number): ValueOf<F> | undefined;
  /** The structure's bytes. */
  encode(value: ValueOf<F>): Uint8Array<ArrayBuffer>;
}

type Read<C> = C extends Codec<infer T> ? T : never;
type ValueOf<F extends Fields> = { [K in keyof Valued<F>]: Read<F[K]> };

/** The value type of a layout. */
export type LayoutValue<L> = L extends Codec<infer T> ? T : never;

/** Defines a structure: its fields in wire order, without gaps (name gaps with {@link padding}). */
export function layout<const F extends Fields>(fields: F): Layout<F> {
  const placed: Record<string, Field<unknown>> = {};
  let length = 0;
  for (const [name, codec] of Object.entries(fields)) {
    if (!(codec instanceof Padding)) placed[name] = place(codec, length);
    length += codec.length;
  }
  const entries = Object.entries(placed);
  const read = (view: DataView, offset: number) =>
    Object.fromEntries(entries.map(([name, field]) => [name, field.get(view, offset)])) as ValueOf<F>;
  const write = (view: DataView, offset: number, value: ValueOf<F>) => {
    const values: Readonly<Record<string, unknown>> = value;
    for (const [name, field] of entries) field.set(view, offset, values[name]);
  };
  return {
    length,
    field: placed as Layout<F>['field'],
    read,
    write,
    decode: (view, offset = 0) => (offset + length > view.byteLength ? undefined : read(view, offset)),
    encode: value => {
      const encoded = new Uint8Array(length);
      write(viewOf(encoded), 0, value);
      return encoded;
    },
  };
}

function place<T>(codec: Codec<T>, offset: number): Field<T> {
  return {
    offset,
    length: codec.length,
    get: (view, base) => codec.read(view, base + offset),
    set: (view, base, value) => codec.write(view, base + offset, value),
  };
}

/** A view of exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Byte order of this machine: netlink and most kernel structures use it. */
export const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const LITTLE = HOST_IS_LITTLE_ENDIAN;

export const u8: Codec<number> = {
  length: 1,
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, value),
};
export const u16be: Codec<number> = u16(false);
export const u32be: Codec<number> = u32(false);
export const u16host: Codec<number> = u16(LITTLE);
export const u32host: Codec<number> = u32(LITTLE);
export const i32host: Codec<number> = {
  length: 4,
  read: (view, offset) => view.getInt32(offset, LITTLE),
  write: (view, offset, value) => view.setInt32(offset, value, LITTLE),
};
/** 64 bits as a bigint: counters of the kernel. Allocates; keep it off the packet path. */
export const u64host: Codec<bigint> = {
  length: 8,
  read: (view, offset) => view.getBigUint64(offset, LITTLE),
  write: (view, offset, value) => view.setBigUint64(offset, value, LITTLE),
};

function u16(little: boolean): Codec<number> {
  return {
    length: 2,
    read: (view, offset) => view.getUint16(offset, little),
    write: (view, offset, value) => view.setUint16(offset, value, little),
  };
}

function u32(little: boolean): Codec<number> {
  return {
    length: 4,
    read: (view, offset) => view.getUint32(offset, little),
    write: (view, offset, value) => view.setUint32(offset, value, little),
  };
}

/** `length` bytes as they are. Reading copies; a shorter value is padded with zeros, a longer one is our bug. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    length,
    read: (view, offset) =>
      new Uint8Array(view.buffer, view.byteOffset + offset, checked(view, offset, length)).slice(),
    write: (view, offset, value) => {
      assert(value.length <= length, `${value.length} bytes do not fit a field of ${length}`);
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, checked(view, offset, length));
      target.fill(0);
      target.set(value);
    },
  };
}

// A Uint8Array over view.buffer would happily read past the view into its neighbours.
function checked(view: DataView, offset: number, length: number): number {
  assert(offset >= 0 && offset + length <= view.byteLength, 'a field beyond the end of its view');
  return length;
}

/** `count` values of one kind, one after the other. */
export function array<T>(element: Codec<T>, count: number): Codec<readonly T[]> {
  return {
    length: element.length * count,
    read: (view, offset) =>
      Array.from({ length: count }, (_, i) => element.read(view, offset + i * element.length)),
    write: (view, offset, values) => {
      assert(values.length === count, `${values.length} values for an array of ${count}`);
      for (const [i, value] of values.entries()) element.write(view, offset + i * element.length, value);
    },
  };
}

class Padding implements Codec<void> {
  readonly length: number;
  constructor(length: number) {
    this.length = length;
  }
  read(): void {}
  write(view: DataView, offset: number): void {
    for (let i = 0; i < this.length; i++) view.setUint8(offset + i, 0);
  }
}

/** Reserved or alignment bytes: written as zeros, ignored when read, absent from the value. */
export function padding(length: number): Codec<void> {
  return new Padding(length);
}
