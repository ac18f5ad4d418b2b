import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PcapReader } from './pcap.ts';

function capture(
  littleEndian: boolean,
  magic: number,
  frames: readonly { s: number; f: number; bytes: Uint8Array }[],
) {
  const bytes = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, littleEndian);
  view.setUint32(20, 1, littleEndian);
  let at = 24;
  for (const { s, f, bytes: frame } of frames) {
    for (const [index, value] of [s, f, frame.length, frame.length].entries()) {
      view.setUint32(at + index * 4, value, littleEndian);
    }
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return bytes;
}

describe('capture files', () => {
  test('any byte order, precision and cutting into chunks gives the same records', () => {
    const frame = fc.record({
      s: fc.integer({ min: 0, max: 0x7fffffff }),
      f: fc.integer({ min: 0, max: 999_999 }),
      bytes: fc.uint8Array({ maxLength: 80 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 50 }),
        (frames, little, nano, size) => {
          const scaled = frames.map(one => ({ ...one, f: nano ? one.f * 1000 : one.f }));
          const file = capture(little, nano ? 0xa1b23c4d : 0xa1b2c3d4, scaled);
          const reader = new PcapReader();
          const records = [];
          for (let at = 0; at < file.length; at += size)
            records.push(...reader.push(file.subarray(at, at + size)));
          expect(records.map(record => record.frame)).toEqual(frames.map(one => one.bytes));
          for (const [index, one] of frames.entries()) {
            expect(records[index]?.timeMs).toBeCloseTo(one.s * 1000 + one.f / 1000, 2);
          }
        },
      ),
    );
  });

  test('what is no Ethernet capture is refused', () => {
    expect(() => new PcapReader().push(new Uint8Array(24))).toThrow('not a pcap file');
    const other = capture(true, 0xa1b2c3d4, []);
    other[20] = 113;
    expect(() => new PcapReader().push(other)).toThrow('link type 113');
  });

  test('a record longer than any frame is refused', () => {
    const file = capture(true, 0xa1b2c3d4, [{ s: 1, f: 0, bytes: new Uint8Array(4) }]);
    new DataView(file.buffer).setUint32(24 + 8, 1 << 20, true);
    expect(() => new PcapReader().push(file)).toThrow('is no frame');
  });
});
