/**
 * Hostile packets and configurations, as many as wanted: `node bench/fuzz.ts --packets 1000000 --configs 100000 --seed 1`.
 * Ends with status 1 if a call throws (the seed replays it), takes 10 ms, or leaves something in the heap.
 * Recorded runs: docs/fuzz.md.
 */
import { parseArgs } from 'node:util';
import { fuzzConfigs } from '#testing/fuzz-configs.ts';
import type { FuzzResult } from '#testing/fuzz-meter.ts';
import { fuzzPackets } from '#testing/fuzz-packets.ts';

const LONGEST_MS = 10;
const HEAP_BYTES = 8 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '100000' },
    configs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);

function report(what: string, result: FuzzResult, detail: string): void {
  const { calls, longestCallMs, longestInput, heapGrowthBytes } = result;
  console.log(
    `${calls} ${what}, seed ${seed}: none threw; ${detail}; longest call ${longestCallMs.toFixed(2)} ms; ` +
      `heap ${heapGrowthBytes >= 0 ? '+' : ''}${Math.round(heapGrowthBytes / 1024)} KiB`,
  );
  if (longestCallMs < LONGEST_MS && heapGrowthBytes < HEAP_BYTES) return;
  console.error(`too much: the longest call's input was\n${longestInput}`);
  process.exitCode = 1;
}

if (Number(values.packets) > 0) {
  const result = fuzzPackets(Number(values.packets), seed);
  report('packets', result, `${result.accepted} accepted`);
}
if (Number(values.configs) > 0) {
  const result = fuzzConfigs(Number(values.configs), seed);
  report('configurations', result, `${result.good} without a complaint`);
}
