import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseScenario, recordScenario } from '#testing/scenario.ts';

// Elections as text: `UPDATE_SCENARIOS=1 vitest run src/vrrp/scenarios.test.ts` records anew; read the difference.
const FOLDER = new URL('scenarios/', import.meta.url);

test.each(readdirSync(FOLDER))('%s', name => {
  const url = new URL(name, FOLDER);
  const recorded = recordScenario(parseScenario(readFileSync(url, 'utf8')));
  if (process.env['UPDATE_SCENARIOS'] === '1') writeFileSync(url, recorded);
  expect(recorded).toBe(readFileSync(url, 'utf8'));
});
