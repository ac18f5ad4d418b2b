import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { Log, type LogSink } from './log.ts';
import { DescriptorSink, SyslogSink, TeeSink } from './log-sink.ts';

function collected(): LogSink & { lines: string[] } {
  const lines: string[] = [];
  return { lines, write: (severity, line) => void lines.push(`${severity} ${line}`) };
}

describe('the log', () => {
  test('details only when asked for', () => {
    const sink = collected();
    new Log(sink, () => 0, false).info('quiet');
    const log = new Log(sink, () => 0, true);
    log.info('said');
    log.debug('said too');
    expect(sink.lines).toEqual(['6 said', '7 said too']);
  });

  test('a kind is rate-limited, and what was left out is counted', () => {
    const sink = collected();
    let now = 0;
    const log = new Log(sink, () => now, false);
    for (let i = 0; i < 25; i++) log.warning(`bad packet ${i}`, 'checksum');
    log.warning('another', 'length');
    log.error('never limited');
    expect(sink.lines).toHaveLength(12);
    now = 10_000;
    log.warning('bad packet 25', 'checksum');
    expect(sink.lines.slice(-2)).toEqual([
      '5 15 more lines like the next one were not logged (checksum)',
      '4 bad packet 25',
    ]);
  });

  test('writes lines to a descriptor, in order, with their prefixes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-log-'));
    const path = join(folder, 'log');
    const descriptor = openSync(path, 'w');
    const sink = new DescriptorSink(descriptor, severity => `<${severity}>`);
    sink.write(5, 'one\ntwo');
    sink.write(4, 'three');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('<5>one\n<5>two\n<4>three\n'));
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });

  test('goes to syslog with its facility', () => {
    const sent: string[] = [];
    const datagram = {
      send: (path: string, bytes: Uint8Array) => sent.push(`${path} ${Buffer.from(bytes).toString()}`),
      close: () => {},
    };
    const other = collected();
    new TeeSink([new SyslogSink(datagram, 22, 'Tandem[1]'), other]).write(5, 'line');
    expect(sent).toEqual(['/dev/log <181>Tandem[1]: line']);
    expect(other.lines).toEqual(['5 line']);
  });
});
