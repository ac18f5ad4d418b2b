import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import { ServerOrders } from './server-orders.ts';

const NONE = { hasServers: false, sha256: () => 'none' };
const SOME = { hasServers: true, sha256: () => 'some' };
const { config } = loadConfig('/k.conf', memorySource({ '/k.conf': '' }), { hostname: 'r1' });

function orders(loaded: typeof NONE, isLeft = false) {
  const runDir = mkdtempSync(join(tmpdir(), 'tandem-orders-'));
  onTestFinished(() => rmSync(runDir, { recursive: true }));
  const record = join(runDir, 'virtual-servers.json');
  if (isLeft) writeFileSync(record, '{}');
  const sent: WorkerRecord[] = [];
  const place = { file: '/k.conf', configId: 'id', runDir };
  const made = new ServerOrders(place, config, loaded, each => void sent.push(each));
  return { made, sent, record };
}

test('a worker is told of virtual servers when it is new, and after each reload, also when there are none any more', () => {
  const { made, sent, record } = orders(SOME);
  expect(made.isInUse).toBe(true);
  made.repeat();
  made.reconfigure(config, NONE);
  expect(sent).toEqual([
    { kind: 'loadServers', id: 0, code: 0, strings: ['/k.conf', 'id', 'some', record] },
    { kind: 'loadServers', id: 0, code: 0, strings: ['/k.conf', 'id', 'none', record] },
  ]);
});

test('without virtual servers nothing is sent or asked, until a reload brings some', async () => {
  const { made, sent } = orders(NONE);
  made.repeat();
  expect(await made.report()).toEqual(['[]']);
  expect(await made.metrics()).toEqual(['']);
  expect([made.isInUse, sent]).toEqual([false, []]);
  made.reconfigure(config, SOME);
  expect([made.isInUse, sent.length]).toEqual([true, 1]);
});

test('what a killed predecessor left needs the worker', () => {
  expect(orders(NONE, true).made.isInUse).toBe(true);
});

test('an answer comes in pieces; one that nobody waits for is dropped', async () => {
  const { made, sent } = orders(SOME);
  const answer = made.report();
  const metrics = made.metrics();
  expect(sent).toMatchObject([
    { kind: 'askServers', id: 1, code: 0 },
    { kind: 'askServers', id: 2, code: 1 },
  ]);
  made.receive({ kind: 'servers', id: 9, code: 0, strings: ['[]'] });
  made.receive({ kind: 'servers', id: 1, code: 1, strings: ['[{"name":'] });
  made.receive({ kind: 'servers', id: 1, code: 0, strings: ['"x"}]'] });
  made.receive({ kind: 'servers', id: 2, code: 0, strings: ['up 1\n'] });
  expect((await answer).join('')).toBe('[{"name":"x"}]');
  expect(await metrics).toEqual(['up 1\n']);
});
