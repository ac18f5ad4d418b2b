import { describe, expect, test } from 'vitest';
import { InputError, RemoteError } from '#base/errors.ts';
import {
  type Bench,
  CONF,
  encode,
  FACTS,
  file,
  HANDLERS,
  names,
  planner,
  planOf,
  round,
  unit,
} from '#testing/planner-bench.ts';
import { record } from './ledger.ts';

describe('a plan', () => {
  test('nothing to do is one round and no step', () => {
    const bench = { tasks: CONF, handlers: HANDLERS, answers: { 1: file('new') } };
    const { asked, plan } = round(planner(bench), bench);
    expect(asked).toEqual(['facts', 'ledger', '1']);
    expect(plan).toMatchObject({
      early: [],
      turn: [],
      gates: [],
      barrier: false,
      tasks: [{ id: 1, status: 'ok' }],
    });
  });

  test('what notifies is staged early, put in place in the turn, and the handler comes last, noted before', () => {
    const plan = planOf({ tasks: CONF, handlers: HANDLERS });
    expect(names(plan.early)).toEqual(['stage conf']);
    expect(names(plan.turn)).toEqual(['note note handlers and gates', 'apply conf', 'handler reload a']);
    expect(plan.turn[0]?.fragment.text).toContain(record.notify(['reload a'], []));
    expect(plan.turn[2]?.fragment.text).toContain(record.ran('reload a'));
    expect(plan.turn[1]).toMatchObject({ records: { done: record.done('file:/etc/a.conf') } });
  });

  test('what notifies nobody is done early', () => {
    const plan = planOf({ tasks: '- { name: conf, copy: { dest: /etc/a, content: x } }' });
    expect(names(plan.early)).toEqual(['apply conf']);
    expect(plan.turn).toEqual([]);
  });

  test('what depends on something of the turn waits with it', () => {
    const tasks = `${CONF}- { name: mode, file: { path: /etc/a.conf/x, state: link, src: y } }\n`;
    expect(names(planOf({ tasks, handlers: HANDLERS }).turn)).toContain('apply mode');
  });

  test('what the daemon may need until its turn is taken away in it, and early where there is none', () => {
    const tasks = `- { name: openings, firewall: { openings: [] } }\n${CONF}`;
    const had = { text: 'insert rule inet filter input accept\n', configuration: '/etc/nftables.conf' };
    const resource = 'firewall:nftables';
    const ledger = `${record.intend(resource, 'P', { text: '' }, had)}\n${record.done(resource)}\n`;
    const seen = 'nft yes\nconfiguration /etc/nftables.conf\nincluded yes\nfile x\n\n\n\u0001\n\n\u0001\n';
    const bench = { tasks, handlers: HANDLERS, ledger };
    const disturbs = planOf({ ...bench, answers: { 1: seen } });
    expect(names(disturbs.early)).toEqual(['stage conf']);
    expect(names(disturbs.turn).slice(1, 3)).toEqual(['apply openings', 'apply conf']);
    const calm = planOf({ ...bench, answers: { 1: seen, 2: file('new') } });
    expect(names(calm.early)).toEqual(['apply openings']);
    expect(calm.turn).toEqual([]);
    const fresh = planOf({ ...bench, ledger: '', answers: { 1: seen } });
    expect(names(fresh.early)).toEqual(['apply openings', 'stage conf']);
  });

  test('handlers run once, in the order of their definition; a restart includes the reload', () => {
    const other =
      '- { name: conf 2, copy: { dest: /etc/b.conf, content: new }, notify: [reload a, restart b] }\n';
    const handlers = `- { name: restart b, service: { name: b, state: restarted } }\n${HANDLERS}`;
    expect(names(planOf({ tasks: CONF + other, handlers }).turn).slice(-2)).toEqual([
      'handler restart b',
      'handler reload a',
    ]);
    const both = CONF.replace('reload a', '[reload a, restart a]');
    expect(names(planOf({ tasks: both, handlers: HANDLERS }).turn).slice(2)).toEqual(['handler restart a']);
  });

  test('a service that is started after what it should be told about is not told again', () => {
    const start = '- { name: start, service: { name: a, state: started } }\n';
    const answers = { 2: unit('inactive') };
    const after = planOf({ tasks: CONF + start, handlers: HANDLERS, answers });
    expect(names(after.turn)).toEqual(['apply conf', 'apply start']);
    const before = planOf({ tasks: start + CONF, handlers: HANDLERS, answers: { 1: unit('inactive') } });
    expect(names(before.turn).at(-1)).toBe('handler reload a');
  });

  test('after a roll-out that stopped, what it left behind waits for --resume, unless it is notified anew', () => {
    const tasks = `${CONF}- { name: serves, gate: { command: 'test -e /run/a', timeout: 5 } }\n`;
    const ledger = [record.notify(['reload a'], ['serves']), record.stopped('reload a')].join('\n');
    const done = { tasks, handlers: HANDLERS, answers: { 1: file('new') }, ledger };
    const waiting = planOf(done);
    expect(waiting).toMatchObject({
      turn: [],
      gates: [],
      withheld: { handlers: ['reload a'], stoppedAt: 'reload a' },
    });
    const resumed = planOf({ ...done, resume: true });
    expect(resumed).toMatchObject({ resumed: ['reload a'], gates: [{ name: 'serves' }] });
    expect(resumed.withheld).toBeUndefined();
    const anew = planOf({ ...done, answers: {} });
    expect(anew.withheld).toBeUndefined();
    expect(names(anew.turn).at(-1)).toBe('handler reload a');
    const restart = { ...done, ledger: ledger.replaceAll('reload a', 'restart a') };
    expect(names(planOf({ ...restart, answers: {} }).turn).at(-1)).toBe('handler reload a');
    expect(
      planOf({ ...done, ledger: [record.notify([], ['serves']), record.stopped('serves')].join('\n') }),
    ).toMatchObject({
      gates: [{ name: 'serves' }],
    });
  });

  test('a turn that stops says so in the ledger', () => {
    const gate = "- { name: serves, gate: { command: 'test -e /run/a', timeout: 5 } }\n";
    const plan = planOf({ tasks: CONF + gate, handlers: HANDLERS });
    expect(plan.turn.at(-1)?.fragment.text).toContain(record.stopped('reload a'));
    expect(plan.gates[0]?.fragment.text).toContain(record.stopped('serves'));
  });

  test('a handler that an earlier run left behind runs, and gates that have not been seen to hold', () => {
    const tasks = `${CONF}- { name: serves, gate: { command: 'test -e /run/a', timeout: 5 } }\n`;
    const done = { tasks, handlers: HANDLERS, answers: { 1: file('new') } };
    expect(planOf({ ...done, ledger: record.notify(['reload a'], ['serves']) })).toMatchObject({
      resumed: ['reload a'],
      gates: [{ name: 'serves', timeoutMs: 5000 }],
    });
    const gateOnly = planOf({ ...done, ledger: record.notify([], ['serves']) });
    expect(gateOnly).toMatchObject({ turn: [], gates: [{ name: 'serves' }] });
    expect(gateOnly.gates[0]?.fragment.text).toContain(record.held('serves'));
    expect(planOf(done)).toMatchObject({ turn: [], gates: [] });
  });

  test('a daemon that is about to be disturbed is asked for its state, in another round', () => {
    const bench = {
      tasks: CONF,
      handlers: HANDLERS,
      facts: `${FACTS}daemon yes\n`,
      answers: { live: '{"instances":[{"name":"VG_1"}]}' },
    };
    const subject = planner(bench);
    expect(round(subject, bench).plan).toMatchObject({ barrier: true, tasks: [], turn: [] });
    const second = round(subject, bench);
    expect(second.asked).toEqual(['live']);
    expect(second.plan).toMatchObject({ barrier: false, live: { instances: [{ name: 'VG_1' }] } });
    expect(second.plan.turn).toHaveLength(3);
    const quiet = { ...bench, answers: { 1: file('new') } };
    expect(round(planner(quiet), quiet).plan.barrier).toBe(false);
  });

  test('a ledger that has grown is compacted before anything else', () => {
    const ledger = Array.from({ length: 120 }, () => `${record.intend('file:/x', 'r', null, 1)}\n`).join('');
    const plan = planOf({ tasks: CONF, handlers: HANDLERS, ledger });
    expect(plan.early[0]).toMatchObject({ kind: 'note', name: 'compact the ledger' });
    expect(plan.early[0]?.fragment.text).toContain(`t_compact ${ledger.length}`);
  });

  test('secrets of the inventory are masked', () => {
    const tasks = '- { name: conf, copy: { dest: /etc/a, content: "it is {{ vrrp_pass }}\\n" } }';
    const text = JSON.stringify(planOf({ tasks }).tasks);
    expect(text).toContain('it is ');
    expect(text).not.toContain('hunter22');
  });
});

