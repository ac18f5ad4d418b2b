import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { Checkers } from '#daemon/worker/checkers.ts';
import { checkerConfig, namedChecks, realServerAddress } from './checker-config.ts';
import { checkedServers } from './checker-servers.ts';

/*
 * Program: `checker-course.ts FOLDER [keepalived]`. Checks Debian's servers while they serve, when they are gone and when
 * they are back, in the network namespace where it is started; with `keepalived`, that checks beside us. Prints what each
 * checker told, by its name: `{"ours":{"TCP_CHECK":["up","down","up"],…},"keepalived":{…}}`; stderr tells why.
 */

const PHASE_MS = 30_000;
const POLL_MS = 20;

type Course = Record<string, ('up' | 'down')[]>;

/** Somebody who checks. */
interface Examiner {
  readonly name: string;
  readonly course: Course;
  stop(): void;
}

function ourselves(text: string, names: readonly string[]): Examiner {
  const { config, diagnostics } = checkConfig('/k.conf', memorySource({ '/k.conf': text }), {
    hostname: 'checker',
  });
  if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
  const course: Course = Object.fromEntries(names.map(name => [name, []]));
  const tools = {
    nowMs: () => performance.now(),
    random: () => Math.random(),
    warn: (line: string) => console.error(line),
    log: () => {},
  };
  const checkers = new Checkers(tools, (id, { up, said }) => {
    const name = names[id] ?? '';
    console.error(`${name}: ${up ? 'up' : 'down'}: ${said}`);
    course[name]?.push(up ? 'up' : 'down');
  });
  for (const [id, { checkers: own }] of (config.virtualServers[0]?.realServers ?? []).entries())
    for (const checker of own) checkers.add(id, checker);
  return { name: 'ours', course, stop: () => checkers.close() };
}

/** Debian's keepalived 2.2.7 finds no match of this expression; why is not known. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['keepalived: HTTP_GET, regex']);

/** Debian's keepalived with its checkers only; a kernel with IPVS is needed. Real servers are up for it at first. */
function keepalived(file: string, names: readonly string[]): Examiner {
  const course: Course = Object.fromEntries(names.map(name => [name, ['up']]));
  const pids = ['-p', `${file}.pid`, '-c', `${file}.checkers`];
  const argv = ['--pdeathsig', 'KILL', 'keepalived', '-n', '-l', '-D', '-G', '-C', '-f', file, ...pids];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        console.error(`keepalived: ${line}`);
        const [, verb, address = ''] =
          /(Adding|Removing|Enabling|Disabling) service \[([\d.]+)\]/.exec(line) ?? [];
        const index = names.findIndex((_, i) => realServerAddress(i) === address);
        if (verb !== undefined) course[names[index] ?? '']?.push(/^[AE]/.test(verb) ? 'up' : 'down');
      }
    });
  }
  return { name: 'keepalived', course, stop: () => void child.kill('SIGTERM') };
}

/** Waits until everyone's last verdict of each check is as it should be, or says whose is not. */
async function settled(
  phase: string,
  examiners: readonly Examiner[],
  expected: ReadonlyMap<string, boolean>,
): Promise<void> {
  const wrong = (): string[] =>
    examiners
      .flatMap(({ name: who, course }) =>
        [...expected].flatMap(([name, up]) =>
          course[name]?.at(-1) === (up ? 'up' : 'down') ? [] : [`${who}: ${name}`],
        ),
      )
      .filter(each => !NOT_COMPARED.has(each));
  const fromMs = performance.now();
  while (wrong().length > 0 && performance.now() - fromMs < PHASE_MS)
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  const left = wrong();
  if (left.length > 0) throw new Error(`${phase}: not as expected: ${left.join('; ')}`);
  console.error(`--- ${phase}: ${Math.round(performance.now() - fromMs)} ms`);
}

async function main(folder: string, withKeepalived: boolean): Promise<void> {
  const servers = checkedServers(folder);
  const checks = namedChecks(folder);
  const names = checks.map(({ name }) => name);
  const file = join(folder, 'keepalived.conf');
  writeFileSync(file, checkerConfig(folder), { mode: 0o600 });
  await Promise.all(servers.map(async server => server.start()));
  const examiners = [
    ourselves(checkerConfig(folder), names),
    ...(withKeepalived ? [keepalived(file, names)] : []),
  ];
  const serving = new Map(checks.map(({ name, serves }) => [name, serves]));
  const gone = new Map(names.map(name => [name, false]));
  try {
    await settled('all serve', examiners, serving);
    await Promise.all(servers.map(async server => server.stop()));
    await settled('all are gone', examiners, gone);
    await Promise.all(servers.map(async server => server.start()));
    await settled('all serve again', examiners, serving);
    console.log(JSON.stringify(Object.fromEntries(examiners.map(({ name, course }) => [name, course]))));
  } finally {
    for (const examiner of examiners) examiner.stop();
    await Promise.all(servers.map(async server => server.stop()));
  }
}

const [folder = '', other] = process.argv.slice(2);
await main(folder, other === 'keepalived');
