/** The state of clusters as lines for people. Pure. */
import type { InstanceStatus } from '#control/status.ts';
import type { ClusterVerdict, Sight } from '#provision/model/status-verdict.ts';
import type { Paint } from './color.ts';

export function statusLines(
  verdicts: readonly ClusterVerdict[],
  sights: ReadonlyMap<string, Sight>,
  paint: Paint,
): string[] {
  return verdicts.flatMap(verdict => [
    `${paint('strong', verdict.cluster)}: ${health(verdict.health, paint)}`,
    ...verdict.instances.flatMap(instance => [
      `  ${instance.instance}: ${health(instance.health, paint)}${instance.reasons.length > 0 ? ` — ${instance.reasons.join('; ')}` : ''}`,
      ...hostLines(instance.instance, sights).map(line => `    ${line}`),
    ]),
  ]);
}

function hostLines(instance: string, sights: ReadonlyMap<string, Sight>): string[] {
  return [...sights].flatMap(([host, sight]) => {
    if (sight.kind !== 'status') return [`${host}  ${sight.kind}: ${sight.reason}`];
    const own = sight.status.instances.find(({ name }) => name === instance);
    const program = sight.status.program ? `  (${sight.status.program} ${sight.status.version})` : '';
    return own ? [`${host}  ${stateOf(own)}${program}`] : [];
  });
}

function stateOf(instance: InstanceStatus): string {
  const held = instance.vips.filter(vip => vip.present).map(vip => vip.address);
  const priority =
    instance.effectivePriority === instance.priority
      ? `priority ${instance.priority}`
      : `priority ${instance.effectivePriority} (configured ${instance.priority})`;
  const holds = held.length > 0 ? `holds ${held.join(', ')}` : 'holds no VIP';
  const heard = instance.heard
    ? `, last heard ${instance.heard.address} (priority ${instance.heard.priority})`
    : '';
  const faults = instance.faults.length > 0 ? `, ${instance.faults.join('; ')}` : '';
  return `${instance.state}  ${priority}, ${holds}${heard}${faults}`;
}

function health(value: ClusterVerdict['health'], paint: Paint): string {
  if (value === 'healthy') return paint('good', value);
  return paint(value === 'degraded' ? 'change' : 'bad', value);
}
