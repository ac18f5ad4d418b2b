/** The real planner and the real ledger, on a host that is a directory: killed anywhere, the next run converges. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileSource, loadInventory } from '#provision/model/inventory.ts';
import { MODULES } from '#provision/model/modules/registry.ts';
import { HostPlanner } from '#provision/model/planner.ts';
import { loadPlaybook } from '#provision/model/playbook.ts';
import { redactSecrets } from '#provision/model/variables-secrets.ts';
import { hostVariables } from '#provision/model/variables.ts';
import type { EventSink, RunEvent } from '#control/events.ts';
import { killAfterRecord } from '#testing/killing-transport.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import type { RecordingOptions } from '#testing/recording-transport.ts';
import { run } from '#provision/run/run.ts';

let hosts: LocalHosts;
let files: string;
beforeEach(() => {
  hosts = new LocalHosts(['ka67']);
  files = join(hosts.root, 'ka67/files');
  mkdirSync(files);
  hosts.write('ka67', 'files/existing.conf', 'as it was\n');
});
afterEach(() => hosts.remove());

const playbook = (): string => `
- hosts: all
  tasks:
    - name: a directory
      file: { path: ${files}/conf.d, state: directory, mode: "0750" }
    - name: a file in it
      copy: { dest: ${files}/conf.d/one.conf, content: "one\\n", mode: "0640" }
    - name: a file that was there
      copy: { dest: ${files}/existing.conf, content: "ours\\n" }
    - name: a link
      file: { path: ${files}/current, state: link, src: conf.d }
`;
const TEARDOWN = '- hosts: all\n  tasks: [{ name: take everything back, teardown: {} }]\n';

const INVENTORY = `
all:
  vars: { vrrp_pass: Geheim42, instance: { authentication: { auth_pass: Geheim43 } } }
  hosts: { ka67: {} }
`;

interface PlayOptions {
  readonly check?: boolean;
  readonly resume?: boolean;
  readonly emit?: EventSink;
}

async function play(text: string, more: RecordingOptions = {}, options: PlayOptions = {}) {
  const { check = false, resume = false, emit = () => undefined } = options;
  const sources = new Map(Object.entries({ 'site.yml': text, 'hosts.yml': INVENTORY }));
  const source: FileSource = {
    read: path => sources.get(path),
    list: () => [],
    exists: path => sources.has(path),
  };
  const { inventory } = loadInventory(['hosts.yml'], source);
  const planner = new HostPlanner({
    host: 'ka67',
    plays: loadPlaybook('site.yml', { files: source, modules: MODULES }),
    variables: layers => hostVariables(inventory, 'ka67', layers),
    files: source,
    release: () => undefined,
    resume,
  });
  const transport = hosts.transport(more);
  const report = await run({
    command: 'apply',
    hosts: [{ access: { name: 'ka67' }, planner, selected: true }],
    clusters: [],
    transport,
    emit,
    redact: said => redactSecrets(said, planner.secretValues()),
    check,
    settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, owner: 'ann@desk' },
  });
  return { report, transport };
}

/** Names, modes, contents and link targets of all that the playbook is about. */
function tree(): string {
  const script =
    'find . | sort | while read -r f; do stat -c "%n %F %a %N" "$f"; [ ! -f "$f" ] || cat "$f"; done';
  return execFileSync('sh', ['-c', script], { cwd: files, encoding: 'utf8' });
}
const records = (): number =>
  (hosts.read('ka67', 'state/ledger') ?? '').split('\n').filter(line => line.startsWith('{')).length;

describe('apply, again, teardown', () => {
  test('the second run has one connection, one exec, and nothing to do; teardown restores every byte', async () => {
    const before = tree();
    expect((await play(playbook(), {}, { check: true })).report.exitCode).toBe(2);
    expect(tree()).toBe(before);
    const first = await play(playbook());
    expect(first.report).toMatchObject({ exitCode: 0 });
    expect(first.report.hosts.get('ka67')?.tally).toMatchObject({ changed: 4 });
    expect(hosts.read('ka67', 'files/existing.conf')).toBe('ours\n');
    expect(statSync(join(hosts.root, 'ka67/state/ledger')).mode & 0o777).toBe(0o600);

    const second = await play(playbook());
    expect(second.report.hosts.get('ka67')?.tally).toMatchObject({ ok: 4, changed: 0 });
    expect(second.transport.of('ka67')).toMatchObject({ connections: 1 });
    expect(second.transport.of('ka67').commands).toHaveLength(1);

    expect((await play(TEARDOWN)).report.exitCode).toBe(0);
    expect(tree()).toBe(before);
    expect(hosts.read('ka67', 'state/ledger')).toBeUndefined();
  });
});