describe('what is known when', () => {
  test('content may use facts: it is rendered after the answer, in the same round', () => {
    const bench = {
      tasks: '- { name: f, template: { src: a.njk, dest: /etc/a } }',
      files: { 'p/templates/a.njk': '{{ ansible_hostname }}' },
      answers: { 1: file('ka67') },
    };
    const { plan, asked } = round(planner(bench), bench);
    expect(asked).toContain('1');
    expect(plan.tasks).toMatchObject([{ status: 'ok' }]);
  });

  test('an address that depends on facts is read in a second round', () => {
    const bench = { tasks: '- { name: f, copy: { dest: "/etc/{{ ansible_hostname }}", content: x } }' };
    const subject = planner(bench);
    const first = round(subject, bench);
    expect(first).toMatchObject({ asked: ['facts', 'ledger'], plan: { barrier: true, tasks: [] } });
    expect(round(subject, bench)).toMatchObject({
      asked: ['1'],
      plan: { tasks: [{ changes: [{ resource: 'file:/etc/ka67' }] }] },
    });
  });

  test('a register of a task without a change is known, and of one with a change as far as it can be', () => {
    const tasks =
      '- { name: a, copy: { dest: /etc/a, content: x }, register: r }\n- { name: b, copy: { dest: /etc/b, content: x }, when: r.changed }\n';
    expect(planOf({ tasks }).tasks).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
    const same = { tasks, answers: { 1: file('x') } };
    expect(planOf(same).tasks).toMatchObject([
      { status: 'ok' },
      { status: 'skipped', reason: 'its condition is false' },
    ]);
  });

  test('a condition may use facts: what it is about is read in the same round, and a failure counts if it holds', () => {
    const task = (os: string): string =>
      `- { name: f, copy: { dest: /etc/a, content: x }, when: ansible_distribution == '${os}' }`;
    const wanted = { tasks: task('debian'), answers: { 1: file('x') } };
    const { plan, asked } = round(planner(wanted), wanted);
    expect(asked).toEqual(['facts', 'ledger', '1']);
    expect(plan).toMatchObject({ barrier: false, tasks: [{ status: 'ok' }] });
    const answers = new Map([
      ['facts', { exit: 0, stdout: encode(FACTS), stderr: encode('') }],
      ['ledger', { exit: 0, stdout: encode(''), stderr: encode('') }],
      ['1', { exit: 2, stdout: encode(''), stderr: encode('no stat here') }],
    ]);
    const unwanted = planner({ tasks: task('alpine') });
    unwanted.probe();
    expect(unwanted.plan(answers).tasks).toMatchObject([{ status: 'skipped' }]);
    const again = planner({ tasks: task('debian') });
    again.probe();
    expect(again.plan(answers)).toMatchObject({ barrier: true, tasks: [] });
    expect(again.probe().parts.map(({ id }) => id)).toEqual(['1']);
    expect(() => again.plan(answers)).toThrow(/no stat here/);
  });

  test('a loop is not looked at where the condition is false without it', () => {
    const task = (condition: string): string =>
      `- { name: f, copy: { dest: "/etc/{{ item }}", content: x }, loop: "{{ nobody.has }}", when: ${condition} }`;
    expect(planOf({ tasks: task('false') }).tasks).toMatchObject([{ status: 'skipped' }]);
    expect(() => planOf({ tasks: task('true') })).toThrow(/nobody/);
    expect(() => planOf({ tasks: task('item == 1') })).toThrow(/nobody/);
  });

  test('only what depends on a change that has yet to happen is unknown, and planned once it has', () => {
    const part = { length: 0, label: '', open: () => [] };
    const node = { sha256: 'e'.repeat(64), version: '24', part };
    const release = { id: 'f'.repeat(64), version: '1', architecture: 'x64', node, files: [] };
    const tasks = [
      '- { name: install, tandemd_release: , register: r }',
      '- { name: after, copy: { dest: /etc/b, content: "{{ r.changed }} it is" } }',
      '- { name: other, copy: { dest: /etc/c, content: x } }',
    ].join('\n');
    const bench = { tasks, release, answers: { 1: '' } };
    const subject = planner(bench);
    const { plan } = round(subject, bench);
    expect(plan.tasks).toMatchObject([
      { name: 'install', status: 'pending' },
      { name: 'after', status: 'unknown', reason: 'unknown until "install"' },
      { name: 'other', status: 'pending' },
    ]);
    expect(plan.barrier).toBe(true);
    const installed = `node/${'e'.repeat(64)}\nreleases/${release.id}\ncurrent releases/${release.id}\n`;
    const later = { ...bench, answers: { 1: installed, 3: file('x') } };
    expect(round(subject, later)).toMatchObject({
      asked: ['ledger', '1', '3'],
      plan: { barrier: true, tasks: [] },
    });
    const last = round(subject, later);
    expect(last.asked).toEqual(['2']);
    expect(last.plan.tasks).toMatchObject([
      { status: 'ok' },
      { status: 'pending', changes: [{ after: 'True it is' }] },
      { status: 'ok' },
    ]);
  });

  test('loops, their items and conditions', () => {
    const tasks =
      '- name: l\n  copy: { dest: "/etc/{{ item.n }}", content: x }\n  loop: [{ n: a }, { n: b }, { n: c }]\n  when: item.n != "b"\n';
    const bench = { tasks, answers: { '1.0': file('x') } };
    const { asked, plan } = round(planner(bench), bench);
    expect(asked).toEqual(['facts', 'ledger', '1.0', '1.2']);
    expect(plan.tasks).toMatchObject([{ status: 'pending', changes: [{ resource: 'file:/etc/c' }] }]);
  });

  test.each([
    [['a'], [], ['one', 'always']],
    [[], ['a'], ['two', 'always']],
    [[], [], ['one', 'two', 'always']],
    [['n'], [], ['always', 'never']],
  ])('tags %j without %j: %j', (tags, skipTags, expected) => {
    const tasks = [
      '- { name: one, copy: { dest: /1, content: x }, tags: a }',
      '- { name: two, copy: { dest: /2, content: x }, tags: [b] }',
      '- { name: always, copy: { dest: /3, content: x }, tags: always }',
      '- { name: never, copy: { dest: /4, content: x }, tags: [never, n] }',
    ].join('\n');
    const answers = { 1: 'absent /', 2: 'absent /', 3: 'absent /', 4: 'absent /' };
    expect(planOf({ tasks, tags, skipTags, answers }).tasks.map(task => task.name)).toEqual(expected);
  });
});

