/**
 * Seconds until virtual servers of 100 real servers are in the kernel, a tenth of the real servers has gone and come
 * back, and a clean stop has removed all: tandemd's release and keepalived in turn, in one user-mode Linux.
 *
 *     node bench/lvs.ts [VIRTUAL SERVERS] [file|tcp] [ROUNDS]
 *
 * `file`: each real server has a FILE_CHECK, so that no network and no `delay_loop` is in the figures. `tcp`: each has a
 * TCP_CHECK of a server that answers, and runs for 20 s more; nothing goes and comes back. See docs/lvs-bench.md.
 */
import { must } from '#base/assert.ts';
import { runInUml } from '#lab/uml.ts';
import { openIpvs } from '#linux/ipvs.ts';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_FLAGS } from '../scripts/release-launcher.ts';

const [REALS, FILES] = [100, 10];
const LIMIT_MS = 90_000;
/** Looks at the table cost the one CPU that the daemons have: no more than a third of the time is spent on them. */
const [LOOK_MS, LOOK_COST_FACTOR] = [20, 2];
const SETTLE_MS = 1500;
const TCP_MS = 20_000;
const STEPS = ['converge', 'a tenth goes', 'it comes back', 'clean stop'] as const;
type Step = (typeof STEPS)[number];

const CHECKOUT = join(import.meta.dirname, '..');
const [virtualsText = '300', checkText = 'file', roundsText = '3', where] = process.argv.slice(2);
const VIRTUALS = Number(virtualsText);
const CHECK = checkText === 'tcp' ? 'tcp' : 'file';
const ROUNDS = Number(roundsText);
const ALL = VIRTUALS * REALS;

/** A daemon and how it is started. */
interface Contender {
  readonly name: 'tandemd' | 'keepalived';
  readonly argv: readonly string[];
}

/** Seconds of each step, or what happened instead. */
type Round = Partial<Record<Step, number | string>>;

if (where === 'inside') await measureAll();
else {
  execFileSync(process.execPath, ['scripts/build.ts', '--if-changed', '--only', 'release'], {
    cwd: CHECKOUT,
  });
  console.log(`load ${loadavg()[0]?.toFixed(1)}`);
  const argv = [process.execPath, 'bench/lvs.ts', String(VIRTUALS), CHECK, String(ROUNDS), 'inside'];
  const { code } = await runInUml(argv, {
    directory: CHECKOUT,
    timeoutMs: 120_000 + ROUNDS * 240_000,
    onProgress: line => console.error(line),
    onLine: line => console.log(line),
  });
  console.log(`load ${loadavg()[0]?.toFixed(1)}`);
  process.exitCode = code;
}

async function measureAll(): Promise<void> {
  execFileSync('modprobe', ['ip_vs']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const answering = createServer(socket => socket.on('error', () => {}).resume());
  answering.listen({ port: 80, host: '0.0.0.0', backlog: 4096 });
  const folder = mkdtempSync(join(tmpdir(), 'bench-lvs-'));
  writeFileSync(join(folder, 'keepalived.conf'), configuration(folder));
  const rounds: Record<Contender['name'], Round[]> = { tandemd: [], keepalived: [] };
  for (let round = 1; round <= ROUNDS; round++)
    for (const contender of contenders(folder)) {
      const measured = await measure(contender, folder);
      rounds[contender.name].push(measured);
      const said = STEPS.flatMap(step =>
        measured[step] === undefined ? [] : `${step} ${shown(measured[step])}`,
      );
      console.log(`${round}. ${contender.name}: ${said.join(', ')}`);
      clearTable();
    }
  for (const step of STEPS) {
    const [ours, theirs] = [medianOf(rounds.tandemd, step), medianOf(rounds.keepalived, step)];
    if (ours === undefined && theirs === undefined) continue;
    const ratio = ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2);
    console.log(`median ${step}: tandemd ${shown(ours)}, keepalived ${shown(theirs)}, ratio ${ratio}`);
  }
  answering.close();
  rmSync(folder, { recursive: true });
}

