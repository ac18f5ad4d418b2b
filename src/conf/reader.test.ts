import { describe, expect, test } from 'vitest';
import { formatPosition } from '#base/position.ts';
import { memorySource } from './memory-source.ts';
import { Reader } from './reader.ts';
import { Report } from './report.ts';
import { DEFAULT_LIMITS, type Limits } from './source.ts';

interface Result {
  readonly lines: string[];
  readonly where: string[];
  readonly ids: string[];
  readonly files: string[];
}

function read(
  files: Record<string, string> | string,
  limits: Partial<Limits> = {},
  configId = 'main',
): Result {
  const all = typeof files === 'string' ? { '/etc/k.conf': files } : files;
  const report = new Report(100);
  const environment = { hostname: 'r1.example', configId, variables: { CREDENTIALS_DIRECTORY: '/run/c' } };
  const reader = new Reader(memorySource(all), environment, { ...DEFAULT_LIMITS, ...limits }, report);
  reader.open('/etc/k.conf');
  const lines: string[] = [];
  const where: string[] = [];
  for (let line = reader.next(); line; line = reader.next()) {
    lines.push(line.text);
    where.push(formatPosition(line.positionAt(0)));
  }
  const ids = report.diagnostics.map(({ id, severity }) => (severity === 'error' ? id : `(${id})`));
  return { lines, where, ids, files: reader.files };
}

describe('lines', () => {
  test('braces stand alone, wherever they were written', () => {
    expect(read('a b {c d} e{\r\n}').lines).toEqual(['a b', '{', 'c d', '}', 'e', '{', '}']);
    expect(read('n "x { y }" {').lines).toEqual(['n "x { y }"', '{']);
  });

  test('a byte order mark, CRLF and a missing last newline do not matter', () => {
    expect(read('\uFEFFa\r\n\r\n# ä\r\n b').lines).toEqual(['a', 'b']);
    expect(read('a\n\n  b').where).toEqual(['/etc/k.conf:1:1', '/etc/k.conf:3:3']);
  });

  test('a backslash outside a definition is an error', () => {
    expect(read('a \\\nb')).toMatchObject({ lines: ['a', 'b'], ids: ['line-continuation'] });
  });
});

describe('conditions', () => {
  const text = '@main a\n@other b\n@^main c\n@^other d\n@main @^other e\n@main';

  test('lines of this id, and lines not of another', () => {
    expect(read(text).lines).toEqual(['a', 'd', 'e']);
    expect(read(text, {}, 'other').lines).toEqual(['b', 'c']);
    expect(read(text, {}, 'third').lines).toEqual(['c', 'd']);
  });

  test('a condition can come from a definition and govern one', () => {
    expect(read('$IF=@main\n$IF a\n@other $P=1\n@main $P=2\np $P').lines).toEqual(['a', 'p 2']);
  });

  test('a multi-line definition for another id is skipped as a whole', () => {
    expect(read('@other $X= \\\n a \\\n b\nc').lines).toEqual(['c']);
  });
});

describe('definitions', () => {
  test('substitution is late and recursive', () => {
    const text = '$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32';
    expect(read(text).lines).toEqual(['10.2.0.100/32', '10.2.10.100/32']);
  });

  test('a name without braces must end at a blank', () => {
    expect(read('$P=5\na $P b\na $Px $P').lines).toEqual(['a 5 b', 'a $Px 5']);
  });

  test('an unknown name stays, but braces around it are told', () => {
    expect(read('notify "$HOME"').ids).toEqual([]);
    expect(read('$PRIO=1\npriority ${PRIOR}').ids).toEqual(['definition-unknown']);
  });

  test('multi-line values may be nested and keep their own positions', () => {
    const text =
      '$R= \\\n r $N { \\\n w 1 \\\n }\n$V= \\\nv { \\\n$N=1 \\\n$R \\\n$N=2 \\\n$R \\\n}\n$V\nend';
    const { lines, where, ids } = read(text);
    expect(lines).toEqual(['v', '{', 'r 1', '{', 'w 1', '}', 'r 2', '{', 'w 1', '}', '}', 'end']);
    expect(where[0]).toBe('/etc/k.conf:6:1');
    expect(where[4]).toBe('/etc/k.conf:3:2');
    expect(ids).toEqual([]);
  });

  test('standard definitions', () => {
    expect(read('a ${_PWD} ${_INSTANCE} ${_HASH}${_BANG}').lines).toEqual(['a /etc main #!']);
    expect(read('a ${_ENV CREDENTIALS_DIRECTORY}/k "${_ENV toString}"').lines).toEqual([
      'a /run/c/k "${_ENV toString}"',
    ]);
    const [first = ''] = read('a ${_RANDOM 5 7}').lines;
    expect(first).toMatch(/^a [567]$/);
    expect(read('random_seed 9\na ${_RANDOM}').lines).toEqual(read('random_seed 9\na ${_RANDOM}').lines);
  });

  test.each(['$P=$P\na $P', '$P=${P}x\na $P', '$A=$B\n$B=$A\na $A', '$A= \\\n$A \\\n$A\n$A'])(
    'recursion ends: %j',
    text => {
      const { ids } = read(text, { totalLength: 100_000 });
      expect(['definition-recursive', 'line-too-long', 'expansion-limit']).toContain(ids[0]);
    },
  );
});

