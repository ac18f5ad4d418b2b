import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { record } from '#provision/model/ledger.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import type { RecordingOptions } from '#testing/recording-transport.ts';
import { collectStatus } from './collect-status.ts';

let hosts: LocalHosts;
beforeEach(() => {
  hosts = new LocalHosts(['ka67', 'ka68']);
  hosts.runs('ka67', 'MASTER');
  hosts.runs('ka68', 'BACKUP');
});
afterEach(() => hosts.remove());

async function status(more: RecordingOptions = {}) {
  const transport = hosts.transport(more);
  const report = await collectStatus({
    hosts: ['ka67', 'ka68'].map(name => ({ access: { name }, daemon: 'tandemd' as const })),
    clusters: [{ name: 'pair', instances: [{ name: 'VG_1', nodes: ['ka67', 'ka68'] }] }],
    transport,
    emit: () => undefined,
    settings: { paths: LOCAL_PATHS },
  });
  return { report, transport };
}

test('a healthy pair, by one connection and one exec a host', async () => {
  const { report, transport } = await status();
  expect(report).toMatchObject({ exitCode: 0, verdicts: [{ cluster: 'pair', health: 'healthy' }] });
  expect(transport.of('ka68')).toMatchObject({ connections: 1 });
  expect(transport.of('ka68').commands).toHaveLength(1);
});

test('who is drained is told, in the same exec, and is no fault', async () => {
  const web8 = { host: 'web8', state: 'drained', cause: 'drain', owner: 'ann@desk', atMs: 1 } as const;
  mkdirSync(`${hosts.root}/ka67/state`);
  const other = { ...web8, host: 'web9' };
  const lines = [record.leave(web8), record.leave(other), record.ran('x'), record.back('web9')];
  hosts.write('ka67', 'state/ledger', `\n${lines.join('\n\n')}\n`);
  const { report, transport } = await status();
  expect(report.exitCode).toBe(0);
  expect(report.sights.get('ka67')).toMatchObject({ kind: 'status', departures: [web8] });
  expect(report.sights.get('ka68')).not.toHaveProperty('departures');
  expect(transport.of('ka67').commands).toHaveLength(1);
});

test('two masters', async () => {
  hosts.runs('ka68', 'MASTER');
  expect((await status()).report).toMatchObject({ exitCode: 1, verdicts: [{ health: 'split-brain' }] });
});

test('a daemon that does not run', async () => {
  hosts.write('ka68', 'status.json', 'not JSON');
  const { report } = await status();
  expect(report).toMatchObject({ exitCode: 2, verdicts: [{ health: 'degraded' }] });
  expect(report.sights.get('ka68')).toMatchObject({ kind: 'silent' });
});

test('an unreachable host comes before the rest', async () => {
  const { report } = await status({ unreachable: host => host === 'ka68' });
  expect(report).toMatchObject({ exitCode: 3, verdicts: [{ health: 'degraded' }] });
});
