import { describe, expect, test } from 'vitest';
import { FACTS, file, HANDLERS, planner, planOf, round } from '#testing/planner-bench.ts';
import { sha256Of } from './modules/path-state.ts';

describe('the file that a VRRP daemon reads', () => {
  const conf = (pass: string): string =>
    `vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nauthentication {\nauth_type PASS\nauth_pass ${pass}\n}\nvirtual_ipaddress {\n192.0.2.5\n}\n}\n`;
  const tasks = `- { name: conf, copy: { dest: /etc/a.conf, content: ${JSON.stringify(conf('new'))}, vrrp_configuration: true }, notify: reload a }\n`;
  const bench = { tasks, handlers: HANDLERS, answers: { 1: file(conf('old')) } };

  test('a change that its peers do not understand is marked, with how to stop the daemon', () => {
    const { wire, elections } = planOf(bench);
    expect(wire?.breaks).toEqual([{ instance: 'V', keywords: ['authentication'] }]);
    expect(wire?.pause.text).toBe('systemctl stop a');
    expect(wire?.resume.text).toContain('start a');
    expect(elections).toEqual([{ instance: 'V', before: 100, after: 100, preempts: true }]);
    expect(
      planOf({ ...bench, tasks: tasks.replace('vrrp_configuration: true', 'mode: "0640"') }).wire,
    ).toBeUndefined();
  });

  test('not where the daemon runs with the new text already: the file was edited and not reloaded', () => {
    const listening = { ...bench, facts: `${FACTS}daemon yes\n` };
    const subject = planner(listening);
    round(subject, listening);
    const running = { instances: [], configurationSha256: sha256Of(`${conf('new')}\0`) };
    const { asked, plan } = round(subject, { ...listening, answers: { live: JSON.stringify(running) } });
    expect(asked).toEqual(['live']);
    expect(plan.turn.length).toBeGreaterThan(0);
    expect(plan.wire).toBeUndefined();
  });

  test('a keepalived that does not tell who is MASTER is not disturbed, a tandemd that cannot be read is none', () => {
    const listening = { ...bench, facts: `${FACTS}daemon yes\n` };
    const ask = (live: string) => {
      const subject = planner(listening);
      round(subject, listening);
      return round(subject, { ...listening, answers: { live } });
    };
    expect(() => ask('keepalived\nMainPID=7\n')).toThrow(/keepalived \(PID 7\) did not write/);
    expect(ask('not JSON').plan.live).toBeUndefined();
  });

  test('what a file without instances changes for all is a change of those that run', () => {
    const main = (group: string): string =>
      `global_defs {\nvrrp_mcast_group4 ${group}\n}\ninclude conf.d/*.conf\n`;
    const listening = {
      tasks: tasks.replace(JSON.stringify(conf('new')), JSON.stringify(main('224.0.0.112'))),
      handlers: HANDLERS,
      facts: `${FACTS}daemon yes\n`,
      answers: { 1: file(main('224.0.0.111')) },
    };
    const subject = planner(listening);
    round(subject, listening);
    const running = { instances: [{ name: 'V' }, { name: 'W' }] };
    const { plan } = round(subject, { ...listening, answers: { live: JSON.stringify(running) } });
    expect(plan.wire?.breaks).toEqual([
      { instance: 'V', keywords: ['mcast_dst_ip'] },
      { instance: 'W', keywords: ['mcast_dst_ip'] },
    ]);
  });

  test('where it takes the place of another daemon, that one’s file counts, and that one is stopped', () => {
    const old = conf('old');
    const replacing = tasks.replace(
      'vrrp_configuration: true',
      'vrrp_configuration: true, vrrp_replaces: { service: b, path: /etc/b.conf }',
    );
    const { wire } = planOf({
      ...bench,
      tasks: replacing,
      answers: { 1: `replaced ${old.length}\n${old}absent /etc` },
    });
    expect(wire?.breaks).toEqual([{ instance: 'V', keywords: ['authentication'] }]);
    expect(wire?.pause.text).toBe('systemctl stop b');
    expect(wire?.resume.text).toBe('systemctl start b');
    const same = planOf({ ...bench, tasks: replacing, answers: { 1: file(conf('new')) } });
    expect(same.tasks.map(({ status }) => status)).toEqual(['ok']);
  });

  test('a file that was there already is news if the daemon that runs says something else', () => {
    const old = conf('old');
    const replacing = tasks.replace(
      'vrrp_configuration: true',
      'vrrp_configuration: true, vrrp_replaces: { service: b, path: /etc/b.conf }',
    );
    const answers = { 1: `replaced ${old.length}\n${old}${file(conf('new'))}` };
    const { tasks: planned, wire } = planOf({ ...bench, tasks: replacing, answers });
    expect(planned[0]?.changes[0]?.summary).toBe('not what the daemon runs with that it replaces');
    expect(wire?.breaks).toHaveLength(1);
  });

  test('a task without a handler could not have its daemon stopped', () => {
    expect(() => planOf({ ...bench, tasks: tasks.replace(', notify: reload a', '') })).toThrow(
      /notifies no handler/,
    );
  });
});
