import type { Config } from '#conf/model.ts';
import type { Log } from './log.ts';

const TIMEOUT_MS = 2000;

/**
 * `vrrp_cpu_affinity`: keeps the process `pid`, all of its threads, on the named CPUs, by util-linux's `taskset`, which
 * every Linux distribution has. Before anything of VRRP runs: starting a program holds this process up.
 */
export function pinToCpus({ globalDefs }: Config, pid: number, log: Log): void {
  const cpus = globalDefs.process.vrrpCpuAffinity;
  if (cpus.length === 0) return;
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const args = ['--all-tasks', '--cpu-list', '--pid', cpus.join(','), String(pid)];
  const { error, status, stderr } = spawnSync('taskset', args, { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (status === 0) return;
  const reason = error ? error.message : stderr.trim();
  log.warning(`vrrp_cpu_affinity ${cpus.join(' ')}: ${reason}; the process may run on every CPU`);
}
