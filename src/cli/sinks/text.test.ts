import { describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { jsonRenderer } from './json.ts';
import { plainRenderer } from './plain.ts';
import { eventLines, ms, type TextOptions } from './text.ts';

const plain: TextOptions = { diff: false, verbose: false, paint: (_, text) => text };

const change: RunEvent = {
  type: 'task',
  host: 'ka67',
  role: 'vrrp',
  task: 'Write keepalived.conf',
  status: 'pending',
  changes: [
    {
      resource: 'file:/etc/tandem/keepalived.conf',
      summary: 'content',
      before: 'a\nb\nc\n',
      after: 'a\nB\nc\n',
      effect: 'reload',
    },
  ],
};

describe('text', () => {
  test('a change names host, status, role, task and resource', () => {
    expect(eventLines(change, plain)).toEqual([
      'ka67: pending: vrrp : Write keepalived.conf',
      '    file:/etc/tandem/keepalived.conf: content',
    ]);
  });

  test('a change that the routers cannot speak across names what, how long, and the way', () => {
    const event = {
      type: 'wire-breaking',
      cluster: 'two-node',
      instances: [{ instance: 'VG_1', keywords: ['authentication'] }],
      expectedSeconds: 10,
    } as const;
    const about =
      'two-node: a change of VG_1 (authentication), across which its routers do not understand each other';
    const how = 'rolled with the backups stopped, about 10 s without redundancy';
    expect(eventLines({ ...event, status: 'planned' }, plain)).toEqual([`${about}: ${how}`]);
    expect(eventLines({ ...event, status: 'refused' }, plain)).toEqual([
      `${about}: not done without --allow-unprotected 10 (${how})`,
    ]);
    expect(eventLines({ ...event, status: 'done', elapsedMs: 1400 }, plain)).toEqual([
      'two-node: redundancy was away for 1.4 s',
    ]);
  });

  test('with --diff the lines that differ follow', () => {
    expect(eventLines(change, { ...plain, diff: true }).slice(2)).toEqual([
      '    @@ -1,3 +1,3 @@',
      '     a',
      '    -b',
      '    +B',
      '     c',
    ]);
  });

  test('what was fine is said only when asked', () => {
    const fine: RunEvent = { ...change, type: 'task', status: 'ok', changes: [] };
    expect(eventLines(fine, plain)).toEqual([]);
    expect(eventLines(fine, { ...plain, verbose: true })).toHaveLength(1);
  });

  test('colour is only paint', () => {
    const painted = eventLines(change, { ...plain, paint: (tone, text) => `<${tone}>${text}` });
    expect(painted[0]).toContain('<change>pending');
  });

  test.each([
    [12.4, '12 ms'],
    [2340, '2.3 s'],
    [250_000, '4 min 10 s'],
  ])('%d ms reads %s', (elapsedMs, text) => {
    expect(ms(elapsedMs)).toBe(text);
  });
});

describe('sinks', () => {
  const collect = () => {
    const written: string[] = [];
    return { written, output: { write: (text: string) => written.push(text) } };
  };

  test('JSON is one object a line that gives the event back', () => {
    const { written, output } = collect();
    jsonRenderer(output).emit(change);
    expect(written).toHaveLength(1);
    expect(written[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(written[0] ?? '')).toEqual(change);
  });

  test('plain lines are written as they come', () => {
    const { written, output } = collect();
    const renderer = plainRenderer(output, plain);
    renderer.emit(change);
    expect(written.join('')).toContain('ka67: pending');
  });
});
