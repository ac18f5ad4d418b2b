import { u16be, u16host, u32host, u64host, viewOf } from './layout.ts';
import { textOf } from './netlink.ts';

const TYPE_MASK = 0x3fff;
const HEADER_BYTES = 4;

/**
 * Where the attributes of one structure lie. It is filled again for each structure and allocates nothing, which tables
 * of tens of thousands of rows need; an attribute that is absent or too short reads as undefined.
 */
export class AttributeIndex {
  readonly #at: Int32Array;
  readonly #length: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = viewOf(this.#bytes);

  /** Knows the attributes 1…`highest`; others are left out. */
  constructor(highest: number) {
    this.#at = new Int32Array(highest + 1);
    this.#length = new Int32Array(highest + 1);
  }

  /** Indexes the attributes of `bytes` from `offset` on. */
  read(bytes: Uint8Array, offset = 0): this {
    this.#length.fill(-1);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    for (let at = offset; at + HEADER_BYTES <= bytes.length;) {
      const length = u16host.read(this.#view, at);
      if (length < HEADER_BYTES || at + length > bytes.length) break;
      const type = u16host.read(this.#view, at + 2) & TYPE_MASK;
      if (type < this.#at.length) {
        this.#at[type] = at + HEADER_BYTES;
        this.#length[type] = length - HEADER_BYTES;
      }
      at += (length + 3) & ~3;
    }
    return this;
  }

  u8(type: number): number | undefined {
    return this.#has(type, 1) ? this.#view.getUint8(this.#offset(type)) : undefined;
  }

  u16(type: number): number | undefined {
    return this.#has(type, 2) ? u16host.read(this.#view, this.#offset(type)) : undefined;
  }

  /** Network byte order: ports. */
  u16be(type: number): number | undefined {
    return this.#has(type, 2) ? u16be.read(this.#view, this.#offset(type)) : undefined;
  }

  u32(type: number): number | undefined {
    return this.#has(type, 4) ? u32host.read(this.#view, this.#offset(type)) : undefined;
  }

  /** A counter; exact up to 2⁵³. */
  u64(type: number): number | undefined {
    return this.#has(type, 8) ? Number(u64host.read(this.#view, this.#offset(type))) : undefined;
  }

  text(type: number): string | undefined {
    return this.#has(type, 0) ? textOf(this.view(type)) : undefined;
  }

  /** A view of the attribute's bytes. */
  view(type: number): Uint8Array | undefined {
    if (!this.#has(type, 0)) return undefined;
    const at = this.#offset(type);
    return this.#bytes.subarray(at, at + (this.#length[type] ?? 0));
  }

  #has(type: number, length: number): boolean {
    return (this.#length[type] ?? -1) >= length;
  }

  #offset(type: number): number {
    return this.#at[type] ?? 0;
  }
}
