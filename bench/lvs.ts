/**
 * Seconds until virtual servers of 100 real servers are in the kernel, a tenth of the real servers has gone and come
 * back, and a clean stop has removed all: tandemd, then keepalived, in one user-mode Linux. `node bench/lvs.ts [VIRTUAL SERVERS]`.
 * Each real server has a FILE_CHECK, so that no network and no `delay_loop` is in the figures.
 */
import { must } from '#base/assert.ts';
import { runInUml } from '#lab/uml.ts';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [REALS, FILES] = [100, 10];
const VIRTUALS = Number(process.argv[2] ?? 300);
const ALL = VIRTUALS * REALS;
const LIMIT_S = 100;
const CHECKOUT = join(import.meta.dirname, '..');

if (process.argv[3] === 'inside') await measureBoth();
else {
  const { code } = await runInUml([process.execPath, 'bench/lvs.ts', String(VIRTUALS), 'inside'], {
    directory: CHECKOUT,
    timeoutMs: 400_000,
    onProgress: line => console.error(line),
    onLine: line => console.log(line),
  });
  process.exitCode = code;
}

async function measureBoth(): Promise<void> {
  execFileSync('modprobe', ['ip_vs']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const folder = mkdtempSync(join(tmpdir(), 'bench-lvs-'));
  const configFile = join(folder, 'keepalived.conf');
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `f${i}`), '0\n');
  writeFileSync(configFile, configuration(folder));
  const main = join(CHECKOUT, 'src', 'daemon', 'main.ts');
  const pidFiles = ['-p', 'k', '-c', 'kc', '-r', 'kv'].map(word =>
    word.startsWith('-') ? word : join(folder, word),
  );
  const ownWords = ['-n', '-l', '-f', configFile, '--run-dir', folder, '--no-realtime'];
  await measure('tandemd', folder, [process.execPath, main, ...ownWords]);
  await measure('keepalived', folder, ['keepalived', '-n', '-l', '-C', '-f', configFile, ...pidFiles]);
  rmSync(folder, { recursive: true });
}

async function measure(name: string, folder: string, argv: readonly string[]): Promise<void> {
  const [program, ...rest] = argv;
  const watched = join(folder, 'f0');
  const said: string[] = [];
  const child: ChildProcess = spawn(must(program, 'a program'), rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const step = async (what: string, wanted: number, action: () => void): Promise<void> => {
    const begin = performance.now();
    action();
    while (destinations() !== wanted) {
      if (performance.now() - begin > LIMIT_S * 1000)
        throw new Error(`${name}: ${what}: ${destinations()} of ${wanted}\n${said.join('').slice(-2000)}`);
      await sleep(200);
    }
    console.log(`${name}: ${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  };
  await step('converge', ALL, () => {});
  await step('a tenth goes', ALL - ALL / FILES, () => writeFileSync(watched, '1\n'));
  await step('it comes back', ALL, () => writeFileSync(watched, '0\n'));
  const ended = once(child, 'exit');
  await step('clean stop', 0, () => child.kill('SIGTERM'));
  await ended;
}

/** Lines of destinations in the kernel's table. */
function destinations(): number {
  return readFileSync('/proc/net/ip_vs', 'latin1').split('\n  -> ').length - 2;
}

function configuration(folder: string): string {
  const trackFiles = range(FILES).map(i => `track_file f${i} {\nfile ${join(folder, `f${i}`)}\nweight 0\n}`);
  const reals = range(REALS).map(
    i => `real_server 127.0.1.${i + 1} 80 {\nFILE_CHECK {\ntrack_file f${i % FILES}\n}\n}`,
  );
  const virtuals = range(VIRTUALS).map(
    i =>
      `virtual_server 10.9.${i >> 8}.${i & 255} 80 {\nprotocol TCP\nlvs_sched wrr\nlvs_method NAT\nwarmup 0\n${reals.join('\n')}\n}`,
  );
  return [...trackFiles, ...virtuals, ''].join('\n');
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
