import { describe, expect, test } from 'vitest';
import { KEYWORDS, keywordsOf, keywordTableMarkdown } from './tables.ts';

describe('keyword tables', () => {
  test('each keyword has one row in its block', () => {
    const names = KEYWORDS.map(({ block, name }) => `${block} ${name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('what does not simply work has a reason, what works needs none', () => {
    expect(
      KEYWORDS.filter(({ support, reason }) => (support === 'works') !== (reason === undefined)),
    ).toEqual([]);
  });

  test('every block that a row opens has a table', () => {
    const opened = KEYWORDS.flatMap(({ argument }) => (argument.type === 'block' ? argument.block : []));
    expect(opened.filter(block => keywordsOf(block).size === 0)).toEqual([]);
  });

  test('the documentation has a section per block and a row per keyword', () => {
    const markdown = keywordTableMarkdown();
    expect(markdown.split('\n').filter(line => line.startsWith('| `'))).toHaveLength(KEYWORDS.length);
    expect(markdown).toContain('## `vrrp_instance`');
    expect(markdown).toContain(
      '| `virtual_router_id` | integer 1–255 |  | works |  | identity | VRID, unique per interface, family and cast. |',
    );
    expect(markdown).toContain('| `choice`'.replace('choice', 'state') + ' | MASTER\\|BACKUP |');
  });

  test('names of Object.prototype are no keywords', () => {
    expect(keywordsOf('vrrp_instance').get('constructor')).toBeUndefined();
  });
});
