import { describe, expect, test } from 'vitest';
import {
  evaluateCondition,
  evaluateExpression,
  renderTemplate,
  renderValue,
  TemplateError,
  NeedsFacts,
} from './template.ts';
import { hostVariables } from './variables.ts';
import { parseYaml } from './yaml.ts';

const inventory = { hosts: new Map(), groups: new Map(), topologies: [] };
const HERE = { file: 'v.yml', line: 3, column: 7 };
const variables = hostVariables(inventory, 'h', {
  magic: { d: { a: 1, items: 'own' }, n: 5, xs: [1, 2], s: 'text', empty: [], flag: 'no', name: 'eth0' },
});
const render = (text: string) => renderTemplate(text, variables, { file: 't.njk' });
const value = (text: string) => renderValue(text, variables, HERE);
const failure = (run: () => unknown): string => {
  try {
    return `no error: ${JSON.stringify(run())}`;
  } catch (thrown) {
    return thrown instanceof TemplateError ? thrown.message : `not a TemplateError: ${String(thrown)}`;
  }
};

describe('undefined is an error that names the variable and the place', () => {
  test.each([
    ['a\n  {{ nam }}', "t.njk:2:6: 'nam' is undefined (did you mean 'name'?)"],
    ['{{ d.b }}', "t.njk:1:5: 'd.b' is undefined"],
    ['{{ d.b.c }}', "t.njk:1:7: 'd.b' is undefined"],
    ['{{ d["b"] }}', 't.njk:1:5: \'d["b"]\' is undefined'],
    ['{% if zzz %}{% endif %}', "t.njk:1:7: 'zzz' is undefined"],
    ['{% for x in zzz %}{% endfor %}', "t.njk:1:13: 'zzz' is undefined"],
    ['{{ zzz == 1 }}', "t.njk:1:8: 'zzz' is undefined"],
    ['{{ zzz | upper }}', "t.njk:1:10: 'zzz' is undefined"],
    ['{{ xs[7] }}', "t.njk:1:6: 'xs[7]' is undefined"],
    ['{{ [1] | map(attribute="q") | list }}', "t.njk:1:10: 'item.q' is undefined"],
    ["{{ 'x' if n == 6 }}", "t.njk:1:4: 'the value of an `if` without `else`' is undefined (add `else ''`)"],
    ['{{ zzz | mandatory }}', "t.njk:1:10: 'zzz' is mandatory and undefined"],
  ])('%s', (text, message) => {
    expect(failure(() => render(text))).toBe(message);
  });
});

describe('what would differ from Jinja2, or does not exist, is refused with a place', () => {
  test.each([
    ['{{ "5" + 1 }}', 'str + int is not possible (join texts with ~'],
    ['{{ n + s }}', 'int + str'],
    ['{{ "a" < 1 }}', 'have no order'],
    ['{{ {a: 1} }}', "a bare word as a key is a variable to Jinja2 (quote it: 'a')"],
    ['{{ 1 + n is odd }}', '`is` would apply to the last operand only'],
    ['{{ n == 1 in xs }}', 'groups differently in Jinja2'],
    ['{{ n is oddd }}', "did you mean 'odd'?"],
    ['{{ n is divisibleby 3 }}', 'expected variable end'],
    ['{{ n | uper }}', "there is no filter 'uper' (did you mean 'upper'?)"],
    ['{{ n === 5 }}', '=== is not Jinja2 (write ==)'],
    ['{{ r/x/g }}', 'r/…/ is not Jinja2'],
    ['{{ "x }}', 'a text without its closing quote'],
    ['{% for x in xs if n else empty %}{% endfor %}', 'needs parentheses'],
    ['{% switch n %}{% case 1 %}a{% endswitch %}', '{% switch %} is not supported (use {% if %}'],
    ['{% extends "x" %}', 'not supported'],
    ['{% import "x" as y %}', 'put the macro into the file'],
    ['{% call f() %}x{% endcall %}', '{% call %} is not supported'],
    ['{% with %}{% endwith %}', 'unknown block tag: with (known are'],
    ['{% endif %}', 'there is no open {% if %}'],
    ['{% if n %}', 'end of file'],
    ['a #} b', "unexpected end of comment (write {{ '#}' }}"],
    ["{{ lookup('env', 'HOME') }}", 'lookup() is not supported'],
    ['{{ now() }}', 'now() is not supported'],
    ['{{ xs.append(1) }}', 'append() would change a value in place (make a new one: + for lists'],
    ['{% set d.a = 2 %}', "'d' is not a namespace()"],
    ['{{ s() }}', 's is not a function (it is str)'],
    ['{{ s.upper }}', 'a function cannot be printed'],
    ["{{ s | regex_replace('(a)', '\\1') }}", 'not a group of a pattern (write \\\\1'],
    ['{{ n / 0 }}', 'division by zero'],
    ['{% for a, b in [[1]] %}{% endfor %}', '2 names for an item of 1'],
    ['{{ "a" | int(basis=2) }}', "int has no argument 'basis'"],
    ['{{ "(" | regex_search("(") }}', 'not a usable pattern'],
    ['{{ s | b64encode(1) }}', 'takes at most 0 arguments'],
    ['{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}', 'the macro m takes 1 arguments'],
  ])('%s', (text, part) => {
    const message = failure(() => render(text));
    expect(message).toContain(part);
    expect(message).toMatch(/^t\.njk:1:\d+: /);
  });
});

