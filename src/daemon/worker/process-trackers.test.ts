import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTable } from './process-table.ts';
import { ProcessTrackers, type TrackedProcess } from './process-trackers.ts';

/** A folder that looks like /proc. */
class ProcFolder {
  readonly root = mkdtempSync(join(tmpdir(), 'tandem-proc-'));

  put(pid: number, comm: string, argv: readonly string[] = [comm], state = 'S'): void {
    const folder = join(this.root, String(pid));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'stat'), `${pid} (${comm}) ${state} 1 1 1 0`);
    writeFileSync(join(folder, 'cmdline'), argv.map(each => `${each}\0`).join(''));
  }

  end(pid: number): void {
    rmSync(join(this.root, String(pid)), { recursive: true });
  }
}

const wanted = (fields: Partial<TrackedProcess> = {}): TrackedProcess => ({
  process: ['httpd'],
  paramMatch: undefined,
  fullCommand: false,
  quorum: 1,
  quorumMax: undefined,
  forkDelayMs: 0,
  terminateDelayMs: 0,
  ...fields,
});

let proc: ProcFolder;
let told: string[];
let trackers: ProcessTrackers;

beforeEach(() => {
  vi.useFakeTimers();
  proc = new ProcFolder();
  proc.put(1, 'systemd');
  told = [];
  trackers = new ProcessTrackers(
    (id, quorate, count) => void told.push(`${id} ${quorate ? 'up' : 'down'} ${count}`),
    new ProcessTable(proc.root),
  );
});

afterEach(() => {
  trackers.close();
  rmSync(proc.root, { recursive: true });
  vi.useRealTimers();
});

/** Lets scans pass. */
const scans = (count: number) => vi.advanceTimersByTime(count * 500);

describe('tracked processes', () => {
  test('have their quorum or not, at once and when it changes', () => {
    trackers.track(1, wanted({ quorum: 2 }));
    vi.advanceTimersByTime(1);
    proc.put(10, 'httpd');
    scans(1);
    expect(told).toEqual(['1 down 0']);
    proc.put(11, 'httpd');
    scans(1);
    proc.end(10);
    scans(3);
    expect(told).toEqual(['1 down 0', '1 up 2', '1 down 1']);
  });

  test('quorum_max counts as lost quorum beyond', () => {
    proc.put(10, 'httpd');
    trackers.track(1, wanted({ quorumMax: 1 }));
    trackers.track(2, wanted({ quorum: 0, quorumMax: 0 }));
    vi.advanceTimersByTime(1);
    proc.put(11, 'httpd');
    scans(1);
    expect(told).toEqual(['1 up 1', '2 down 1', '1 down 2']);
  });

  test('a zombie does not count', () => {
    proc.put(10, 'httpd');
    trackers.track(1, wanted());
    vi.advanceTimersByTime(1);
    proc.put(10, 'httpd', [], 'Z');
    scans(1);
    expect(told).toEqual(['1 up 1', '1 down 0']);
  });

  test('delays hold back a change, and one that is gone by then is not told', () => {
    proc.put(10, 'httpd');
    trackers.track(1, wanted({ forkDelayMs: 1200, terminateDelayMs: 2200 }));
    vi.advanceTimersByTime(1);
    proc.end(10);
    scans(3);
    proc.put(11, 'httpd');
    scans(10);
    expect(told).toEqual(['1 up 1']);
    proc.end(11);
    scans(6);
    expect(told).toEqual(['1 up 1', '1 down 0']);
    proc.put(12, 'httpd');
    scans(2);
    expect(told).toHaveLength(2);
    scans(2);
    expect(told).toEqual(['1 up 1', '1 down 0', '1 up 1']);
  });

  test('a name with parentheses and blanks is read whole', () => {
    proc.put(10, 'a) S (b');
    trackers.track(1, wanted({ process: ['a) S (b'] }));
    vi.advanceTimersByTime(1);
    expect(told).toEqual(['1 up 1']);
  });

  test('an exec is noticed: soon after the fork, and later at the next thorough scan', () => {
    trackers.track(1, wanted({ process: ['/usr/sbin/httpd'], fullCommand: true }));
    vi.advanceTimersByTime(1);
    proc.put(10, 'sh', ['/bin/sh', '-c', 'x']);
    scans(1);
    proc.put(10, 'httpd', ['/usr/sbin/httpd']);
    scans(1);
    expect(told).toEqual(['1 down 0', '1 up 1']);
    proc.put(10, 'sh', ['/bin/sh']);
    scans(1);
    expect(told.at(-1)).toBe('1 down 0');
    scans(10);
    proc.put(10, 'httpd', ['/usr/sbin/httpd']);
    scans(10);
    expect(told.at(-1)).toBe('1 up 1');
  });

  test('nothing is told of what is not tracked any more', () => {
    proc.put(10, 'httpd');
    trackers.track(1, wanted());
    trackers.untrack(1);
    scans(4);
    expect(told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('the real /proc has this process', () => {
  const own: string[] = [];
  const real = new ProcessTrackers((_, quorate) => void own.push(quorate ? 'up' : 'down'));
  const argv = new ProcessTable().scan(() => false);
  const ours = [...argv].find(entry => entry.pid === String(process.pid));
  real.track(1, wanted({ process: [ours?.comm ?? ''] }));
  real.scan();
  real.close();
  expect(own).toEqual(['up']);
});
