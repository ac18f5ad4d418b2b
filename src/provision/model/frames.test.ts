import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameError, FrameParser } from './frames.ts';

const nonce = '0123456789abcdef';
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function frame(id: string, exit: number, out: Uint8Array, err: Uint8Array): Uint8Array {
  return Buffer.concat([encode(`\n${nonce} ${id} ${exit} ${out.length} ${err.length}\n`), err, out]);
}

describe('frames', () => {
  test('any payload in any pieces amid any noise comes out as it went in', () => {
    const noise = fc.oneof(
      fc.constant(new Uint8Array(0)),
      fc.constant(encode(`\n\n${nonce.slice(0, 9)}`)),
      fc.constant(encode('\nmotd\n')),
    );
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constant(frame('forged', 0, encode('x'), encode(''))),
    );
    const parts = fc.array(fc.tuple(noise, payload, payload, fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(
        parts,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
        (all, sizes) => {
          const stream = Buffer.concat(
            all.flatMap(([before, out, err, exit], index) => [before, frame(`p${index}`, exit, out, err)]),
          );
          const parser = new FrameParser(nonce);
          const got = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            got.push(...parser.push(stream.subarray(at, at + size)));
            at += size;
          }
          expect(
            got.map(each => [each.id, each.exit, Buffer.from(each.stdout), Buffer.from(each.stderr)]),
          ).toEqual(
            all.map(([, out, err, exit], index) => [`p${index}`, exit, Buffer.from(out), Buffer.from(err)]),
          );
        },
      ),
    );
  });

  test.each([
    [`\n${nonce} ../etc\u0000 0 0 0\n`, 'an id that is none'],
    [`\n${nonce} a 0 99999999999 0\n`, 'an absurd length'],
    [`\n${nonce} a 0 90000000 0\n`, 'more than any probe answers'],
    [`\n${nonce} ${'a'.repeat(300)}`, 'a header without an end'],
  ])('%j is refused: %s', text => {
    expect(() => new FrameParser(nonce).push(encode(text))).toThrow(FrameError);
  });

  test('knows when the program has ended', () => {
    const parser = new FrameParser(nonce);
    parser.push(encode(`\n${nonce} end 0 0`));
    expect(parser.ended).toBe(false);
    parser.push(encode(' 0\n'));
    expect(parser.ended).toBe(true);
  });
});
