import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Text } from './text.ts';

const at = (text: string, file: string): Text => Text.at(text, { file, line: 1, column: 1 });

test('after any cut and replacement each character is found where it was written', () => {
  const operation = fc.tuple(fc.nat(20), fc.nat(20), fc.string({ maxLength: 6 }));
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.array(operation, { maxLength: 6 }), (start, operations) => {
      const written = new Map([['0', start]]);
      let text = at(start, '0');
      for (const [index, [a, b, replacement]] of operations.entries()) {
        const from = Math.min(a, b, text.length);
        const to = Math.min(Math.max(a, b), text.length);
        written.set(String(index + 1), replacement);
        text = text.splice(from, to, at(replacement, String(index + 1)));
      }
      for (let i = 0; i < text.length; i++) {
        const { file, column } = text.positionAt(i);
        expect(written.get(file)?.[column - 1]).toBe(text.text[i]);
      }
    }),
  );
});

test('trim keeps positions', () => {
  expect(at(' \t ab \r', 'f').trim().positionAt(0)).toEqual({ file: 'f', line: 1, column: 4 });
});
