import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { i32host, layout, u32host, viewOf } from './layout.ts';
import {
  NetlinkWriter,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  numberOf,
  parseAcknowledgement,
  parseAttributes,
  parseMessages,
  textOf,
} from './netlink.ts';

const attribute = fc.record({
  type: fc.integer({ min: 0, max: 0x3fff }),
  value: fc.uint8Array({ maxLength: 300 }),
});
const message = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffffffff }),
  fixed: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  attributes: fc.uniqueArray(attribute, { selector: each => each.type, maxLength: 8 }),
});

describe('netlink messages', () => {
  test('a batch is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), messages => {
        const writer = new NetlinkWriter();
        for (const { type, flags, sequence, fixed, attributes } of messages) {
          writer.begin(type, flags, sequence).struct(fixed);
          for (const { type: number, value } of attributes) writer.attribute(number, value);
          writer.end();
        }
        const read = parseMessages(writer.written).map(({ type, flags, sequence, body }) => ({
          type,
          flags,
          sequence,
          fixed: body.slice(0, 4),
          attributes: [...parseAttributes(body, 4)].map(([number, value]) => ({
            type: number,
            value: value.slice(),
          })),
        }));
        expect(read).toEqual(messages);
        expect(writer.written.length % 4).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('any bytes are read without an exception and never beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
        for (const each of parseMessages(bytes)) {
          parseAttributes(each.body);
          parseAcknowledgement(each);
          expect(each.body.length).toBeLessThanOrEqual(bytes.length - 16);
        }
        for (const [, value] of parseAttributes(bytes))
          expect(value.length).toBeLessThanOrEqual(bytes.length - 4);
      }),
    );
  });

  test('nested attributes, numbers and texts', () => {
    const writer = new NetlinkWriter();
    writer
      .begin(1, 0, 1)
      .nested(5, inner => inner.u32(1, 0xdeadbeef).u8(2, 7).text(3, 'eth0'))
      .u32(6, undefined)
      .end();
    const [only] = parseMessages(writer.written);
    const outer = parseAttributes(must(only, 'one message').body);
    expect([...outer.keys()]).toEqual([5]);
    const inner = parseAttributes(must(outer.get(5), 'nested'));
    expect(numberOf(inner.get(1))).toBe(0xdeadbeef);
    expect(numberOf(inner.get(2))).toBe(7);
    expect([...must(inner.get(3), 'text')]).toEqual([101, 116, 104, 48, 0]);
    expect(textOf(inner.get(3))).toBe('eth0');
    expect(textOf(undefined)).toBe('');
    expect(numberOf(undefined)).toBeUndefined();
  });

  test('the bytes of a request are those of the kernel’s headers', () => {
    const writer = new NetlinkWriter();
    writer.begin(0x0102, 0x0304, 0x05060708).attribute(9, Uint8Array.of(1)).end();
    const view = viewOf(writer.written);
    const head = layout({ length: u32host, typeAndFlags: u32host, sequence: u32host, portId: u32host });
    expect(head.decode(view)).toEqual({
      length: 24,
      typeAndFlags: viewOf(Uint8Array.of(2, 1, 4, 3)).getUint32(0, true),
      sequence: 0x05060708,
      portId: 0,
    });
    expect([...writer.written.subarray(20)]).toEqual([1, 0, 0, 0]);
  });
});

describe('acknowledgements', () => {
  const error = (errno: number) => i32host.write(viewOf(body), 0, -errno);
  const body = new Uint8Array(20);
  const base = { sequence: 1, portId: 1 };

  test('success and refusal', () => {
    error(0);
    expect(parseAcknowledgement({ ...base, type: NLMSG_ERROR, flags: 0, body })).toEqual({
      errno: 0,
      reason: '',
    });
    error(17);
    expect(parseAcknowledgement({ ...base, type: NLMSG_ERROR, flags: 0, body })?.errno).toBe(17);
    expect(
      parseAcknowledgement({ ...base, type: NLMSG_DONE, flags: 0, body: body.subarray(0, 4) })?.errno,
    ).toBe(17);
  });

  test.each([
    ['after the header of the request, where that was cut', NLM_F.capped | NLM_F.ackAttributes, 16],
    ['after the whole request', NLM_F.ackAttributes, 27],
  ])('the kernel’s reason stands %s', (_, flags, originalLength) => {
    const writer = new NetlinkWriter();
    const original = new Uint8Array(originalLength);
    u32host.write(viewOf(original), 0, 27);
    const head = new Uint8Array(4);
    i32host.write(viewOf(head), 0, -22);
    writer.begin(NLMSG_ERROR, flags, 1).struct(head).struct(original).text(1, 'Invalid prefix length').end();
    const [answer] = parseMessages(writer.written);
    expect(parseAcknowledgement(must(answer, 'one message'))).toEqual({
      errno: 22,
      reason: 'Invalid prefix length',
    });
  });

  test('a short one is none', () => {
    expect(
      parseAcknowledgement({ ...base, type: NLMSG_ERROR, flags: 0, body: body.subarray(0, 12) }),
    ).toBeUndefined();
    expect(parseAcknowledgement({ ...base, type: 99, flags: 0, body })).toBeUndefined();
  });
});
