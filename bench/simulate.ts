/**
 * Random clusters under random misfortune, as many as wanted: `node bench/simulate.ts --failovers 1000000`, or
 * `--seeds 1000 --from 5000`; `--misfortunes` per cluster (default 40). A broken invariant ends with status 1 and the seed
 * that replays it.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '#base/errors.ts';
import { runChaos } from '#testing/simulator-chaos.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    failovers: { type: 'string' },
    from: { type: 'string', default: '1' },
    misfortunes: { type: 'string', default: '40' },
  },
});
const from = Number(values.from);
const misfortunes = Number(values.misfortunes);
const wantedFailovers = values.failovers === undefined ? Infinity : Number(values.failovers);
const mostSeeds =
  values.seeds !== undefined ? Number(values.seeds) : values.failovers === undefined ? 200 : Infinity;

const startMs = performance.now();
const PROGRESS_MS = 10_000;
let reportedAtMs = startMs;
let failovers = 0;
let seed = from;
try {
  for (; seed < from + mostSeeds && failovers < wantedFailovers; seed++) {
    failovers += runChaos(seed, misfortunes).failovers;
    if (performance.now() - reportedAtMs < PROGRESS_MS) continue;
    reportedAtMs = performance.now();
    console.error(`seed ${seed}: ${failovers} failovers`);
  }
} catch (error) {
  const cause = error instanceof Error ? messageOf(error.cause) : '';
  console.error(
    `${messageOf(error)}\n  ${cause}\n  replay: node bench/simulate.ts --from ${seed} --seeds 1 --misfortunes ${misfortunes}`,
  );
  process.exitCode = 1;
}
const minutes = (performance.now() - startMs) / 60_000;
console.log(
  `${seed - from} clusters, ${failovers} failovers, ${(minutes * 60).toFixed(1)} s, ${Math.round(failovers / minutes)} failovers a minute`,
);
