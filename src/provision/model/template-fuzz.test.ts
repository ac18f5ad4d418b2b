import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { matchPattern } from './pattern.ts';
import { NeedsFacts, renderTemplate, renderValue, TemplateError } from './template.ts';
import { deriveTopology } from './topology.ts';
import { hostVariables } from './variables.ts';
import { parseYaml } from './yaml.ts';

const RUNS = { numRuns: 200, seed: 112 };
const inventory = { hosts: new Map(), groups: new Map(), topologies: [] };
const variables = hostVariables(inventory, 'h', {
  magic: { a: 1, s: 'x', xs: [1, [2]], m: { k: 'v' }, u: undefined },
});

const piece = fc.constantFrom(
  ...'{{ }} {% %} {# #} {%- -%} if endif else elif for endfor in set endset macro endmacro raw endraw filter endfilter include'.split(
    ' ',
  ),
  ...'a s xs m u . .k ["k"] [0] [1:] ( ) , = == < + - * / // % ** ~ | not and or is defined none true 1 2.0 "t" \'t\' : { } [ ] ?'.split(
    ' ',
  ),
  ...'| upper|| default(1)|| map("upper")|| join|| first|| sort|| regex_replace("(", "x")|| round|| tojson|| dictsort|loop.index|range(3)|\n| '.split(
    '|',
  ),
);
const template = fc.array(piece, { maxLength: 14 }).map(parts => parts.join(' '));

/** `rendered`, or what was said about it; anything but our own errors is thrown on. */
function outcome(run: () => unknown): string {
  try {
    run();
    return 'rendered';
  } catch (thrown) {
    if (!(thrown instanceof TemplateError) && !(thrown instanceof NeedsFacts)) throw thrown;
    return thrown.message;
  }
}

const KNOWN = /^rendered$|^\S+:\d+:\d+: |is a fact/;

test('a template renders or fails with a place, whatever is in it', () => {
  fc.assert(
    fc.property(template, fc.boolean(), (text, inside) => {
      const whole = inside ? `{{ ${text} }}` : text;
      expect(outcome(() => renderTemplate(whole, variables, { file: 't' }))).toMatch(KNOWN);
      const place = { file: 'v', line: 1, column: 1 };
      expect(outcome(() => renderValue(whole, variables, place))).toMatch(KNOWN);
    }),
    RUNS,
  );
});

const word = fc.constantFrom(
  'all',
  'hosts',
  'vars',
  'children',
  'topology',
  'vrrp_instances',
  'V',
  'nodes',
  'interface',
  'virtual_router_id',
  'priority',
  'a',
  'b',
  'authentication',
  'virtual_ipaddress',
  'unicast',
  'vrrp_sync_groups',
  'global_defs',
  'interfaces',
  'accept',
  'networks',
  'topology_defaults',
);
const leaf = fc.oneof(
  word,
  fc.constantFrom(
    '10.0.0.1',
    '10.0.0.9/24',
    '"{{ x }}"',
    '"{{ a"',
    '7',
    '300',
    'yes',
    '~',
    '[]',
    '{}',
    '[a, b]',
    '"[1:3]"',
    '!vault x',
    '*x',
    '0755',
    '{{ x }}',
    '::1',
  ),
);
const flow: fc.Arbitrary<string> = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    leaf,
    fc
      .array(fc.tuple(word, tie('value')), { maxLength: 4 })
      .map(pairs => `{ ${pairs.map(([key, value]) => `${key}: ${value}`).join(', ')} }`),
    fc.array(tie('value'), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
  ),
})).value;

test('YAML, inventories and topologies never throw for what a user wrote', () => {
  const head = 'all: { hosts: { a: , b: } }\n';
  fc.assert(
    fc.property(
      flow,
      fc.constantFrom('', 'topology: ', `${head}topology: { vrrp_instances: { V: `, `${head}topology: `),
      (text, begin) => {
        const whole = begin + text + (begin.endsWith('V: ') ? ' } }' : '');
        expect(Array.isArray(parseYaml(whole, 'f').diagnostics)).toBe(true);
        const loaded = loadInventory(['f.yml'], memoryFiles({ 'f.yml': whole }));
        const derived = deriveTopology(loaded.inventory);
        for (const { position } of [...loaded.diagnostics, ...derived.diagnostics])
          expect(position?.line).toBeGreaterThan(0);
        expect(derived.clusters.every(cluster => cluster.hosts.every(host => derived.hosts.has(host)))).toBe(
          true,
        );
      },
    ),
    RUNS,
  );
});

test('patterns never throw', () => {
  const { inventory: small } = loadInventory(['a,b[1:3],c'], memoryFiles({}));
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom('a', 'b1', '*', '~', '!', '&', ':', ',', '[', ']', '0', '-1', '(', '?', 'all'),
        { maxLength: 8 },
      ),
      parts => {
        const { hosts } = matchPattern(small, parts.join(''));
        expect(hosts.every(host => small.hosts.has(host))).toBe(true);
      },
    ),
    RUNS,
  );
});
