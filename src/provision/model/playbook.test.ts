import { readdirSync, existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '#base/errors.ts';
import type { FileSource } from './inventory.ts';
import { MODULES } from './modules/registry.ts';
import { loadPlaybook, type Play } from './playbook.ts';
import { handlerKey } from './task.ts';

function filesOf(files: Readonly<Record<string, string>>): FileSource {
  const paths = Object.keys(files);
  return {
    read: path => files[path],
    list: dir => [
      ...new Set(
        paths
          .filter(path => path.startsWith(`${dir}/`))
          .map(path => path.slice(dir.length + 1).split('/')[0] ?? ''),
      ),
    ],
    exists: path => paths.some(each => each === path || each.startsWith(`${path}/`)),
  };
}

function load(files: Readonly<Record<string, string>>): readonly Play[] {
  return loadPlaybook('playbooks/site.yml', { files: filesOf(files), modules: MODULES });
}

function complaints(files: Readonly<Record<string, string>>): string {
  try {
    load(files);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return '';
}

const play = (tasks: string): Record<string, string> => ({
  'playbooks/site.yml': `- hosts: all\n  tasks:\n${tasks}`,
});

describe('playbooks', () => {
  test('a role: tasks, handlers, variables, dependencies first and once', () => {
    const plays = load({
      'playbooks/site.yml':
        '- hosts: web,!ka67\n  vars: { who: play }\n  tags: p\n  roles:\n    - { role: b, tags: [t], vars: { x: 1 }, when: y }\n    - c\n',
      'roles/a/tasks/main.yml': '- file: { path: /a, state: directory }\n',
      'roles/b/meta/main.yml': 'dependencies: [c]\n',
      'roles/b/tasks/main.yml':
        '- name: B\n  ansible.builtin.template: { src: x, dest: /x }\n  notify: [h, many]\n  tags: u,v\n  when: z\n  register: r\n',
      'roles/b/handlers/main.yml': '- name: h\n  service: { name: s, state: restarted }\n  listen: many\n',
      'roles/b/defaults/main.yml': 'd: 1\n',
      'roles/b/vars/main.yml': 'v: 2\n',
      'roles/c/meta/main.yml': 'dependencies: [a]\n',
      'roles/c/tasks/main.yml': '- package: nginx\n',
    });
    expect(plays).toMatchObject([{ hosts: 'web,!ka67' }]);
    const tasks = plays[0]?.tasks ?? [];
    expect(tasks.map(task => [task.scope.role, task.name])).toEqual([
      ['a', 'file'],
      ['c', 'package'],
      ['b', 'B'],
      ['a', 'file'],
      ['c', 'package'],
    ]);
    expect(tasks[2]).toMatchObject({ tags: ['p', 't', 'u', 'v'], notify: ['h', 'many'], register: 'r' });
    expect(tasks[2]?.when.map(each => each.expression)).toEqual(['y', 'z']);
    expect(tasks[2]?.scope).toMatchObject({
      defaults: { d: 1 },
      roleVars: { v: 2 },
      playVars: { who: 'play' },
      roleParams: { x: 1 },
    });
    expect(plays[0]?.handlers.map(handlerKey)).toEqual(['b : h']);
  });

  test.each([
    [
      '    - templte: { src: a }\n',
      'playbooks/site.yml:3:7: error: "templte" is neither a module nor a keyword of a task (did you mean "template"?)',
    ],
    [
      '    - service: { name: a, state: started }\n      nottify: x\n',
      'site.yml:4:7: error: "nottify" is neither',
    ],
    ['    - shell: rm -rf /\n', 'use a module, or the gate module'],
    ['    - name: nothing\n', 'this task names no module (known are blockinfile, copy, file,'],
    [
      '    - file: { path: /a }\n      copy: { dest: /b }\n',
      'site.yml:4:7: error: this task names two modules, file and copy',
    ],
    ['    - file: /a\n', 'file takes named arguments (write file: { … })'],
    [
      '    - file: { path: /a }\n      notify: nobody\n',
      '"file" notifies "nobody", and there is no such handler',
    ],
    ['    - file: { path: /a }\n      register: a b\n', 'register: is the name of a variable'],
    ['    - block: []\n', 'write the tasks one by one'],
    ['    tasks\n', 'expected a list of tasks'],
  ])('%j', (tasks, message) => {
    expect(complaints(play(tasks))).toContain(message);
  });

  test.each([
    ['- hosts: all\n  roles: [vrp]\n', 'site.yml:2:11: error: there is no role "vrp" (did you mean "vrrp"?'],
    ['- hosts: all\n  serial: 1\n', 'clusters are rolled host by host'],
    ['- roles: [vrrp]\n', 'a play says which hosts it is for'],
    ['- hosts: all\n  roles: [{ role: vrrp, port: 1 }]\n', '"port" is no keyword of a role'],
    ['- hosts: all\n  roles: [loop]\n', 'roles depend on each other in a circle: loop → loop'],
    [
      '- hosts: all\n  handlers:\n    - name: h\n      file: { path: /a }\n',
      'the handler "h" uses file (a handler restarts or reloads',
    ],
    ['hosts: all\n', 'a playbook is a list of plays'],
    ['- hosts: all\n  tasks:\n    - file: { path: {{ x }} }\n', 'yaml-unquoted-template'],
  ])('%j', (text, message) => {
    const roles = { 'roles/vrrp/tasks/main.yml': '[]', 'roles/loop/meta/main.yml': 'dependencies: [loop]' };
    expect(complaints({ 'playbooks/site.yml': text, ...roles })).toContain(message);
  });

  test('every complaint is made at once', () => {
    const text = complaints(play('    - x: 1\n    - y: 2\n'));
    expect(text.split('\n')).toHaveLength(2);
  });

  test.each(['playbooks/site.yml', 'playbooks/teardown.yml'])('%s, as shipped, loads', path => {
    const disk: FileSource = {
      read: file => (existsSync(file) ? readFileSync(file, 'utf8') : undefined),
      list: dir => (existsSync(dir) ? readdirSync(dir) : []),
      exists: existsSync,
    };
    const plays = loadPlaybook(path, { files: disk, modules: MODULES });
    expect(plays.flatMap(each => each.tasks).length).toBeGreaterThan(0);
  });
});
