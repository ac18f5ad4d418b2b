/** The real planner and the real ledger, on a host that is a directory: killed anywhere, the next run converges. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileSource, loadInventory } from '#provision/model/inventory.ts';
import { MODULES } from '#provision/model/modules/registry.ts';
import { HostPlanner } from '#provision/model/planner.ts';
import { loadPlaybook } from '#provision/model/playbook.ts';
import { hostVariables } from '#provision/model/variables.ts';
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

async function play(text: string, more: RecordingOptions = {}, check = false) {
  const sources = new Map(Object.entries({ 'site.yml': text, 'hosts.yml': 'all: { hosts: { ka67: {} } }' }));
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
  });
  const transport = hosts.transport(more);
  const report = await run({
    command: 'apply',
    hosts: [{ access: { name: 'ka67' }, planner, selected: true }],
    clusters: [],
    transport,
    emit: () => undefined,
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
    expect((await play(playbook(), {}, true)).report.exitCode).toBe(2);
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
