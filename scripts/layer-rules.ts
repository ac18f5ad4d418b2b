import type { OxlintOverride } from 'oxlint';
import type { Layer } from '../layers.ts';

const IMPURE_GLOBALS = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'fetch',
];

/** Lint rules that keep the sources of one layer to what `layers.ts` lets them import. */
export function layerRules(layer: Layer): OxlintOverride {
  return {
    files: [`src/${layer.folder}/${layer.files ?? '**/*.ts'}`],
    excludeFiles: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: importPatterns(layer) }],
      ...(layer.pure ? purityRules() : {}),
    },
  };
}

/** A layer's tests may besides use the fakes, the test runner and Node. */
export function testLayerRules(layer: Layer): OxlintOverride {
  const testing: Layer = {
    ...layer,
    layers: [...layer.layers, 'testing'],
    packages: [...layer.packages, 'vitest', 'fast-check'],
    node: 'any',
  };
  return {
    files: [`src/${layer.folder}/${(layer.files ?? '**/*.ts').replace(/\.ts$/, '.test.ts')}`],
    rules: { 'no-restricted-imports': ['error', { patterns: importPatterns(testing) }] },
  };
}

function importPatterns(layer: Layer) {
  const folders = [layer.folder, ...layer.layers];
  const isFile = (name: string) => name.includes('.');
  const own = folders.map(name => (isFile(name) ? `!#${name}` : `!#${name}/**`));
  const packages = layer.packages.flatMap(name => [`!${name}`, `!${name}/**`]);
  const node = layer.node === 'any' ? ['!node:*', '!node:*/**'] : layer.node.map(name => `!${name}`);
  // gitignore semantics: an excluded parent must be let in again before what is below it can be.
  const parents = folders.filter(name => name.includes('/')).map(name => `!#${name.split('/')[0]}`);
  return [
    {
      group: ['#*/**', '[a-z@]*', '[a-z@]*/**', ...parents, ...own, ...packages, ...node, '!./**'],
      message: `src/${layer.folder} may import: ${layer.layers.join(', ') || 'nothing'} (layers.ts)`,
    },
    { group: ['../**'], message: 'use the # alias of the folder' },
  ];
}

function purityRules(): OxlintOverride['rules'] {
  const restricted = IMPURE_GLOBALS.map(name => ({ name, message: 'a pure layer: pass it in' }));
  return {
    'no-restricted-globals': ['error', ...restricted],
    'no-restricted-properties': [
      'error',
      { object: 'Math', property: 'random', message: 'a pure layer: pass a seeded source in' },
    ],
  };
}
