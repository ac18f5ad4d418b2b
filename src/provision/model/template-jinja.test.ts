/** What Jinja2 3.1 and ansible-core 2.14 made of these texts, recorded on Debian 12. */
import { describe, expect, test } from 'vitest';
import { renderTemplate, renderValue } from './template.ts';
import { hostVariables } from './variables.ts';

const inventory = { hosts: new Map(), groups: new Map(), topologies: [] };
const variables = hostVariables(inventory, 'h', {
  magic: {
    d: { a: 1, b: 'two' },
    users: [
      { name: 'bob', active: true },
      { name: 'eve', active: false },
    ],
  },
});

/** As files: `trim_blocks`, Python's escapes. */
const JINJA: readonly (readonly [text: string, rendered: string])[] = [
  [
    '{{ 7 * 3 // 2 }}|{{ 2 * 7 % 4 }}|{{ 10 - 2 + 3 - 1 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 10 / 2 }}|{{ 7 / 2 }}|{{ 2 ** 3 ** 2 }}',
    '10|2|10|-4|2|5.0|3.5|64',
  ],
  [
    "{% if [] %}t{% else %}f{% endif %}{% if {} %}t{% else %}f{% endif %}{% if '' %}t{% else %}f{% endif %}{% if 0 %}t{% else %}f{% endif %}{% if none %}t{% else %}f{% endif %}{% if '0' %}t{% else %}f{% endif %}",
    'ffffft',
  ],
  [
    '{% for x in [1,2,3,4] if x is even %}{{ x }},{{ loop.index }}/{{ loop.length }};{% else %}none{% endfor %}',
    '2,1/2;4,2/2;',
  ],
  ['{% for x in [] %}a{% else %}empty{% endfor %}', 'empty'],
  ['{% set x = 1 %}{% for i in [1,2] %}{% set x = i %}{% endfor %}{{ x }}', '1'],
  ['{% set ns = namespace(n=0) %}{% for i in [1,2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}', '3'],
  [
    "{{ [1,2,3] | select('odd') | list }}|{{ users | selectattr('active') | map(attribute='name') | join(',') }}|{{ users | selectattr('name', 'equalto', 'bob') | list }}|{{ users | rejectattr('active') | map(attribute='name') | list }}",
    "[1, 3]|bob|[{'name': 'bob', 'active': True}]|['eve']",
  ],
  [
    "{{ {'a': {'b': [1, 'x']}} }}|{{ [true, none, 1.5, \"it's\", 'q\"q'] }}",
    "{'a': {'b': [1, 'x']}}|[True, None, 1.5, \"it's\", 'q\"q']",
  ],
  [
    "{{ d.items() | list }}|{{ d.keys() | list }}|{{ d.get('zz', 5) }}|{{ d['a'] }}|{{ d.a }}",
    "[('a', 1), ('b', 'two')]|['a', 'b']|5|1|1",
  ],
  [
    "{{ 'abc'[0] }}{{ 'abc'[-1] }}|{{ [1,2,3][1:] }}|{{ 'abcdef'[::2] }}|{{ 'abc'[::-1] }}|{{ [1,2,3][:-1] }}",
    'ac|[2, 3]|ace|cba|[1, 2]',
  ],
  [
    "{{ 'a,b,c'.split(',') }}|{{ ' x '.strip() }}|{{ 'abc'.upper() }}|{{ 'a-b'.replace('-', '+') }}|{{ 'abc'.startswith('ab') }}|{{ '%03d-%s' % (7, 'x') }}|{{ '{} {}'.format(1, 2) }}",
    "['a', 'b', 'c']|x|ABC|a+b|True|007-x|1 2",
  ],
  [
    "{{ 1 < 2 < 3 }}|{{ 3 > 2 > 2 }}|{{ 1 == 1.0 }}|{{ true == 1 }}|{{ '1' == 1 }}|{{ 'a' in 'abc' }}|{{ 'a' not in ['b'] }}|{{ 'a' in d }}",
    'True|False|True|True|False|True|True|True',
  ],
  [
    "{{ undefined_x | default('dflt') }}|{{ '' | default('x') }}|{{ '' | default('x', true) }}|{{ d.zzz | default(3) }}",
    'dflt||x|3',
  ],
  [
    "{{ 'x' if true else 'y' }}|{{ 'x' if false else 'y' }}|{{ not true or true }}|{{ none or 'b' }}|{{ 'a' and 'b' }}|{{ 0 or [] }}",
    'x|y|True|b|b|[]',
  ],
  [
    "{{ 42.55 | round(1) }}|{{ 2.5 | round }}|{{ 3.5 | round }}|{{ 42.55 | round(1, 'floor') }}|{{ '3' | int + 1 }}|{{ 'x' | int(7) }}|{{ '3.7' | int }}|{{ '2.5' | float }}|{{ -3 | abs }}",
    '42.5|2.0|4.0|42.5|4|7|3|2.5|3',
  ],
  [
    "{{ [3,1,2] | sort }}|{{ ['b','A','c'] | sort }}|{{ ['b','A'] | sort(case_sensitive=true) }}|{{ [3,1,2] | sort(reverse=true) | first }}|{{ [1,2] | last }}|{{ [1,2,3] | sum }}|{{ [1,2,3] | max }}{{ [1,2,3] | min }}|{{ 'abc' | reverse }}",
    "[1, 2, 3]|['A', 'b', 'c']|['A', 'b']|3|2|6|31|cba",
  ],
  [
    "{{ [1,2,3,4,5] | batch(2) | list }}|{{ users | groupby('active') | map('first') | list }}|{{ 'hello world' | title }}|{{ 'heLLO' | capitalize }}|{{ 'abc' | center(9) }}|",
    '[[1, 2], [3, 4], [5]]|[False, True]|Hello World|Hello|   abc   |',
  ],
  [
    "{{ 'a\\nb' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'foo bar baz' | truncate(8, true, '..', 0) }}|{{ 'foo bar baz' | truncate(9, false, '...', 0) }}|{{ 'a b c' | wordcount }}|{{ ' x ' | trim }}",
    'a\n  b|  a\n  b|foo ba..|foo...|3|x',
  ],
  [
    "{{ d | dictsort }}|{{ d | length }}|{{ 'abc' | list }}|{{ '%s-%s' | format('a', 1) }}|{{ 'a' | upper | lower }}|{{ range(3) | list }}|{{ range(1, 10, 3) | list }}",
    "[('a', 1), ('b', 'two')]|2|['a', 'b', 'c']|a-1|a|[0, 1, 2]|[1, 4, 7]",
  ],
  [
    '{% macro m(a, b=2) %}[{{ a }}-{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}',
    '[1-2][1-3][4-5]',
  ],
  ['{% filter upper %}abc{{ 1 }}{% endfilter %}|{% set t %}x{{ 1 }}{% endset %}{{ t }}', 'ABC1|x1'],
  ['{% for k, v in d.items() %}{{ k }}={{ v }}{% if not loop.last %},{% endif %}{% endfor %}', 'a=1,b=two'],
  [
    "{% for i in [1,1,2] %}{{ loop.changed(i) }}{{ loop.cycle('a','b') }}{{ loop.revindex }}{{ loop.first }}{{ loop.previtem | default('-') }}{% endfor %}",
    'Truea3True-Falseb2False1Truea1False1',
  ],
  ['a {#- c -#} b|{%- if true %} x {% endif -%} |', 'ab| x |'],
  ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
  [
    "{{ 5 is odd }}|{{ 4 is divisibleby(2) }}|{{ none is none }}|{{ 'a' is string }}|{{ 1 is number }}|{{ d is mapping }}|{{ [1] is sequence }}|{{ zzz is defined }}|{{ d.a is defined }}|{{ d.q is not defined }}|{{ 'A' is upper }}",
    'True|True|True|True|True|True|True|False|True|True|True',
  ],
  ['{{ true }}|{{ True }}|{{ 1.0 }}|{{ 0.1 + 0.2 }}', 'True|True|1.0|0.30000000000000004'],
  ["{{ 'a\\\\d' }}|{{ 'a\\tb' }}|{{ \"\\\"\" }}", 'a\\d|a\tb|"'],
  [
    "{{ ('a', 'b') | join('-') }}|{{ [[1,2],[3]] | map('length') | list }}|{{ ['a','b'] | map('upper') | join }}|{{ 'x' * 3 }}|{{ [1] + [2] }}|{{ users | map(attribute='name') | list }}",
    "a-b|[2, 1]|AB|xxx|[1, 2]|['bob', 'eve']",
  ],
  [
    "{{ [1, 2, 2, 1] | unique | list }}|{{ 'abc' | replace('b', 'x') }}|{{ 'aXbX' | replace('X', '-', 1) }}",
    '[1, 2]|axc|a-bX',
  ],
  ["{{ d | tojson }}|{{ {'b': 1, 'a': [1, 2]} | tojson }}", '{"a": 1, "b": "two"}|{"a": [1, 2], "b": 1}'],
];

