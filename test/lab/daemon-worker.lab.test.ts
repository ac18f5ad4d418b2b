import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { SCRIPT_NOT_RUN, SCRIPT_SIGNALLED, SCRIPT_TIMED_OUT, type WorkerRecord } from '#wire/worker.ts';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { Log } from '#daemon/log.ts';
import { Scripts } from '#daemon/scripts.ts';
import type { TrackerEvent } from '#vrrp/event.ts';
import { WorkerSlot, type WorkerOptions, type WorkerState } from '#daemon/worker-slot.ts';

const real: WorkerOptions = {
  argv: [process.execPath, join(import.meta.dirname, '..', '..', 'src', 'daemon', 'worker', 'main.ts')],
  silenceMs: 5000,
  steadyMs: 60_000,
  backOffFirstMs: 20,
  backOffMaxMs: 50,
};
const WAIT = { timeout: 10_000, interval: 10 };

/** A slot with its worker, and what it has told. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'tandem-worker-'));
  readonly states: WorkerState[] = [];
  readonly records: WorkerRecord[] = [];
  readonly lines: string[] = [];
  readonly slot: WorkerSlot;
  #stopped = false;

  constructor(options: Partial<WorkerOptions>, onReady: (slot: WorkerSlot) => void) {
    const log = new Log({ write: (_, line) => void this.lines.push(line) }, () => performance.now(), true);
    const listener = {
      ready: () => onReady(this.slot),
      record: (record: WorkerRecord) => void this.records.push(record),
      changed: (state: WorkerState) => void this.states.push(state),
    };
    this.slot = new WorkerSlot({ ...real, ...options }, listener, log);
    this.slot.start();
  }

  results(id: number): number[] {
    return this.records
      .filter(record => record.kind === 'scriptResult' && record.id === id)
      .map(record => record.code);
  }

  async stop(timeoutMs: number): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await new Promise<void>(resolve => this.slot.stop(timeoutMs, resolve));
  }
}

/** Workers start slowly: tests run beside each other, each with slots of its own. */
function starter(onTestFinished: (end: () => Promise<void>) => void) {
  return (options: Partial<WorkerOptions> = {}, onReady: (slot: WorkerSlot) => void = () => {}): Bench => {
    const bench = new Bench(options, onReady);
    onTestFinished(async () => {
      await bench.stop(1000);
      rmSync(bench.folder, { recursive: true });
    });
    return bench;
  };
}

function track(
  id: number,
  timing: [interval: number, timeout: number],
  argv: readonly string[],
): WorkerRecord {
  return { kind: 'trackScript', id, code: 0, strings: [...timing.map(String), 'root', '', ...argv] };
}

function notification(queue: string, argv: readonly string[]): WorkerRecord {
  return { kind: 'notify', id: 0, code: 0, strings: [queue, 'root', '', ...argv] };
}

