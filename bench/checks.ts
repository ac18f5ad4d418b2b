/**
 * CPU of N TCP_CHECKs on loopback, `delay_loop` 6 s: `node bench/checks.ts [N] [SECONDS]`. The servers run in a child, so
 * that only the checker's side is measured.
 */
import type { Checker } from '#conf/model.ts';
import { Checkers } from '#daemon/worker/checkers.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const SERVER = `require('net').createServer(s => s.on('error', () => {}).resume())
  .listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, function () { console.log(this.address().port); })`;
const WARM_UP_MS = 7500;

const [count = 10_000, seconds = 12] = process.argv.slice(2).map(Number);
const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = (await once(server.stdout, 'data')) as [Buffer];
let down = 0;
const checkers = new Checkers(
  {
    nowMs: () => Number(process.hrtime.bigint()) / 1e6,
    random: () => Math.random(),
    warn: text => console.error(text),
    log: text => console.error(text),
  },
  (_, verdict) => {
    if (!verdict.up) down++;
  },
);
for (let id = 0; id < count; id++) checkers.add(id, checkerAt(id, Number(String(line))));
await sleep(WARM_UP_MS);
const attempts = (): number =>
  Array.from({ length: count }, (_, id) => checkers.status(id)?.attempts ?? 0).reduce((a, b) => a + b, 0);
const [before, cpuBefore] = [attempts(), process.cpuUsage()];
await sleep(seconds * 1000);
const cpu = process.cpuUsage(cpuBefore);
const made = attempts() - before;
const cores = (cpu.user + cpu.system) / 1e6 / seconds;
console.log(
  `${count} TCP_CHECKs at 6 s: ${(made / seconds).toFixed(0)} checks/s, ${cores.toFixed(2)} of a core, ${down} down`,
);
checkers.close();
server.kill();

function checkerAt(id: number, port: number): Checker {
  return {
    kind: 'TCP_CHECK',
    position: { file: 'bench', line: 1, column: 1 },
    alpha: false,
    connectTimeoutMs: 5000,
    retry: 1,
    delayBeforeRetryMs: 1000,
    warmupMs: 6000,
    delayLoopMs: 6000,
    logAllFailures: false,
    connect: { address: Uint8Array.of(127, 1, (id >> 8) & 255, id & 255), port },
    bindto: undefined,
    bindPort: undefined,
    bindIf: undefined,
    fwmark: undefined,
  };
}
