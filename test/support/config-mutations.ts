import { Random } from '#testing/random.ts';

/** A configuration to be judged, and how it came about. */
export interface ConfigCase {
  readonly name: string;
  readonly text: string;
}

const NUMBERS = ['0', '1', '-1', '7', '255', '256', '65536', '0.5', '1e3', '99999999999'] as const;
const WORDS = [
  'MASTER',
  'eth0',
  'eth7',
  'on',
  'weight',
  '{',
  '}',
  '"',
  '#',
  '!',
  '\\',
  '$NET',
  'dev',
  '10.0.0.300',
  '::1',
  'reverse',
] as const;

type Mutation = (lines: string[], random: Random) => string;

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (lines, random) => {
    const [line = ''] = lines.splice(at(lines, random), 1);
    return `without \`${line.trim()}\``;
  },
  (lines, random) => {
    const index = at(lines, random);
    const line = lines[index] ?? '';
    lines.splice(index, 0, line);
    return `twice \`${line.trim()}\``;
  },
  (lines, random) => {
    const [line = ''] = lines.splice(at(lines, random), 1);
    const to = at(lines, random);
    lines.splice(to, 0, line);
    return `\`${line.trim()}\` moved to line ${to + 1}`;
  },
  editWords('a number', (words, index, random) => {
    const numbers = words.flatMap((word, position) => (/^-?[\d.]+$/.test(word) ? [position] : []));
    words[numbers[random.integer(0, Math.max(0, numbers.length - 1))] ?? index] = random.pick(NUMBERS);
  }),
  editWords('a word', (words, index, random) => {
    words[index] = random.pick(WORDS);
  }),
  editWords('a word left out', (words, index) => {
    words.splice(index, 1);
  }),
  editWords('a word put in', (words, index, random) => {
    words.splice(index + 1, 0, random.chance(0.5) ? random.pick(WORDS) : random.pick(NUMBERS));
  }),
  editWords('a letter left out', (words, index, random) => {
    const word = words[index] ?? '';
    const position = random.integer(0, word.length - 1);
    words[index] = word.slice(0, position) + word.slice(position + 1);
  }),
  editWords('words swapped', (words, index, random) => {
    const other = random.integer(0, words.length - 1);
    [words[index], words[other]] = [words[other] ?? '', words[index] ?? ''];
  }),
  (lines, random) => {
    const index = at(lines, random);
    const joined = lines.splice(index, 2).map(line => line.trim());
    lines.splice(index, 0, joined.join(' '));
    return `joined \`${joined.join('` and `')}\``;
  },
];

function at(lines: readonly string[], random: Random): number {
  return random.integer(0, lines.length - 1);
}

function editWords(what: string, edit: (words: string[], index: number, random: Random) => void): Mutation {
  return (lines, random) => {
    const full = lines.flatMap((line, index) => (line.trim() === '' ? [] : [index]));
    const index = full[random.integer(0, full.length - 1)] ?? 0;
    const before = (lines[index] ?? '').trim();
    const words = before.split(/\s+/);
    edit(words, random.integer(0, words.length - 1), random);
    lines[index] = words.join(' ');
    return `${what}: \`${before}\` → \`${words.join(' ')}\``;
  };
}

/** `count` mutants of the originals by one or two mutations each; the same seed gives the same ones. */
export function mutants(originals: readonly ConfigCase[], seed: number, count: number): ConfigCase[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => {
    const original = originals[index % originals.length];
    const lines = (original?.text ?? '').split('\n');
    const changes = [random.pick(MUTATIONS)(lines, random)];
    if (random.chance(0.2)) changes.push(random.pick(MUTATIONS)(lines, random));
    return { name: `${original?.name}: ${changes.join('; ')}`, text: lines.join('\n') };
  });
}
