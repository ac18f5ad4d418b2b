/** What a command costs on the controller, and what it asks of the hosts. */
import { mkdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '#base/assert.ts';
import { cgroupRoot, killCgroup, removeCgroup } from '#lab/cgroup.ts';
import { type Lab, LabError } from '#lab/lab.ts';
import { CONTENDERS, type Contender, membersOf, subnetOf } from './site.ts';

export interface Cost {
  readonly wallS: number;
  /** Of all processes that the command started, in both modes. */
  readonly cpuS: number;
  /** Greatest number on any host, as its sshd logged them. */
  readonly connections: number;
  readonly execs: number;
  /** IP packets of SSH in both directions, in KB (1000 bytes), mean of the hosts. */
  readonly kilobytes: number;
}

export interface Run {
  readonly cost: Cost;
  readonly code: number;
  readonly output: string;
}

const TIMEOUT_MS = 1_200_000;
const ENTER = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"';

/** Counts SSH's packets of each contender in the controller's namespace from now on. */
export async function countPackets(lab: Lab): Promise<void> {
  const rules = CONTENDERS.flatMap(contender => [
    `add counter inet bench ${contender}`,
    `add rule inet bench in ip saddr ${subnetOf(contender)} tcp sport 22 counter name ${contender}`,
    `add rule inet bench out ip daddr ${subnetOf(contender)} tcp dport 22 counter name ${contender}`,
  ]);
  const table = [
    'add table inet bench',
    'add chain inet bench in { type filter hook input priority 0; }',
    'add chain inet bench out { type filter hook output priority 0; }',
    ...rules,
  ];
  await lab.controllerExec(['nft', '-f', '-'], { stdin: `${table.join('\n')}\n`, check: true });
}

async function bytesOf(lab: Lab, contender: Contender): Promise<number> {
  const { stdout } = await lab.controllerExec(['nft', 'list', 'counter', 'inet', 'bench', contender], {
    check: true,
  });
  return Number(must(/bytes (\d+)/.exec(stdout)?.[1], 'a counter'));
}

/** Runs `argv` in the controller's namespace, in a cgroup of its own; what it leaves running is ended. */
export async function measured(
  lab: Lab,
  contender: Contender,
  hosts: number,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Run> {
  const cgroup = `${cgroupRoot()}/tandem-bench-${process.pid}`;
  mkdirSync(cgroup);
  const bytesBefore = await bytesOf(lab, contender);
  const sinceS = Date.now() / 1000;
  try {
    const startedAtMs = performance.now();
    const ended = await lab.controllerExec(['sh', '-c', ENTER, 'sh', cgroup, ...argv], {
      timeoutMs: TIMEOUT_MS,
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    const wallS = (performance.now() - startedAtMs) / 1000;
    const used = /^usage_usec (\d+)/m.exec(readFileSync(`${cgroup}/cpu.stat`, 'utf8'))?.[1];
    const bytes = (await bytesOf(lab, contender)) - bytesBefore;
    const sessions = await sessionsOf(lab, contender, hosts, sinceS);
    const cost = { wallS, cpuS: Number(must(used, 'cpu.stat')) / 1e6, kilobytes: bytes / hosts / 1000 };
    return { cost: { ...cost, ...sessions }, code: ended.code, output: ended.stdout + ended.stderr };
  } finally {
    await endAll(cgroup);
  }
}

/** Ends what is in the cgroup, such as connections that ssh keeps for a minute: the next run begins without them. */
async function endAll(cgroup: string): Promise<void> {
  killCgroup(cgroup);
  for (let i = 0; !removeCgroup(cgroup); i++) {
    if (i === 200) throw new LabError(`${cgroup} cannot be removed`);
    await sleep(20);
  }
}

async function sessionsOf(
  lab: Lab,
  contender: Contender,
  hosts: number,
  sinceS: number,
): Promise<Pick<Cost, 'connections' | 'execs'>> {
  const [connections, execs]: [number[], number[]] = [[], []];
  for (const { name } of membersOf(contender, hosts)) {
    // What sshd has written must have reached the journal.
    const script = `journalctl --sync; journalctl --no-pager -o cat -t sshd --since @${sinceS.toFixed(3)}`;
    const { stdout } = await lab.exec(name, { script }, { check: true });
    const count = (words: RegExp): number => stdout.split('\n').filter(line => words.test(line)).length;
    connections.push(count(/^Accepted publickey/));
    execs.push(count(/^Starting session/));
  }
  return { connections: Math.max(...connections), execs: Math.max(...execs) };
}
