import { assert } from '#base/assert.ts';
import { type Codec, i32host, layout, u16be, u16host, u32host, u8, viewOf } from './layout.ts';

/**
 * Netlink messages and their attributes (RFC 3549, netlink(7), Linux `include/uapi/linux/netlink.h`): host byte order,
 * everything aligned to 4 bytes.
 */

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** A dump that changed while it was being read: read it again. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** In an acknowledgement: the original message is cut to its header. */
  capped: 0x100,
  /** In an acknowledgement: attributes with the kernel's explanation follow. */
  ackAttributes: 0x200,
} as const;

const NLA_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;
const NLMSGERR_ATTR_MSG = 1;

const header = layout({ length: u32host, type: u16host, flags: u16host, sequence: u32host, portId: u32host });
const attributeHeader = layout({ length: u16host, type: u16host });

/** A message as it lies in a receive buffer: `body` is a view, valid until the buffer is used again. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly body: Uint8Array;
}

/** Attributes by number; the last of equal ones counts. Values are views of the message. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

const aligned = (length: number) => (length + 3) & ~3;

/** The messages in `bytes`; what is cut off at the end is left out. */
export function parseMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; ;) {
    const head = header.decode(view, offset);
    if (!head || head.length < header.length || offset + head.length > bytes.length) return messages;
    messages.push({
      type: head.type,
      flags: head.flags,
      sequence: head.sequence,
      portId: head.portId,
      body: bytes.subarray(offset + header.length, offset + head.length),
    });
    offset += aligned(head.length);
  }
}

/** The attributes of `bytes` from `offset` on. Numbers carry no flags (`NLA_F_NESTED` is taken off). */
export function parseAttributes(bytes: Uint8Array, offset = 0): Attributes {
  const view = viewOf(bytes);
  const attributes = new Map<number, Uint8Array>();
  for (let at = offset; ;) {
    const head = attributeHeader.decode(view, at);
    if (!head || head.length < attributeHeader.length || at + head.length > bytes.length) return attributes;
    attributes.set(head.type & NLA_TYPE_MASK, bytes.subarray(at + attributeHeader.length, at + head.length));
    at += aligned(head.length);
  }
}

/** What the kernel answered to a request. */
export interface Acknowledgement {
  /** 0, or the positive errno. */
  readonly errno: number;
  /** The kernel's explanation (extended ack), or empty. */
  readonly reason: string;
}

const errorHeader = layout({ error: i32host, original: header });

/** Reads an `NLMSG_ERROR` or `NLMSG_DONE`; undefined if it is too short to be one. */
export function parseAcknowledgement(message: NetlinkMessage): Acknowledgement | undefined {
  const view = viewOf(message.body);
  if (message.type === NLMSG_DONE)
    return { errno: view.byteLength < 4 ? 0 : -i32host.read(view, 0) || 0, reason: '' };
  const head = errorHeader.decode(view);
  if (message.type !== NLMSG_ERROR || !head) return undefined;
  const original = message.flags & NLM_F.capped ? header.length : aligned(head.original.length);
  const attributes =
    message.flags & NLM_F.ackAttributes ? parseAttributes(message.body, 4 + original) : new Map();
  return { errno: -head.error || 0, reason: textOf(attributes.get(NLMSGERR_ATTR_MSG)) };
}

/** The text of a zero-terminated string attribute; empty if there is none. */
export function textOf(value: Uint8Array | undefined): string {
  if (!value) return '';
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** The number in an attribute of 1, 2 or 4 bytes; undefined if there is none. */
export function numberOf(value: Uint8Array | undefined): number | undefined {
  if (value?.length === 4) return u32host.read(viewOf(value), 0);
  if (value?.length === 2) return u16host.read(viewOf(value), 0);
  return value?.length === 1 ? value[0] : undefined;
}

/** A copy of an attribute's bytes: what is kept must not be a view of the receive buffer. */
export function bytesOf(value: Uint8Array | undefined): Uint8Array | undefined {
  return value?.slice();
}

/**
 * Writes messages one after the other into one buffer, which is sent as a batch.
 *
 *     writer.begin(RTM_NEWADDR, NLM_F.request | NLM_F.ack, sequence).struct(ifaddrmsg.encode({…})).attribute(IFA_LOCAL, ip).end();
 */
export class NetlinkWriter {
  #bytes = new Uint8Array(4096);
  #view = viewOf(this.#bytes);
  #length = 0;
  #messageAt = -1;

  /** The messages so far; a view, valid until the next write. */
  get written(): Uint8Array {
    assert(this.#messageAt < 0, 'a netlink message is still open');
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
    this.#messageAt = -1;
  }

  begin(type: number, flags: number, sequence: number): this {
    assert(this.#messageAt < 0, 'a netlink message is still open');
    this.#messageAt = this.#length;
    const at = this.#grow(header.length);
    header.write(this.#view, at, { length: 0, type, flags, sequence, portId: 0 });
    return this;
  }

  end(): this {
    assert(this.#messageAt >= 0, 'no netlink message is open');
    header.field.length.set(this.#view, this.#messageAt, this.#length - this.#messageAt);
    this.#messageAt = -1;
    return this;
  }

  /** Raw bytes, padded to 4: the fixed structure that follows the header. */
  struct(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** An attribute; `undefined` writes nothing. */
  attribute(type: number, value: Uint8Array | undefined): this {
    if (!value) return this;
    const length = attributeHeader.length + value.length;
    const at = this.#grow(length);
    attributeHeader.write(this.#view, at, { length, type });
    this.#bytes.set(value, at + attributeHeader.length);
    return this;
  }

  u8(type: number, value: number | undefined): this {
    return this.#number(type, u8, value);
  }

  u16(type: number, value: number | undefined): this {
    return this.#number(type, u16host, value);
  }

  /** Network byte order: ports. */
  u16be(type: number, value: number | undefined): this {
    return this.#number(type, u16be, value);
  }

  u32(type: number, value: number | undefined): this {
    return this.#number(type, u32host, value);
  }

  /** A zero-terminated string. */
  text(type: number, value: string | undefined): this {
    return value === undefined ? this : this.attribute(type, new TextEncoder().encode(`${value}\0`));
  }

  /** An attribute that holds what `write` writes; without `NLA_F_NESTED` where `flag` is false (routes' metrics). */
  nested(type: number, write: (writer: this) => void, flag = true): this {
    const at = this.#grow(attributeHeader.length);
    write(this);
    const length = this.#length - at;
    assert(length <= 0xffff, 'a nested netlink attribute is too long');
    attributeHeader.write(this.#view, at, { length, type: flag ? type | NLA_F_NESTED : type });
    return this;
  }

  /** Overwrites bytes written before. */
  patch(at: number, bytes: Uint8Array): void {
    assert(at + bytes.length <= this.#length, 'patching beyond the end');
    this.#bytes.set(bytes, at);
  }

  get position(): number {
    return this.#length;
  }

  #number(type: number, codec: Codec<number>, value: number | undefined): this {
    if (value === undefined) return this;
    const length = attributeHeader.length + codec.length;
    const at = this.#grow(length);
    u16host.write(this.#view, at, length);
    u16host.write(this.#view, at + 2, type);
    codec.write(this.#view, at + attributeHeader.length, value);
    return this;
  }

  #grow(length: number): number {
    const at = this.#length;
    const end = at + aligned(length);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    this.#bytes.fill(0, at, end);
    this.#length = end;
    return at;
  }
}
