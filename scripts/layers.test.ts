import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LAYERS, type Layer } from '../layers.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const PACKAGES = [
  'zod',
  'yaml',
  'nunjucks',
  'node-ssh',
  'ssh2',
  'listr2',
  'commander',
  'diff',
  'nodemailer',
  'left-pad',
];

interface Line {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly allowed: boolean;
}

const lines: Line[] = [];
const failed = new Set<string>();
let fixture = '';

/** Every import that a file of this layer could try, with what layers.ts says of it. */
function attempts(layer: Layer): { specifier: string; allowed: boolean }[] {
  const folders = [...new Set(LAYERS.map(other => other.folder))];
  return [
    ...folders.map(folder => ({
      specifier: `#${folder}/thing.ts`,
      allowed: folder === layer.folder || layer.layers.includes(folder),
    })),
    ...layer.layers
      .filter(name => name.endsWith('.ts'))
      .map(name => ({ specifier: `#${name}`, allowed: true })),
    ...PACKAGES.map(name => ({ specifier: name, allowed: layer.packages.includes(name) })),
    ...['node:fs', 'node:fs/promises', 'node:net'].map(name => ({
      specifier: name,
      allowed: layer.node === 'any' || layer.node.includes(name),
    })),
    { specifier: './beside.ts', allowed: true },
    { specifier: '../elsewhere/thing.ts', allowed: false },
  ];
}

const forms: readonly ((specifier: string, index: number) => string)[] = [
  (specifier, index) => `import { a${index} } from '${specifier}'; void a${index};`,
  specifier => `export type { T } from '${specifier}';`.replace('T', `T${specifier.length}`),
  specifier => `void import('${specifier}');`,
];

beforeAll(async () => {
  fixture = await mkdtemp(join(tmpdir(), 'tandem-layers-'));
  await writeFile(
    join(fixture, 'oxlint.config.ts'),
    `export { default } from '${join(root, 'oxlint.config.ts')}';\n`,
  );
  for (const layer of LAYERS) {
    const name = (layer.files ?? '**/*.ts').replace('**/*', 'fixture').replace('*', '-fixture');
    const file = `src/${layer.folder}/${name}`;
    const source: string[] = [];
    for (const { specifier, allowed } of attempts(layer)) {
      for (const form of forms) {
        source.push(form(specifier, source.length));
        lines.push({ file, line: source.length, text: source.at(-1) ?? '', allowed });
      }
    }
    if (layer.pure) {
      for (const text of [
        'void Date.now();',
        'void Math.random();',
        'void process.pid;',
        'setTimeout(String);',
      ]) {
        source.push(text);
        lines.push({ file, line: source.length, text, allowed: false });
      }
    }
    await mkdir(join(fixture, dirname(file)), { recursive: true });
    await writeFile(join(fixture, file), `${source.join('\n')}\n`);
  }
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const args = [oxlint, '-c', 'oxlint.config.ts', '--format', 'unix', 'src'];
  const run = promisify(execFile)(process.execPath, args, { cwd: fixture, maxBuffer: 1 << 26 });
  const output = await run.then(
    done => done.stdout,
    (failure: { stdout: string }) => failure.stdout,
  );
  for (const [, file, line, rule] of output.matchAll(/^(\S+?):(\d+):\d+: .*\((no-restricted-\w+)\)\]$/gm)) {
    if (rule) failed.add(`${file}:${line}`);
  }
}, 30_000);

afterAll(() => rm(fixture, { recursive: true, force: true }));

test('the fixture holds forbidden and allowed imports of every layer', () => {
  expect(new Set(lines.map(line => line.file)).size).toBe(LAYERS.length);
  expect(lines.filter(line => !line.allowed).length).toBeGreaterThan(300);
  expect(lines.filter(line => line.allowed).length).toBeGreaterThan(100);
});

test('every forbidden import fails, every allowed one passes', () => {
  const wrong = lines.filter(line => failed.has(`${line.file}:${line.line}`) === line.allowed);
  expect(wrong.map(line => `${line.file}:${line.line}: ${line.text}`)).toEqual([]);
});