describe('nothing of JavaScript is within reach', () => {
  test.each([
    '{{ "".constructor.constructor("return 1")() }}',
    '{{ ""["constructor"] }}',
    '{{ d.constructor }}',
    '{{ d.__proto__ }}',
    '{{ d["__proto__"] }}',
    '{{ xs.map }}',
    '{{ xs.length }}',
    '{{ xs["constructor"] }}',
    '{{ n.toString() }}',
    '{{ s.at(0) }}',
    '{{ range.constructor }}',
    '{{ s.upper.constructor }}',
    '{{ constructor }}',
    '{{ toString }}',
    '{{ xs | map(attribute="constructor") | list }}',
    '{{ xs | groupby("__proto__") }}',
    '{{ dict(a=1).hasOwnProperty }}',
    '{{ namespace(a=1).values }}',
    '{{ n | constructor }}',
    '{{ n is constructor }}',
    '{{ n | toString }}',
    '{{ [1] | map("constructor") | list }}',
  ])('%s', text => {
    expect(failure(() => render(text))).toMatch(
      /^t\.njk:1:\d+: .*(?:undefined|no filter|no test|not a function)/,
    );
  });

  test('a key of a map that is named like a prototype property is only data', () => {
    expect(render("{{ {'constructor': 1}.constructor }}{{ d['items'] }}")).toBe('1own');
  });
});

describe('scopes', () => {
  test('set does not leak out of loops and macros, and does out of if', () => {
    expect(render('{% set x = 1 %}{% for i in xs %}{% set x = i %}{% endfor %}{{ x }}')).toBe('1');
    expect(render('{% if n %}{% set y = 2 %}{% endif %}{{ y }}')).toBe('2');
    expect(render('{% macro m() %}{% set z = 1 %}{% endmacro %}{{ m() }}{{ z is defined }}')).toBe('False');
  });

  test('loop is gone after the loop, and the inner one hides the outer', () => {
    expect(
      render(
        '{% for i in xs %}{% for j in xs %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}{{ loop is defined }}',
      ),
    ).toBe('121;122;False');
  });
});