describe('killed after any record', () => {
  test('an apply converges at the next one, and teardown still knows what was there first', async () => {
    const before = tree();
    await play(playbook());
    const wanted = tree();
    const all = records();
    expect(all).toBe(8);
    for (let at = 1; at <= all; at++) {
      await play(TEARDOWN);
      expect(tree()).toBe(before);
      const killed = await play(playbook(), { rewrite: () => killAfterRecord(at) });
      expect(killed.report.exitCode, `killed after record ${at}`).not.toBe(0);
      expect(records()).toBe(at);
      expect((await play(playbook())).report.exitCode).toBe(0);
      expect(tree(), `converged after record ${at}`).toBe(wanted);
    }
    await play(TEARDOWN);
    expect(tree()).toBe(before);
  });
});

describe('a turn that stops', () => {
  test('what it left behind waits for --resume; check mode says so, and a killed run needs none', async () => {
    const text = `
- hosts: all
  tasks:
    - { name: conf, copy: { dest: ${files}/a.conf, content: "new\\n" }, notify: reload a }
    - { name: serves, gate: { command: 'test ! -e ${files}/broken', timeout: 5 } }
  handlers:
    - { name: reload a, service: { name: a, state: reloaded } }
`;
    const systemctl = (failing: string): void =>
      writeFileSync(
        join(hosts.root, '.bin/systemctl'),
        `#!/bin/sh\ncase $1 in ${failing}) echo refused >&2; exit 1;; esac\n`,
        {
          mode: 0o755,
        },
      );
    systemctl('reload-or-restart');
    const failed = await play(text);
    expect(failed.report.exitCode).toBe(1);
    expect(failed.report.hosts.get('ka67')?.failure?.message).toContain('refused');
    systemctl('nothing');
    expect((await play(text)).report.exitCode).toBe(2);
    expect((await play(text, {}, { check: true })).report.exitCode).toBe(2);
    expect((await play(text, {}, { resume: true })).report.exitCode).toBe(0);
    expect((await play(text)).report.exitCode).toBe(0);

    // Killed after the configuration was put in place: the next run reloads unasked.
    const other = text.replace('new', 'newer');
    const killed = await play(other, { rewrite: () => killAfterRecord(records() + 3) });
    expect(killed.report.exitCode).not.toBe(0);
    expect(hosts.read('ka67', 'files/a.conf')).toBe('newer\n');
    expect((await play(other)).report).toMatchObject({ exitCode: 0 });
  });
});

describe('secrets', () => {
  test('what a validation says reaches no event, message or report with them', async () => {
    const text = `
- hosts: all
  vars: { play_password: Geheim44 }
  tasks:
    - name: conf
      vars: { task_secret: Geheim45 }
      copy:
        dest: ${files}/a.conf
        content: "  auth_pass {{ instance.authentication.auth_pass }}\\nthe rest\\n"
        validate: check-it %s
`;
    const words = 'a.conf:1:13: "Geheim42" is refused: Geheim42, not Geheim43, Geheim44, Geheim45';
    const script = `#!/bin/sh\ncat "$1"; echo '${words}' >&2; exit 4\n`;
    writeFileSync(join(hosts.root, '.bin/check-it'), script, { mode: 0o755 });
    const events: RunEvent[] = [];
    const { report } = await play(text, {}, { emit: event => events.push(event) });
    expect(report.exitCode).toBe(1);
    const shown = JSON.stringify([events, [...report.hosts]]);
    expect(shown).toContain('is refused');
    expect(shown).not.toMatch(/Geheim4\d/);
  });
});
