import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';

/** Lines of `tandemd status` about a virtual server: what is down says why. */
export function describeServer(server: VirtualServerStatus): string[] {
  const { name, quorate, liveWeight, quorum, realServers } = server;
  const up = realServers.filter(real => real.up).length;
  const state = [
    `${up} of ${realServers.length} real servers up`,
    `weight ${liveWeight}, quorum ${quorum} ${quorate ? 'held' : 'lost'}`,
    ...(server.sorry ? ['the sorry server stands in'] : []),
    ...(server.suspended ? ['its address is not here: nothing is checked'] : []),
    ...(server.inKernel ? [] : ['not in the kernel']),
  ];
  return [
    `VS ${name}: ${state.join(', ')}`,
    ...realServers.flatMap(describeReal),
    ...server.draining.map(draining => `  ${draining} is removed when its connections have ended`),
  ];
}

function describeReal(real: RealServerStatus): string[] {
  const connections = `${real.activeConnections} active, ${real.inactiveConnections} inactive connections`;
  if (real.up) return [`  ${real.name} is up, weight ${real.weight}, ${connections}`];
  const reasons = real.checkers.filter(checker => !checker.up);
  return [
    `  ${real.name} is down, ${connections}`,
    ...reasons.map(({ kind, said, failuresInARow, lastAttemptAgeMs }) => {
      const age =
        lastAttemptAgeMs === null ? '' : ` (${failuresInARow} times, last ${seconds(lastAttemptAgeMs)} ago)`;
      return `    ${kind}: ${said === '' ? 'not checked yet' : said}${age}`;
    }),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
