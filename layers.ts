/**
 * Which folder may import what: ARCHITECTURE.md's table as data. The linter's rules are generated from it
 * (`scripts/layer-rules.ts`), and `scripts/layers.test.ts` proves that every forbidden import fails.
 */
export interface Layer {
  readonly folder: string;
  /** Narrows the row to some of the folder's files (a glob); such a row replaces the folder's own for them. */
  readonly files?: string;
  /** Other layers whose modules it may import. */
  readonly layers: readonly string[];
  /** npm packages it may import. */
  readonly packages: readonly string[];
  /** `node:` modules it may import; `pure` layers get none and no clock or randomness either. */
  readonly node: 'any' | readonly string[];
  readonly pure: boolean;
}

const pure = { packages: [], node: [], pure: true } as const;

export const LAYERS: readonly Layer[] = [
  { folder: 'base', layers: [], ...pure },
  { folder: 'wire', layers: ['base', 'lvs/ports.ts'], ...pure, node: ['node:crypto'] },
  { folder: 'conf', layers: ['base'], ...pure },
  { folder: 'control', layers: ['base'], packages: [], node: ['node:net'], pure: false },
  { folder: 'vrrp', layers: ['base', 'wire', 'conf'], ...pure },
  { folder: 'check', layers: ['base', 'conf'], ...pure },
  { folder: 'lvs', layers: ['base', 'conf'], ...pure },
  { folder: 'linux', layers: ['base', 'wire', 'lvs/ports.ts'], packages: [], node: 'any', pure: false },
  {
    folder: 'daemon',
    layers: ['base', 'wire', 'conf', 'control', 'vrrp', 'check', 'lvs', 'linux'],
    packages: ['nodemailer'],
    node: 'any',
    pure: false,
  },
  {
    folder: 'provision/model',
    layers: ['base', 'conf', 'control'],
    packages: ['zod'],
    node: ['node:crypto', 'node:zlib'],
    pure: true,
  },
  {
    folder: 'provision/model',
    files: 'template*.ts',
    layers: ['base', 'conf', 'control'],
    packages: ['zod', 'nunjucks'],
    node: ['node:crypto'],
    pure: true,
  },
  {
    folder: 'provision/model',
    files: 'yaml*.ts',
    layers: ['base', 'conf', 'control'],
    packages: ['zod', 'yaml'],
    node: ['node:crypto'],
    pure: true,
  },
  {
    folder: 'provision/run',
    layers: ['base', 'conf', 'control', 'provision/model'],
    packages: ['node-ssh', 'ssh2'],
    node: 'any',
    pure: false,
  },
  { folder: 'lab', layers: ['base', 'provision/model'], packages: [], node: 'any', pure: false },
  {
    folder: 'cli',
    layers: ['base', 'conf', 'control', 'provision/model', 'provision/run', 'lab'],
    packages: ['listr2', 'commander', 'diff'],
    node: 'any',
    pure: false,
  },
  {
    folder: 'testing',
    layers: [
      'base',
      'wire',
      'conf',
      'control',
      'vrrp',
      'check',
      'lvs',
      'linux',
      'provision/model',
      'provision/run',
    ],
    packages: [],
    node: 'any',
    pure: false,
  },
];