describe('the worker process', () => {
  test.concurrent('runs tracking scripts and tells how they ended', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const bench = started({}, slot => {
      slot.send(track(1, [50, 1000], ['/bin/true']));
      slot.send(track(2, [60_000, 1000], ['/bin/sh', '-c', 'exit 7']));
      slot.send(track(3, [60_000, 1000], ['/bin/sh', '-c', 'kill -9 $$']));
      slot.send(track(4, [60_000, 1000], ['/does/not/exist']));
      slot.send(track(5, [60_000, 50], ['/bin/sleep', '60']));
      slot.send({
        ...track(6, [60_000, 1000], ['/bin/true']),
        strings: ['1', '1', 'nobody-here', '', '/bin/true'],
      });
    });
    await vi.waitFor(() => {
      expect(bench.results(1).slice(0, 2)).toEqual([0, 0]);
      expect([2, 3, 4, 5, 6].map(id => bench.results(id))).toEqual([
        [7],
        [SCRIPT_SIGNALLED + 9],
        [SCRIPT_NOT_RUN],
        [SCRIPT_TIMED_OUT],
        [SCRIPT_NOT_RUN],
      ]);
    }, WAIT);
  });

  test.concurrent(
    'a script that ignores TERM is killed with all of its group',
    async ({ onTestFinished }) => {
      const started = starter(onTestFinished);
      const bench = started();
      const pidFile = join(bench.folder, 'pid');
      const script = `trap '' TERM; sleep 300 & echo $! >${pidFile}; wait; wait; sleep 300`;
      await vi.waitFor(() => expect(bench.states).toContain('running'), WAIT);
      bench.slot.send(track(1, [60_000, 100], ['/bin/sh', '-c', script]));
      await vi.waitFor(() => expect(bench.results(1)).toEqual([SCRIPT_TIMED_OUT]), WAIT);
      const pid = readFileSync(pidFile, 'utf8').trim();
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WAIT);
    },
  );

  test.concurrent('a run that still goes on makes the next one be left out', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const bench = started();
    const log = join(bench.folder, 'runs');
    await vi.waitFor(() => expect(bench.states).toContain('running'), WAIT);
    bench.slot.send(track(1, [20, 5000], ['/bin/sh', '-c', `echo x >>${log}; sleep 0.3`]));
    await vi.waitFor(() => expect(bench.results(1)).toEqual([0]), WAIT);
    expect(readFileSync(log, 'utf8').length).toBeLessThanOrEqual(4);
  });

  test.concurrent(
    'notifications of one queue run in their order, queues beside each other',
    async ({ onTestFinished }) => {
      const started = starter(onTestFinished);
      const { folder, slot } = started();
      const log = join(folder, 'log');
      const note = (queue: string, text: string, seconds: string) =>
        slot.sendOrHold(notification(queue, ['/bin/sh', '-c', `sleep ${seconds}; echo "$0" >>${log}`, text]));
      note('INSTANCE a', 'a1', '0.3');
      note('INSTANCE a', 'a2', '0');
      note('INSTANCE b', 'b1', '0');
      await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toBe('b1\na1\na2\n'), WAIT);
    },
  );

  test.concurrent('finishes what waits before it ends', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const bench = started();
    const log = join(bench.folder, 'log');
    await vi.waitFor(() => expect(bench.states).toContain('running'), WAIT);
    for (const text of ['1', '2', '3'])
      bench.slot.send(notification('q', ['/bin/sh', '-c', `echo ${text} >>${log}`]));
    await bench.stop(4000);
    expect(readFileSync(log, 'utf8')).toBe('1\n2\n3\n');
    expect(bench.states.at(-1)).toBe('absent');
  });

  test.concurrent(
    'finishes what was held for it, when it is stopped while it starts',
    async ({ onTestFinished }) => {
      const bench = starter(onTestFinished)();
      const log = join(bench.folder, 'log');
      bench.slot.sendOrHold(notification('q', ['/bin/sh', '-c', `echo held >${log}`]));
      expect(bench.states).toEqual(['starting']);
      await bench.stop(4000);
      expect(readFileSync(log, 'utf8')).toBe('held\n');
    },
  );

  test.concurrent('writes lines to a FIFO whose reader comes late', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const { folder, records, slot } = started();
    const fifo = join(folder, 'fifo');
    slot.sendOrHold({ kind: 'fifoLine', id: 0, code: 0, strings: [fifo, 'INSTANCE "a" MASTER 100'] });
    slot.sendOrHold({ kind: 'fifoLine', id: 0, code: 0, strings: [folder, 'x'] });
    await vi.waitFor(() => expect(records.some(record => record.kind === 'log')).toBe(true), WAIT);
    const read = execFileSync('head', ['-n', '1', fifo], { encoding: 'utf8', timeout: 5000 });
    expect(read).toBe('INSTANCE "a" MASTER 100\n');
    expect(records.find(record => record.kind === 'log')?.strings[0]).toContain('was lost');
  });

  test.concurrent(
    'makes a FIFO for its owner, keeps its reader running and ends it',
    async ({ onTestFinished }) => {
      const bench = starter(onTestFinished)();
      const { folder, slot, records } = bench;
      chmodSync(folder, 0o777);
      const fifo = join(folder, 'fifo');
      const log = join(folder, 'read');
      // Reads one line and ends; then one that reads to the end.
      const first = `test -e ${log} || { head -n 1 >>${log}; exit 3; }`;
      const script = `${first}; cat >>${log}; echo end >>${log}`;
      const reader = ['daemon', '', '/bin/sh', '-c', `exec <"$0"; ${script}`];
      slot.sendOrHold({ kind: 'fifo', id: 0, code: 0, strings: [fifo, 'daemon', '', ...reader] });
      const tell = (line: string) =>
        slot.sendOrHold({ kind: 'fifoLine', id: 0, code: 0, strings: [fifo, line] });
      tell('1');
      await vi.waitFor(() => expect(records.some(({ kind }) => kind === 'log')).toBe(true), WAIT);
      expect(records.find(({ kind }) => kind === 'log')?.strings[0]).toContain(
        'exited with 3; it is started again in 1000 ms',
      );
      expect(statSync(fifo).uid).toBe(1);
      tell('2');
      tell('3');
      await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toBe('1\n2\n3\n'), WAIT);
      await bench.stop(4000);
      expect(readFileSync(log, 'utf8')).toBe('1\n2\n3\nend\n');
      expect(existsSync(fifo)).toBe(false);
    },
  );

  test.concurrent('a mail that cannot be sent holds up nothing', async ({ onTestFinished }) => {
    const bench = starter(onTestFinished)();
    const { records, slot } = bench;
    const to = ['ops@example.com'];
    const strings = ['127.0.0.1', '1', '', '1000', '', 'a subject', 'a text', ...to];
    slot.sendOrHold({ kind: 'mail', id: 0, code: 0, strings });
    await vi.waitFor(
      () => expect(records.map(record => record.strings[0]).join()).toContain('it is tried again in 5000 ms'),
      WAIT,
    );
    slot.send(track(1, [60_000, 1000], ['/bin/true']));
    await vi.waitFor(() => expect(bench.results(1)).toEqual([0]), WAIT);
    const stoppedAtMs = performance.now();
    await bench.stop(4000);
    expect(performance.now() - stoppedAtMs).toBeLessThan(3000);
  });
});

