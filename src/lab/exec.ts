import type { Command } from './api.ts';
import { RUN_IN_CGROUP } from './boot-scripts.ts';
import { initPid, pathsOfHost, type LabContext } from './host.ts';
import { LabError } from './lab-error.ts';

const HOST_ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'USER=root',
  'LANG=C.UTF-8',
] as const;

export function argvOf(command: Command): readonly string[] {
  return 'script' in command ? ['/bin/sh', '-c', command.script] : command;
}

/**
 * The argv that runs `argv` inside all namespaces of a host, in a cgroup of the host, so that it ends with it.
 *
 * @throws {LabError} when the host is down.
 */
export function hostArgv(lab: LabContext, host: string, argv: readonly string[]): string[] {
  const paths = pathsOfHost(lab, host);
  const pid = initPid(paths);
  if (pid === undefined) throw new LabError(`${host} is down`, { hint: `tandem lab start ${host}` });
  const terminal = process.env['TERM'] === undefined ? [] : [`TERM=${process.env['TERM']}`];
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
  const enter = ['nsenter', '--target', String(pid), ...namespaces, '--'];
  return [
    ...inCgroup(`${paths.cgroup}/lab-exec`),
    ...enter,
    'env',
    '-i',
    ...HOST_ENVIRONMENT,
    ...terminal,
    ...argv,
  ];
}

/** The argv that runs `argv` of this machine in the controller's network namespace. */
export function controllerArgv(lab: LabContext, argv: readonly string[]): string[] {
  return ['nsenter', `--net=${lab.paths.controllerNamespace}`, '--', ...argv];
}

/** Prefix of an argv: run the rest in `cgroup`, where whoever removes the lab finds it. */
export function inCgroup(cgroup: string): string[] {
  return ['sh', '-c', RUN_IN_CGROUP, 'sh', cgroup];
}