describe('files and values', () => {
  test('a block tag takes its newline along, a variable and raw do not; the last newline stays', () => {
    expect(render('{% if n %}\na\n{% endif %}\n{{ n }}\n{# c #}\n{% raw %}\n{{x}}{% endraw %}\nb\n')).toBe(
      'a\n5\n\n{{x}}b\n',
    );
  });

  test('a value that is one expression keeps its type', () => {
    expect([
      value('{{ xs }}'),
      value('{{ n }}'),
      value('{{ n > 1 }}'),
      value(' {{ n }}'),
      value('{{ n }}{{ n }}'),
      value('{{ 10 / 2 }}'),
    ]).toEqual([[1, 2], 5, true, ' 5', '55', 5]);
  });

  test('deep values, and the place of the one that fails', () => {
    const parsed = parseYaml('a:\n  - "{{ n }}"\n  - b: "{{ oops }}"\n', 'f.yml').value;
    expect(failure(() => renderValue(parsed, variables, HERE))).toBe("f.yml:3:8: 'oops' is undefined");
    expect(renderValue({ a: ['{{ n }}', 'x'], k: { '{{ key }}': null } }, variables, HERE)).toEqual({
      a: [5, 'x'],
      k: { '{{ key }}': null },
    });
  });

  test('include stays below the folder of the template', () => {
    const include = (name: string) =>
      name === 'part.njk' ? { text: '[{{ n }}{{ x }}]', file: 'part.njk' } : undefined;
    const run = (text: string) => renderTemplate(text, variables, { file: 't.njk', include });
    expect(run('{% set x = 1 %}{% include "part.njk" %}{% include "none" ignore missing %}')).toBe('[51]');
    expect(failure(() => run('{% include "../secret" %}'))).toContain('leads out of the templates folder');
    expect(failure(() => run('{% include "/etc/passwd" %}'))).toContain('leads out of the templates folder');
    expect(failure(() => run('{% include "none" %}'))).toContain("there is no template 'none'");
    expect(failure(() => run('{% include "part.njk" %}'))).toBe("part.njk:1:12: 'x' is undefined");
  });

  test('macros that never end are stopped', () => {
    expect(failure(() => render('{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'))).toContain('without end');
  });

  test('includes that never end are stopped', () => {
    const include = () => ({ text: '{% include "again" %}', file: 'again' });
    expect(
      failure(() => renderTemplate('{% include "again" %}', variables, { file: 't', include })),
    ).toContain('nested more than');
  });
});

describe('conditions', () => {
  const when = (condition: Parameters<typeof evaluateCondition>[0]) =>
    evaluateCondition(condition, variables, HERE);

  test('are bare expressions; a list is all of them', () => {
    expect([
      when('n > 4'),
      when('n > 4 and not xs'),
      when(['n', 'xs']),
      when(['n', 'empty']),
      when(true),
      when('zzz is defined'),
    ]).toEqual([true, false, true, false, true, false]);
  });

  test('braces, numbers and texts that look like booleans are refused', () => {
    expect(failure(() => when('{{ n }}'))).toBe(
      'v.yml:3:7: a condition is an expression already (write it without {{ }})',
    );
    expect(failure(() => when(1))).toContain('written as text');
    expect(failure(() => when('flag'))).toContain('write | bool');
    expect(failure(() => when('zzz'))).toBe("v.yml:3:7: 'zzz' is undefined");
    expect(when('flag | bool')).toBe(false);
  });

  test('expressions keep their type, and undefined is told apart', () => {
    expect([
      evaluateExpression('xs + [3]', variables, HERE),
      evaluateExpression('zzz', variables, HERE),
    ]).toEqual([[1, 2, 3], undefined]);
  });
});

describe('facts', () => {
  test('a template that reads one before they are known says so, whatever it does with it', () => {
    for (const text of [
      '{{ ansible_hostname }}',
      '{{ ansible_facts.os | default("x") }}',
      '{{ ansible_distribution is defined }}',
    ]) {
      expect(() => render(text)).toThrow(NeedsFacts);
    }
    expect(render('{{ ansible_user is defined }}')).toBe('False');
  });
});

describe('addresses', () => {
  test.each([
    ["'10.0.0.5/24' | ipaddr('network')", '10.0.0.0'],
    ["'10.0.0.5/24' | ipaddr('netmask')", '255.255.255.0'],
    ["'10.0.0.5/24' | ipaddr('broadcast')", '10.0.0.255'],
    ["'10.0.0.5/24' | ipaddr('address')", '10.0.0.5'],
    ["'10.0.0.5/24' | ansible.utils.ipaddr('subnet')", '10.0.0.0/24'],
    ["'10.0.0.0/24' | ipaddr(10)", '10.0.0.10/24'],
    ["'10.0.0.0/24' | ipaddr('-1')", '10.0.0.255/24'],
    ["'x' | ipaddr", 'False'],
    ["['10.0.0.1', 'x', '::1'] | ipv4", "['10.0.0.1']"],
    ["'10.0.0.1' | ipaddr('10.0.0.0/8')", '10.0.0.1'],
    ["'fe80::1' | ipwrap", '[fe80::1]'],
  ])('%s', (expression, rendered) => {
    expect(render(`{{ ${expression} }}`)).toBe(rendered);
  });
});