function contenders(folder: string): Contender[] {
  const conf = join(folder, 'keepalived.conf');
  const runDir = join(folder, 'run');
  mkdirSync(runDir, { recursive: true });
  const program = join(CHECKOUT, 'dist', 'release', process.arch, 'tandemd.mjs');
  const own = ['-n', '-l', '-f', conf, '--run-dir', runDir];
  const pidFiles = ['-p', 'k', '-c', 'kc', '-r', 'kv'].map(word =>
    word.startsWith('-') ? word : join(folder, word),
  );
  return [
    { name: 'tandemd', argv: [process.execPath, ...NODE_FLAGS, program, ...own] },
    // Without syslog: there is no server for it, and its lines would go to the console, one by one.
    { name: 'keepalived', argv: ['keepalived', '-n', '-l', '-G', '-f', conf, ...pidFiles] },
  ];
}

async function measure({ name, argv }: Contender, folder: string): Promise<Round> {
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `f${i}`), '0\n');
  const [program = '', ...rest] = argv;
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'w');
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const child: ChildProcess = spawn(program, rest, { stdio: ['ignore', output, output], env });
  const ended = once(child, 'exit');
  const round: Round = {};
  const step = async (what: Step, wanted: number, action: () => void): Promise<void> => {
    const begin = performance.now();
    action();
    for (;;) {
      const lookedAtMs = performance.now();
      const isOver = child.exitCode !== null || child.signalCode !== null;
      const count = destinations();
      const nowMs = performance.now();
      if (count === wanted) {
        round[what] = (nowMs - begin) / 1000;
        break;
      }
      if (isOver || nowMs - begin > LIMIT_MS) {
        const why = isOver ? `ended after ${((nowMs - begin) / 1000).toFixed(1)} s with` : 'had';
        round[what] = `${why} ${count} entries instead of ${wanted}`;
        break;
      }
      await sleep(Math.max(LOOK_MS, LOOK_COST_FACTOR * (nowMs - lookedAtMs)));
    }
  };
  await step('converge', ALL, () => {});
  await sleep(SETTLE_MS);
  if (CHECK === 'file') {
    await step('a tenth goes', ALL - ALL / FILES, () => writeFileSync(join(folder, 'f0'), '1\n'));
    await sleep(SETTLE_MS);
    await step('it comes back', ALL, () => writeFileSync(join(folder, 'f0'), '0\n'));
    await sleep(SETTLE_MS);
  } else {
    await sleep(TCP_MS);
    console.log(`${name}: ${destinations()} of ${ALL} after ${TCP_MS / 1000} s of checks`);
  }
  await step('clean stop', 0, () => child.kill('SIGTERM'));
  await ended;
  for (const line of readFileSync(log, 'utf8').split('\n'))
    if (/worker process is gone|failed to die/.test(line)) console.log(`${name} said: ${line}`);
  return round;
}

/** Lines of destinations in the kernel's table. */
function destinations(): number {
  return readFileSync('/proc/net/ip_vs', 'latin1').split('\n  -> ').length - 2;
}

/** Whatever a daemon left. */
function clearTable(): void {
  const opened = openIpvs();
  if (!opened.ok) throw new Error(opened.failure.message);
  const read = opened.value.services();
  if (!read.ok) throw new Error(read.failure.message);
  opened.value.apply(read.value.map(({ key }) => ({ type: 'removeService', key })));
  opened.value.close();
}

function medianOf(rounds: readonly Round[], step: Step): number | undefined {
  const values = rounds.map(round => round[step]).filter(value => typeof value === 'number');
  if (values.length === 0 || values.length < rounds.length) return undefined;
  return must(values.toSorted((a, b) => a - b)[values.length >> 1], 'a value');
}

function shown(value: number | string | undefined): string {
  return typeof value === 'number' ? `${value.toFixed(2)} s` : (value ?? 'not reached');
}

function configuration(folder: string): string {
  const trackFiles = range(FILES).map(i => `track_file f${i} {\nfile ${join(folder, `f${i}`)}\nweight 0\n}`);
  const checkOf = (i: number): string =>
    CHECK === 'file' ? `FILE_CHECK {\ntrack_file f${i % FILES}\n}` : 'TCP_CHECK {\nconnect_timeout 5\n}';
  const reals = range(REALS).map(i => `real_server 127.0.1.${i + 1} 80 {\n${checkOf(i)}\n}`);
  const virtuals = range(VIRTUALS).map(
    i =>
      `virtual_server 10.9.${i >> 8}.${i & 255} 80 {\nprotocol TCP\nlvs_sched wrr\nlvs_method NAT\n` +
      `${CHECK === 'file' ? 'warmup 0\n' : 'delay_loop 60\n'}${reals.join('\n')}\n}`,
  );
  return [...(CHECK === 'file' ? trackFiles : []), ...virtuals, ''].join('\n');
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
