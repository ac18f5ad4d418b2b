import { describe, expect, test } from 'vitest';
import { run } from './command.ts';

const sh = (script: string) => ['sh', '-c', script];

describe('running a command', () => {
  test('output, status and stdin', async () => {
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);
    const result = await run(sh('cat; echo two; echo bad >&2; exit 3'), { stdin: 'one\n', onLine });
    expect(result).toEqual({ code: 3, stdout: 'one\ntwo\n', stderr: 'bad\n' });
    expect(lines.toSorted((a, b) => a.localeCompare(b))).toEqual(['bad', 'one', 'two']);
  });

  test('a signal is 128 and its number', async () => {
    expect((await run(sh('kill -TERM $$'))).code).toBe(143);
  });

  test('a failure that is ours says what the command said', async () => {
    await expect(run(sh('echo because >&2; exit 4'), { check: true })).rejects.toThrow(/exit 4:\nbecause$/);
    await expect(run(['/nonexistent/program'])).rejects.toThrow('cannot run /nonexistent/program');
  });

  test('the bound kills what the command started, too', async () => {
    const startedAt = performance.now();
    await expect(run(sh('sleep 30 | sleep 30'), { timeoutMs: 100 })).rejects.toThrow('no end within 100 ms');
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('a daemon that holds the output open does not hold us', async () => {
    const startedAt = performance.now();
    expect(await run(sh('setsid sleep 3 & echo started'))).toMatchObject({ code: 0, stdout: 'started\n' });
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });

  test('a command that reads nothing does not break the pipe for us', async () => {
    expect((await run(['true'], { stdin: 'x'.repeat(1 << 20) })).code).toBe(0);
  });
});
