/** What a host's turn means for the routers that its VRRP daemon speaks with. */
import { InputError } from '#base/errors.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { HostPlan } from './plan.ts';
import { type HandlerOptions, pauseFor } from './planner-handlers.ts';
import { type Fragment, lines, sh } from './shell.ts';
import type { ElectionChange, WireBreak } from './vrrp-change.ts';

/**
 * A daemon that runs with the new text already (somebody edited the file and did not reload) changes nothing. Throws
 * InputError for a task that could not have its daemon stopped.
 */
export function vrrpPlanOf(
  options: HandlerOptions,
  live: DaemonStatus | undefined,
): Pick<HostPlan, 'wire' | 'elections'> {
  const breaks: WireBreak[] = [];
  const elections: ElectionChange[] = [];
  const pauses: Fragment[] = [];
  const resumes: Fragment[] = [];
  for (const { work, instances } of options.decided) {
    for (const { vrrp } of instances.flatMap(({ changes }) => changes)) {
      if (!vrrp || vrrp.configurationSha256 === live?.configurationSha256) continue;
      elections.push(...vrrp.elections);
      const all = vrrp.ofAll.length > 0 ? (live?.instances ?? []) : [];
      const broken = [
        ...vrrp.breaks,
        ...all.map(({ name: instance }) => ({ instance, keywords: vrrp.ofAll })),
      ];
      if (broken.length === 0) continue;
      breaks.push(...broken);
      const stopped = pauseFor(work, options);
      if (!stopped)
        throw new InputError([
          {
            id: 'vrrp-configuration-notify',
            severity: 'error',
            message: `"${work.task.name}" writes a VRRP daemon's configuration and notifies no handler`,
            position: work.task.position,
            hint: 'notify a handler that reloads the daemon: a change that its peers do not understand needs it',
          },
        ]);
      const { replaced } = vrrp;
      pauses.push(replaced === undefined ? stopped.pause : sh`systemctl stop ${replaced}`);
      resumes.push(replaced === undefined ? stopped.resume : sh`systemctl start ${replaced}`);
    }
  }
  const wire = breaks.length > 0 ? { wire: { breaks, pause: lines(pauses), resume: lines(resumes) } } : {};
  return elections.length > 0 ? { ...wire, elections } : wire;
}