describe('what a configuration asks of the worker', () => {
  test.concurrent(
    'is tracked until a reload drops it, and goes on undisturbed if it stays',
    async ({ onTestFinished }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tandem-asked-'));
      const files = ['kept', 'dropped'].map(name => join(folder, name));
      const runs = join(folder, 'runs');
      for (const file of files) writeFileSync(file, '1');
      const configured = (...tracked: readonly string[]): Config => {
        const text = `global_defs {\n script_user root\n}
vrrp_script chk {\n script "/bin/sh -c 'echo x >>${runs}'"\n interval 1000\n}
vrrp_track_process none {\n process nobody-has-${process.pid}\n}
${files.map(file => `track_file ${basename(file)} {\n file ${file}\n}`).join('\n')}
vrrp_instance V {
  interface eth0
  virtual_router_id 1
  virtual_ipaddress {\n 192.0.2.1\n }
  track_script {\n chk\n }
  track_process {\n none\n }
  track_file {\n ${tracked.join('\n ')}\n }
}`;
        return checkConfig('a.conf', { read: () => text, glob: () => [] }, { hostname: 'ka67' }).config;
      };
      const events: TrackerEvent[] = [];
      const log = new Log({ write: () => {} }, () => performance.now(), true);
      const listener = { result: (event: TrackerEvent) => void events.push(event), changed: () => {} };
      const place = { file: 'a.conf', configId: undefined, runDir: folder };
      const loaded = { hasServers: false, sha256: () => '' };
      const scripts = new Scripts(real, configured('kept', 'dropped'), listener, log, place, loaded);
      onTestFinished(async () => {
        await new Promise<void>(resolve => scripts.slot.stop(1000, resolve));
        rmSync(folder, { recursive: true });
      });
      const told = (event: TrackerEvent) => vi.waitFor(() => expect(events).toContainEqual(event), WAIT);
      scripts.start();
      await told({ kind: 'fileValue', file: 'kept', value: 1 });
      await told({ kind: 'fileValue', file: 'dropped', value: 1 });
      await told({ kind: 'processResult', process: 'none', quorate: false });
      await told({ kind: 'scriptResult', script: 'chk', success: true });
      scripts.reconfigure(configured('kept'), loaded);
      for (const file of files.toReversed()) writeFileSync(file, '2');
      await told({ kind: 'fileValue', file: 'kept', value: 2 });
      // Its event would have come before this one.
      writeFileSync(join(folder, 'kept'), '3');
      await told({ kind: 'fileValue', file: 'kept', value: 3 });
      expect(events).not.toContainEqual({ kind: 'fileValue', file: 'dropped', value: 2 });
      expect(events).toHaveLength(6);
      expect(readFileSync(runs, 'utf8')).toBe('x\n');
    },
  );
});

describe('the slot', () => {
  test.concurrent(
    'replaces a worker that was killed, and what was told meanwhile is not lost',
    async ({ onTestFinished }) => {
      const started = starter(onTestFinished);
      const { folder, slot, states } = started();
      const log = join(folder, 'log');
      await vi.waitFor(() => expect(states).toEqual(['starting', 'running']), WAIT);
      process.kill(Number(slot.status.pid), 'SIGKILL');
      await vi.waitFor(() => expect(states.at(-1)).not.toBe('running'), WAIT);
      slot.sendOrHold(notification('q', ['/bin/sh', '-c', `echo kept >${log}`]));
      await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toBe('kept\n'), WAIT);
      expect(slot.status).toMatchObject({ state: 'running', restarts: 1, lastLoss: 'ended by SIGKILL' });
    },
  );

  test.concurrent('kills a worker that is silent', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const { slot } = started({ silenceMs: 1500 });
    await vi.waitFor(() => expect(slot.status.state).toBe('running'), WAIT);
    process.kill(Number(slot.status.pid), 'SIGSTOP');
    await vi.waitFor(() => expect(slot.status.lastLoss).toBe('killed: silent for 1500 ms'), WAIT);
    await vi.waitFor(() => expect(slot.status.state).toBe('running'), WAIT);
  });

  test.concurrent('kills a worker that breaks the framing', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const { slot } = started({ argv: ['/bin/sh', '-c', 'printf xxxxxxxxxxxxxxxx >&3; exec sleep 60'] });
    await vi.waitFor(() => expect(slot.status.lastLoss).toContain('killed: unknown record kind'), WAIT);
  });

  test.concurrent('backs off from one that cannot start', async ({ onTestFinished }) => {
    const started = starter(onTestFinished);
    const { lines, slot } = started({ argv: ['/does/not/exist'] });
    await vi.waitFor(() => expect(slot.status.restarts).toBeGreaterThan(3), WAIT);
    expect(slot.status.lastLoss).toContain('ENOENT');
    expect(lines.slice(0, 4).map(line => /in (\d+) ms/.exec(line)?.[1])).toEqual(['0', '20', '40', '50']);
  });
});

/** A zombie counts as gone: nobody here reaps the scripts' grandchildren. */
function isAlive(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}
