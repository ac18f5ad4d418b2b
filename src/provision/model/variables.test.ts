import { describe, expect, test } from 'vitest';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { NeedsFacts, renderTemplate, TemplateError } from './template.ts';
import { connectionOf } from './variables-connection.ts';
import { redactSecrets, secrets } from './variables-secrets.ts';
import { hostVariables, OMIT, type VariableLayers } from './variables.ts';

const FILES = {
  'i.yml': `all:
  vars: { who: inventory, loop_a: "{{ loop_b }}", loop_b: "x{{ loop_a }}", path: "/x/{{ item }}", broken: "{{ nope }}" }
  hosts:
    a: { n: 1, peer: "{{ hostvars['b'].n }}", by_fact: "{{ ansible_kernel }}" }
    b: { n: 2, twice: "{{ n * 2 }}" }
`,
};
const { inventory } = loadInventory(['i.yml'], memoryFiles(FILES));
const a = (layers?: VariableLayers) => hostVariables(inventory, 'a', layers);

describe('precedence', () => {
  const layer = (who: string) => ({ who });
  const ORDER: readonly (keyof VariableLayers)[] = [
    'roleDefaults',
    'facts',
    'playVars',
    'roleVars',
    'taskVars',
    'registered',
    'roleParams',
    'extraVars',
  ];

  test('each layer wins over those before it, and the inventory stands between defaults and facts', () => {
    expect(a({ roleDefaults: layer('roleDefaults') }).get('who')).toBe('inventory');
    for (const [index, name] of ORDER.entries()) {
      if (index === 0) continue;
      const layers = Object.fromEntries(ORDER.slice(0, index + 1).map(key => [key, layer(key)]));
      expect(a(layers as VariableLayers).get('who')).toBe(name);
    }
  });

  test('registered values and facts are not templated again', () => {
    expect(a({ registered: { out: '{{ who }}' } }).get('out')).toBe('{{ who }}');
  });
});

describe('lazy templating', () => {
  test('a variable that refers to itself is an error that shows the circle', () => {
    expect(() => a().get('loop_a')).toThrow(
      'i.yml:2:35: the variable refers to itself: loop_a → loop_b → loop_a',
    );
  });

  test('the place is that of the text that fails, not of its reader', () => {
    expect(() => renderTemplate('{{ broken }}', a(), { file: 't' })).toThrow(
      "i.yml:2:107: 'nope' is undefined",
    );
  });

  test('variables that nothing reads may be broken', () => {
    expect(a().get('n')).toBe(1);
  });

  test('a loop item is seen by the variables that use it', () => {
    expect(a().child({ item: 'one' }).child({ other: 1 }).get('path')).toBe('/x/one');
  });

  test('hostvars are the other host’s, with its own variables', () => {
    expect(a().get('peer')).toBe(2);
    expect(
      renderTemplate("{{ hostvars.b.twice }} {{ hostvars['c'] is defined }} {{ hostvars | length }}", a(), {
        file: 't',
      }),
    ).toBe('4 False 2');
  });

  test('facts', () => {
    expect(() => a().get('by_fact')).toThrow(NeedsFacts);
    expect(a({ facts: { ansible_kernel: '6.1' } }).get('by_fact')).toBe('6.1');
    expect(() => a({ facts: {} }).get('by_fact')).toThrow(TemplateError);
  });

  test('default(omit)', () => {
    expect(renderTemplate('{{ zzz | default(omit) }}', a(), { file: 't' })).toBe(OMIT);
  });
});

describe('connection', () => {
  test('reads the variables, templated, and their defaults', () => {
    const extraVars = {
      ansible_host: '10.0.0.{{ n }}',
      ansible_port: '2222',
      ansible_become: 'yes',
      ansible_become_password: 'pw',
      ansible_ssh_common_args: '-J bastion',
    };
    expect(connectionOf(a({ extraVars }))).toEqual({
      host: '10.0.0.1',
      port: 2222,
      user: undefined,
      password: undefined,
      privateKeyFile: undefined,
      sshArgs: '-J bastion',
      become: true,
      becomeUser: 'root',
      becomeMethod: 'sudo',
      becomePassword: 'pw',
      hostKeyChecking: undefined,
      type: 'ssh',
    });
    expect(connectionOf(a()).host).toBe('a');
    for (const [value, wanted] of [
      [false, false],
      ['no', false],
      ['True', true],
    ] as const)
      expect(connectionOf(a({ extraVars: { ansible_host_key_checking: value } })).hostKeyChecking).toBe(
        wanted,
      );
    expect(() => connectionOf(a({ extraVars: { ansible_ssh_host_key_checking: 'nein' } }))).toThrow(
      /is 'nein'.*true or false/,
    );
    expect(() => connectionOf(a({ extraVars: { ansible_port: 70_000 } }))).toThrow(
      'a port is a number from 1 to 65535',
    );
  });
});

describe('secrets', () => {
  const extraVars = {
    vrrp_pass: 'Tandem-1',
    deep: { users: [{ api_token: 't0k' }] },
    ansible_become_password: 4711,
    pass: '{{ vrrp_pass }}',
    bypass_lane: 'left',
    x_password: '{{ ansible_kernel }}',
  };

  test('are found at any depth by their names', () => {
    expect([...secrets(a({ extraVars }))].sort()).toEqual(['4711', 'Tandem-1', 't0k']);
  });

  test('are masked where they stand, and by the name before them', () => {
    expect(
      redactSecrets('auth_pass other\n  password: "x y"\nurl=u:Tandem-1@h 14711 4711\n', [
        'Tandem-1',
        '4711',
      ]),
    ).toBe('auth_pass ********\n  password: ********\nurl=u:********@h 14711 ********\n');
  });
});
