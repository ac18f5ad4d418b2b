import { must } from '#base/assert.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { KEYWORDS } from '#conf/tables.ts';
import { fuzz, type FuzzResult } from './fuzz-meter.ts';
import { configurationUsing } from './keyword-uses.ts';
import { Random } from './random.ts';

/** Pieces of the language that change the meaning of what follows. */
const PIECES = [
  '{',
  '}',
  '\n',
  ' ',
  '"',
  "'",
  '\\',
  '\\\n',
  '#',
  '!',
  '@r1 ',
  '@^r1 ',
  '$A',
  '${A}',
  '\n$A=${A} x\n',
  '~SEQ(A,1,9) ',
  '~LST(A,{1,2},{3,4}) ',
  '\ninclude /b.conf\n',
  '\ninclude *.conf\n',
  '${_RANDOM 1 2}',
  '\0',
  '\uD800',
  '-1',
  '99999999999999999999',
  'ff02::/129',
] as const;

const ENVIRONMENT = {
  hostname: 'r1',
  interfaces: ['lo', 'eth0', 'eth1'],
  // Small bounds, as the time that a file may take is proportional to them.
  limits: { totalLength: 20_000, lineLength: 2000, diagnostics: 50, files: 20 },
};

/** Reads configurations that are good, changed, cut, spliced or noise; the same seed reads the same. */
export function fuzzConfigs(count: number, seed: number): FuzzResult & { readonly good: number } {
  const random = new Random(seed);
  const originals = KEYWORDS.map(configurationUsing);
  let good = 0;
  const result = fuzz(count, () => {
    const text = mutate(pickText(originals, random), originals, random);
    const files = { '/k.conf': text, '/b.conf': text.slice(0, 200), '/c.conf': 'include /b.conf\n}' };
    const read = (): number => loadConfig('/k.conf', memorySource(files), ENVIRONMENT).diagnostics.length;
    return {
      run: () => {
        if (read() === 0) good++;
      },
      again: () => void read(),
      describe: () => JSON.stringify(text),
    };
  });
  return { ...result, good };
}

function pickText(originals: readonly string[], random: Random): string {
  return must(originals[random.integer(0, originals.length - 1)], 'an original');
}

function mutate(original: string, originals: readonly string[], random: Random): string {
  let text = original;
  for (let changes = random.integer(0, 6); changes > 0; changes--) {
    const at = random.integer(0, text.length);
    const to = Math.min(text.length, at + random.integer(0, 40));
    switch (random.integer(0, 6)) {
      case 0:
        text = text.slice(0, at) + text.slice(to);
        break;
      case 1:
        text = text.slice(0, to) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + random.pick(PIECES).repeat(random.chance(0.1) ? 50 : 1) + text.slice(at);
        break;
      case 3:
        text = text.slice(0, at) + pickText(originals, random).slice(random.integer(0, 100));
        break;
      case 4:
        text = text.slice(0, at) + String.fromCharCode(random.integer(0, 0x2ff)) + text.slice(at + 1);
        break;
      case 5:
        text = text.slice(0, at) + String(random.integer(-2, 300)) + text.slice(to);
        break;
      default:
        text = random.chance(0.1)
          ? text.slice(0, at)
          : text.replaceAll('\n}', random.chance(0.5) ? '}' : '\n}\n');
    }
  }
  return text;
}
