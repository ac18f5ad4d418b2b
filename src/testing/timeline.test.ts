import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { drawTimeline, longestGap, type Recording } from './timeline.ts';

const folder = new URL('../../docs/pictures/', import.meta.url);
const recordings = JSON.parse(readFileSync(new URL('failover.json', folder), 'utf8')) as readonly Recording[];

test('docs/pictures/failover.svg is what its recording says', () => {
  expect(drawTimeline(recordings, 'Two nodes, one virtual address')).toBe(
    readFileSync(new URL('failover.svg', folder), 'utf8'),
  );
});

test('the outage is the longest time between two answers, and only where probes were lost', () => {
  const one: Recording = {
    ...must(recordings[0], 'a recording'),
    answeredMs: [0, 10, 400, 410],
    sent: 40,
    lost: 38,
  };
  expect(longestGap(one)).toEqual({ fromMs: 10, toMs: 400 });
  expect(drawTimeline([one], 't')).toContain('390 ms without an answer (38 of 40 probes lost)');
  expect(drawTimeline([{ ...one, lost: 0 }], 't')).not.toContain('without an answer');
});