/** As YAML values: backslashes stand for themselves. */
const ANSIBLE: readonly (readonly [text: string, rendered: string])[] = [
  [
    "{{ {'a':1,'n':{'x':1}} | combine({'b':2,'n':{'y':2}}) }}|{{ {'n':{'x':1}} | combine({'n':{'y':2}}, recursive=true) }}|{{ {'l':[1]} | combine({'l':[2]}, list_merge='append') }}",
    "{'a': 1, 'n': {'y': 2}, 'b': 2}|{'n': {'x': 1, 'y': 2}}|{'l': [1, 2]}",
  ],
  [
    "{{ 'foo123bar' | regex_replace('\\d+', 'X') }}|{{ 'foo123' | regex_replace('([a-z]+)(\\d+)', '\\2-\\1') }}|{{ 'foo=1' | regex_search('(\\w+)=(\\d)', '\\1', '\\2') }}|{{ 'a1b2' | regex_findall('[0-9]') }}|{{ 'a.b' | regex_escape }}|{{ 'aBc' | regex_replace('b', 'x', ignorecase=true) }}|{{ 'ab' | regex_replace('(?P<n>a)', '\\g<n>\\g<n>') }}",
    "fooXbar|123-foo|['foo', '1']|['1', '2']|a\\.b|axc|aab",
  ],
  [
    "{{ d | to_json }}|{{ {'b': 1, 'a': [1, 'é', none, true]} | to_json }}",
    '{"a": 1, "b": "two"}|{"b": 1, "a": [1, "\\u00e9", null, true]}',
  ],
  [
    "{{ {'b': 1, 'a': [1, 2, {'z': 1}]} | to_nice_json }}",
    '{\n    "a": [\n        1,\n        2,\n        {\n            "z": 1\n        }\n    ],\n    "b": 1\n}',
  ],
  [
    "{{ {'b': 1, 'a': [1, 2]} | to_yaml }}|{{ {'b': {'c': 'yes', 'd': '5', 'e': none}, 'a': [1, 2]} | to_nice_yaml }}",
    "a: [1, 2]\nb: 1\n|a:\n- 1\n- 2\nb:\n    c: 'yes'\n    d: '5'\n    e: null\n",
  ],
  [
    "{{ {'b': {'c': {'q': 1}}, 'a': [1, [2]]} | to_yaml }}|{{ [{'a': 1, 'b': [1, 2]}] | to_nice_yaml(indent=2) }}",
    'a:\n- 1\n- [2]\nb:\n  c: {q: 1}\n|- a: 1\n  b:\n  - 1\n  - 2\n',
  ],
  [
    "{{ d | dict2items }}|{{ [{'key': 'a', 'value': 1}] | items2dict }}|{{ [1, 2] | zip(['a', 'b']) | list }}|{{ ['a', 'b'] | product(['x', 'y']) | map('join', '.') | list }}|{{ [0, 1] | product(repeat=2) | list | length }}|{{ [1,2,3] | zip_longest(['a'], fillvalue='-') | list }}",
    "[{'key': 'a', 'value': 1}, {'key': 'b', 'value': 'two'}]|{'a': 1}|[(1, 'a'), (2, 'b')]|['a.x', 'a.y', 'b.x', 'b.y']|4|[(1, 'a'), (2, '-'), (3, '-')]",
  ],
  [
    "{{ [1,2,3] | difference([2]) }}|{{ [1,2,2] | union([3,1]) }}|{{ [1,2] | intersect([2,3]) }}|{{ [1,2] | symmetric_difference([2,3]) }}|{{ ['b','a','B','b'] | unique }}|{{ [1,[2,[3]]] | flatten }}|{{ [1,[2,[3]]] | flatten(levels=1) }}",
    "[1, 3]|[1, 2, 3]|[2]|[1, 3]|['b', 'a']|[1, 2, 3]|[1, 2, [3]]",
  ],
  [
    "{{ 'yes' | bool }}|{{ 'no' | bool }}|{{ 1 | bool }}|{{ 'x' | bool }}|{{ true | ternary('a', 'b') }}|{{ 'a b' | quote }}|{{ \"it's\" | quote }}|{{ 'abc' | b64encode }}|{{ 'YWJj' | b64decode }}|{{ 'abc' | hash('sha256') }}|{{ 'abc' | md5 }}|{{ 'abc' | checksum }}",
    "True|False|True|False|a|'a b'|'it'\"'\"'s'|YWJj|abc|ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|900150983cd24fb0d6963f7d28e17f72|a9993e364706816aba3e25717850c26c9cd0d89d",
  ],
  [
    "{{ '/a/b/c.txt' | basename }}|{{ '/a/b/c.txt' | dirname }}|{{ 'c.tar.gz' | splitext }}|{{ 'a b/c' | urlencode }}|{{ '1.10.2' is version('1.9', '>') }}|{{ '2.2.7' is version('2.2.7', '>=') }}|{{ '2.0a' is version('2.0', '>') }}",
    "c.txt|/a/b|('c.tar', '.gz')|a%20b/c|True|True|True",
  ],
  [
    "{{ 'foo' is match('f') }}|{{ 'foo' is match('o') }}|{{ 'foo' is search('o') }}|{{ 'foo' is regex('^fo+$') }}|{{ [1,2] is subset([1,2,3]) }}|{{ [1,2,3] is contains(2) }}|{{ 2 is in([1,2]) }}|{{ 1 | type_debug }}|{{ 'a' | type_debug }}|{{ [] | type_debug }}",
    'True|False|True|True|True|True|True|int|str|list',
  ],
  [
    "{{ 'a\\nb' | comment }}|{{ 'a,b' | split(',') }}|{{ ['a','b'] | map('regex_replace', '^', 'x') | list }}|{{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }}|{{ 'x' | extract({'x': 5}) }}|{{ [0,1] | map('extract', ['p','q']) | list }}",
    "#\n# a\\nb\n#|['a', 'b']|['xa', 'xb']|[1]|5|['p', 'q']",
  ],
  [
    "{{ '{\"a\": [1]}' | from_json }}|{{ 'a: [1, yes]' | from_yaml }}|{{ [{'n': 1}, {'n': 2}] | selectattr('n', '>', 1) | list }}|{{ [{'n': 1}, {}] | selectattr('n', 'defined') | list }}|{{ ['a', ''] | select | list }}|{{ [3,1] | max }}",
    "{'a': [1]}|{'a': [1, True]}|[{'n': 2}]|[{'n': 1}]|['a']|3",
  ],
  [
    "{{ none }}|{{ [none] }}|{{ 'x' ~ none }}|{{ 'x' ~ true }}|{{ 1 ~ 2 }}|{{ [1, 2] | join(', ') }}|{{ [none, 1] | join(',') }}",
    '|[None]|xNone|xTrue|12|1, 2|None,1',
  ],
  [
    "{{ 10 | int }}|{{ '0x1A' | int(base=16) }}|{{ '11' | int(base=2) }}|{{ 3.99 | int }}|{{ 'abc' | length }}|{{ '5' * 2 }}|{{ 5 | string + 'x' }}",
    '10|26|3|3|3|55|5x',
  ],
];

describe('Jinja2', () => {
  test.each(JINJA)('%s', (text, rendered) => {
    expect(renderTemplate(text, variables, { file: 't' })).toBe(rendered);
  });
});

describe('Ansible', () => {
  test.each(ANSIBLE)('%s', (text, rendered) => {
    // A text around it, so that the value stays a text.
    expect(renderValue(`Z${text}`, variables, { file: 't', line: 1, column: 1 })).toBe(`Z${rendered}`);
  });
});
