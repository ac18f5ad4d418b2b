import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { Config } from '#conf/model.ts';
import { raisePriority } from './auto-priority.ts';
import { pinToCpus } from './cpu-affinity.ts';
import { Log } from './log.ts';
import { whileReading } from './reload-file.ts';

const configured = (words: string): Config =>
  checkConfig('a.conf', memorySource({ 'a.conf': `global_defs {\n${words}\n}` }), { hostname: 'r1' }).config;

function newLog() {
  const lines: string[] = [];
  return { lines, log: new Log({ write: (_, line) => void lines.push(line) }, () => 0, true) };
}

describe('max_auto_priority', () => {
  const late = (words: string, lateMs: number, priority: number, failure?: string) => {
    const asked: number[] = [];
    const setRealtime = (wanted: number) => {
      asked.push(wanted);
      return failure === undefined
        ? undefined
        : { call: 'sched_setscheduler', code: 'EPERM', errno: 1, message: failure };
    };
    const { log } = newLog();
    const settings = configured(words).globalDefs.process;
    const now = { policy: 'rr', priority, degraded: null } as const;
    const after = raisePriority({ setRealtime }, settings, now, lateMs, log);
    return { asked, priority: after.priority, degraded: after.degraded };
  };

  test.each([
    ['router_id a', 5000, 1, 1],
    ['max_auto_priority 3', 5000, 1, 2],
    ['max_auto_priority 3', 5000, 3, 3],
    ['max_auto_priority', 5000, 98, 99],
    ['max_auto_priority -1', 5000, 1, 1],
    ['max_auto_priority 3', 999, 1, 1],
    ['max_auto_priority 3\nmin_auto_priority_delay 100000', 100, 1, 2],
  ])('%j, %d ms late at priority %d: %d', (words, lateMs, before, expected) => {
    expect(late(words, lateMs, before).priority).toBe(expected);
  });

  test('a refusal is told and changes nothing', () => {
    expect(late('max_auto_priority 3', 5000, 1, 'not permitted')).toEqual({
      asked: [2],
      priority: 1,
      degraded: 'not permitted',
    });
  });
});

describe('vrrp_cpu_affinity', () => {
  test('keeps the process on the CPU', async () => {
    const child = spawn('sleep', ['60']);
    const pid = must(child.pid, 'a process');
    const { lines, log } = newLog();
    pinToCpus(configured('vrrp_cpu_affinity 0'), pid, log);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m);
    expect(lines).toEqual([]);
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  });

  test('a CPU that is not there is told', () => {
    const { lines, log } = newLog();
    pinToCpus(configured('vrrp_cpu_affinity 4000'), process.pid, log);
    expect(lines.join()).toMatch(/vrrp_cpu_affinity 4000: .*may run on every CPU/s);
  });
});

describe('reload_file', () => {
  test('is there and empty while the configuration is read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-reload-'));
    const path = join(folder, 'reload');
    writeFileSync(path, 'not seen yet');
    const { log } = newLog();
    expect(await whileReading(path, log, () => Promise.resolve(statSync(path).size))).toBe(0);
    expect(existsSync(path)).toBe(false);
    rmSync(folder, { recursive: true });
  });

  test('that cannot be written hinders nothing', async () => {
    const { lines, log } = newLog();
    expect(await whileReading('/nonexistent/reload', log, () => Promise.resolve(7))).toBe(7);
    expect(lines.join()).toContain('/nonexistent/reload cannot be written');
  });
});