describe('what cannot be planned', () => {
  const failure = (bench: Bench): unknown => {
    try {
      planOf(bench);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test('two tasks that disagree about a resource', () => {
    const tasks =
      '- { name: a, copy: { dest: /etc/a, content: x } }\n- { name: b, copy: { dest: /etc/a, content: y } }\n';
    const error = failure({ tasks });
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(
      /p\/site\.yml:5:7: error: "b" and "a" \(p\/site\.yml:4:7\) want different things of file:\/etc\/a/,
    );
    expect(failure({ tasks: tasks.replace('content: y', 'content: x') })).toBeUndefined();
  });

  test('an argument that is not known, at its place, with the nearest that is', () => {
    const error = failure({ tasks: '- name: a\n  copy:\n    dest: /etc/a\n    contnt: x\n' });
    expect(String(error)).toContain(
      'p/site.yml:7:9: error: copy has no argument "contnt" (did you mean "content"?)',
    );
  });

  test('a template that is not there, a loop over no list, a fact that nobody gathers', () => {
    expect(String(failure({ tasks: '- template: { src: no.njk, dest: /etc/a }' }))).toContain(
      'there is no p/templates/no.njk and no p/no.njk',
    );
    expect(String(failure({ tasks: '- { copy: { dest: /a, content: x }, loop: abc }' }))).toContain(
      'is not a list',
    );
    expect(
      String(failure({ tasks: '- { copy: { dest: /etc/a, content: "{{ ansible_selinux }}" } }' })),
    ).toMatch(/ansible_selinux/);
  });

  test('a probe that fails says what the host said', () => {
    const subject = planner({ tasks: CONF, handlers: HANDLERS });
    const answers = subject
      .probe()
      .parts.map(({ id }): [string, { exit: number; stdout: Uint8Array; stderr: Uint8Array }] => [
        id,
        {
          exit: id === '1' ? 2 : 0,
          stdout: encode(id === 'facts' ? FACTS : ''),
          stderr: encode('stat: permission denied'),
        },
      ]);
    expect(() => subject.plan(new Map(answers))).toThrow(
      /ka67: conf: reading the present state failed.*permission denied/,
    );
  });

  test('a host that is not fit', () => {
    const error = failure({ tasks: CONF, handlers: HANDLERS, answers: { 1: 'link /elsewhere' } });
    expect(error).toBeInstanceOf(RemoteError);
    expect(String(error)).toContain('ka67: conf: /etc/a.conf is a symbolic link to /elsewhere');
  });
});