describe('repetitions', () => {
  test.each([
    ['~SEQ(N, 0, 3) a.${N}', ['a.0', 'a.1', 'a.2', 'a.3']],
    ['~SEQ(N, 2) a $N', ['a 1', 'a 2']],
    ['~SEQ(N,-2) a $N', ['a -1', 'a -2']],
    ['~SEQ(N, 6, -2, 2) a $N', ['a 6', 'a 4', 'a 2']],
    ['~SEQx(N, 0x90, 0x10, 0xa0) a:${N}', ['a:90', 'a:a0']],
    ['~LST(N, 5, x) a $N', ['a 5', 'a x']],
    ['~LST({A, B}, {10,1},{20,4}) 192.168.${A}.${B}', ['192.168.10.1', '192.168.20.4']],
    ['~LST(A, 1, 2) ~SEQ(B, 5, 6) ${A}.${B}', ['1.5', '1.6', '2.5', '2.6']],
    ['$V= \\\nv $N { \\\n}\n~SEQ(N, 1, 2) $V', ['v 1', '{', '}', 'v 2', '{', '}']],
    ['$S=~SEQ(N, 1, 2)\n$S a $N', ['a 1', 'a 2']],
    ['a {\n~SEQ(N, 2)\f}', ['a', '{', '}', '}']],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject({ lines: expected, ids: [] });
  });

  test.each([
    '~SEQ(N) a',
    '~SEQ(N, 1, 0, 5) a',
    '~SEQ(N, 1, -1, 5) a',
    '~LST(N) a',
    '~LST({A,B},{1}) a',
    '~FOO a',
    '~LST(N, 1',
  ])('invalid: %s', text => {
    expect(read(text)).toMatchObject({ lines: [], ids: ['repetition-invalid'] });
  });
});

describe('inclusions', () => {
  const files = {
    '/etc/k.conf': 'a\ninclude conf.d/*.conf\nz',
    '/etc/conf.d/1.conf': 'one\ninclude sub/x',
    '/etc/conf.d/2.conf': 'two',
    '/etc/conf.d/sub/x': 'x ${_PWD}',
  };

  test('paths are relative to the including file, matches sorted', () => {
    const result = read(files);
    expect(result.lines).toEqual(['a', 'one', 'x /etc/conf.d/sub', 'two', 'z']);
    expect(result.where[2]).toBe('/etc/conf.d/sub/x:1:1');
    expect(result.files).toEqual([
      '/etc/k.conf',
      '/etc/conf.d/1.conf',
      '/etc/conf.d/sub/x',
      '/etc/conf.d/2.conf',
    ]);
  });

  test('braces of csh', () => {
    const result = read({ ...files, '/etc/k.conf': 'include conf.d/{2,sub/{x,y}}{.conf,}' });
    expect(result.lines).toEqual(['two', 'x /etc/conf.d/sub']);
  });

  test.each([
    ['include no', ['(include-missing)']],
    ['includer no', ['(include-missing)']],
    ['includem no', ['include-missing']],
    ['includem no*', ['(include-missing)']],
    ['includew no*', ['include-missing']],
    ['includeb conf.d/{2.conf,no}', ['include-missing']],
    ['includea no', ['include-missing']],
    ['include_check\ninclude no', ['include-missing']],
    ['include_check match\ninclude no*', ['(include-missing)']],
    ['include_check\ninclude_check -wildcard_match\ninclude no*', ['(include-missing)']],
  ])('%j', (text, ids) => {
    expect(read({ ...files, '/etc/k.conf': text }).ids).toEqual(ids);
  });

  test('checks of an included file do not reach the including one', () => {
    const result = read({ '/etc/k.conf': 'include a\ninclude no', '/etc/a': 'include_check' });
    expect(result.ids).toEqual(['(include-missing)']);
  });

  test('a loop is refused, a file included twice is not', () => {
    expect(read({ '/etc/k.conf': 'include a\na', '/etc/a': 'include ../etc/k.conf\nb' })).toMatchObject({
      lines: ['b', 'a'],
      ids: ['include-loop'],
    });
    expect(read({ '/etc/k.conf': 'include a\ninclude a', '/etc/a': 'b' })).toMatchObject({
      lines: ['b', 'b'],
      ids: [],
    });
  });

  test('an included file may finish inside a block and a definition', () => {
    expect(read({ '/etc/k.conf': '$P=5\nb {\ninclude a\n}', '/etc/a': 'p $P' }).lines).toEqual([
      'b',
      '{',
      'p 5',
      '}',
    ]);
  });
});

describe('limits', () => {
  test.each([
    [{ fileLength: 3 }, 'a b c', 'config-unreadable'],
    [{ lineLength: 3 }, 'a b c', 'line-too-long'],
    [{ totalLength: 100 }, '~SEQ(N, 1000000000) a', 'expansion-limit'],
    [{ lineLength: 20 }, '$A=aaaaaaaaaaaaaa\n$A $A', 'line-too-long'],
  ])('%j', (limits, text, id) => {
    expect(read(text, limits).ids).toEqual([id]);
  });

  test('depth of inclusions', () => {
    const chain = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`/etc/${i}`, `include ${i + 1}`]));
    expect(read({ ...chain, '/etc/k.conf': 'include 0' }, { includeDepth: 5 }).ids).toEqual([
      'include-depth',
    ]);
  });
});
