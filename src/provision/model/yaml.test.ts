import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { formatPosition } from '#base/position.ts';
import { printYaml } from './yaml-print.ts';
import { copyPlaces, keyPositionOf, mergePlaces, parseYaml, positionAt, positionOf } from './yaml.ts';

const complaints = (text: string) => parseYaml(text, 'f.yml').diagnostics.map(formatDiagnostic);

describe('values', () => {
  test.each([
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['~', null],
    ['', null],
    ['1_000', 1000],
    ['0x1F', 31],
    ['0b11', 3],
    ['1.5', 1.5],
    ['1.0e+3', 1000],
    ['1e3', '1e3'],
    ['089', '089'],
    ['2020-01-01', '2020-01-01'],
    ['"0755"', '0755'],
    ["'yes'", 'yes'],
    ['10.0.0.1', '10.0.0.1'],
    ['!!str 5', '5'],
    ['!unsafe "{{ x }}"', '{% raw %}{{ x }}{% endraw %}'],
  ])('%s is read as PyYAML reads it', (text, value) => {
    expect(parseYaml(`a: ${text}`, 'f.yml')).toMatchObject({ value: { a: value }, diagnostics: [] });
  });

  test('anchors and merge keys', () => {
    const text = 'base: &b { x: 1, y: 2 }\nmade: { <<: *b, y: 3 }\nlist: { <<: [{ p: 1 }, { p: 2, q: 2 }] }';
    expect(parseYaml(text, 'f.yml').value).toEqual({
      base: { x: 1, y: 2 },
      made: { x: 1, y: 3 },
      list: { p: 1, q: 2 },
    });
  });
});

describe('traps are errors with a place and a way out', () => {
  test.each([
    [
      'mode: 0755',
      'f.yml:1:7: error: 0755 is read as an octal number (493) by some YAML readers and as a decimal one by others (quote it: "0755") [yaml-number]',
    ],
    [
      'port: 22:22',
      'f.yml:1:7: error: 22:22 is a number in base 60 to YAML 1.1, and so to Ansible (quote it: "22:22") [yaml-number]',
    ],
    [
      'a: 12345678901234567890',
      'f.yml:1:4: error: 12345678901234567890 is too large to be kept exactly as a number (quote it: "12345678901234567890") [yaml-number]',
    ],
    [
      'x:\n  y: {{ z }}',
      'f.yml:2:6: error: an unquoted {{ … }} is a map within a map to YAML (put the whole value in quotes: "{{ … }}") [yaml-unquoted-template]',
    ],
    [
      'a: !foo b',
      'f.yml:1:9: error: unknown YAML tag !foo (known are !vault, !unsafe and the standard !!str, !!map, !!seq) [yaml-tag]',
    ],
    ['a: *b', 'f.yml:1:4: error: there is no anchor &b before this [yaml-alias]'],
    [
      'a: 1\na: 2',
      'f.yml:2:1: warning: a is given twice; the last one counts (remove one) [yaml-duplicate-key]',
    ],
    [
      '__proto__: 1',
      'f.yml:1:1: error: __proto__ cannot be a key (write a plain word before the colon) [yaml-key]',
    ],
  ])('%j', (text, complaint) => {
    expect(complaints(text)).toEqual([complaint]);
  });

  test.each([
    ['a: {{ x }} b', 'a value that begins with {{ must stand in quotes'],
    ['a:\n\t- b', 'indent with spaces'],
    ['a: @b', 'must stand in quotes'],
    ['a: 1\n---\nb: 2', 'keep one document per file'],
    ['a: "b', 'yaml-syntax'],
  ])('%j', (text, part) => {
    expect(complaints(text).join('\n')).toContain(part);
  });
});

describe('places', () => {
  const { value } = parseYaml('a:\n  b: [x, y]\n  c: 1\n', 'f.yml');
  const at = (path: readonly (string | number)[]) =>
    formatPosition(positionAt(value, path) ?? { file: '-', line: 0, column: 0 });

  test('of values, items and the deepest part that is there', () => {
    expect([at([]), at(['a']), at(['a', 'b', 1]), at(['a', 'c']), at(['a', 'nope'])]).toEqual([
      'f.yml:1:1',
      'f.yml:2:3',
      'f.yml:2:10',
      'f.yml:3:6',
      'f.yml:2:3',
    ]);
  });

  test('of keys, and in copies and merged maps', () => {
    expect(keyPositionOf(value, 'a')).toMatchObject({ line: 1, column: 1 });
    expect(positionOf(copyPlaces({ a: 5 }, value as object as []), 'a')).toMatchObject({ line: 2 });
    const other = parseYaml('\n\nz: 1', 'g.yml').value as Record<string, never>;
    const merged = mergePlaces({}, [value as Record<string, never>, other]);
    expect([positionOf(merged, 'a')?.file, positionOf(merged, 'z')?.line]).toEqual(['f.yml', 3]);
    expect(positionOf({}, 'a')).toBeUndefined();
  });
});

describe('printing', () => {
  const data = { b: { c: 'yes', d: '5', e: null, f: 'a: b' }, a: [1, [2, 'x'], { q: true }], s: "it's" };

  test('as PyYAML does', () => {
    expect(printYaml(data, 2, 'block')).toBe(
      "a:\n- 1\n- - 2\n  - x\n- q: true\nb:\n  c: 'yes'\n  d: '5'\n  e: null\n  f: 'a: b'\ns: it's\n",
    );
    expect(printYaml({ b: 1, a: [1, 2] }, 2, 'leaves-in-line')).toBe('a: [1, 2]\nb: 1\n');
  });

  test('what is printed is read back', () => {
    for (const style of ['block', 'leaves-in-line'] as const) {
      expect(parseYaml(printYaml(data, 4, style), 'f.yml')).toMatchObject({ value: data, diagnostics: [] });
    }
  });
});
