/** Who takes an instance over when its master gives it away, or why nobody does. Pure. */
import type { DaemonStatus, InstanceStatus } from '#control/status.ts';

/** One node of an instance, as it is now. */
export interface FailoverNode {
  readonly name: string;
  /** Its tandemd's account; or why there is none. */
  readonly sight: DaemonStatus | { readonly silent: string };
}

export type Succession =
  | {
      readonly kind: 'switch';
      readonly from: string;
      readonly to: string;
      /** With the others of the sync group, which go along. */
      readonly instances: readonly string[];
      /** True if `from` has the higher priority, so that it would preempt if it might. */
      readonly held: boolean;
    }
  | { readonly kind: 'unchanged'; readonly at: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly from?: string };

/** `to`: the host that shall be MASTER; undefined: whoever is next. */
export function succession(
  instance: string,
  to: string | undefined,
  nodes: readonly FailoverNode[],
): Succession {
  const masters = nodes.filter(node => instanceOf(node, instance)?.state === 'MASTER');
  const [master, second] = masters;
  if (!master) return { kind: 'refused', reason: `nobody is MASTER of ${instance}${silence(nodes)}` };
  if (second)
    return { kind: 'refused', reason: `${master.name} and ${second.name} are MASTER at the same time` };
  if (master.name === to) return { kind: 'unchanged', at: to };
  return relief(instance, to, master, nodes);
}

function relief(
  instance: string,
  to: string | undefined,
  master: FailoverNode,
  nodes: readonly FailoverNode[],
): Succession {
  const refused = (reason: string): Succession => ({ kind: 'refused', reason, from: master.name });
  const instances = groupOf(master, instance);
  const others = nodes
    .filter(node => node !== master)
    .map(node => ({ node, why: obstacle(node, instances) }));
  const rivals = others.filter(({ why }) => why === undefined).map(({ node }) => node);
  const next = rivals.toSorted((a, b) => priorityOf(b, instance) - priorityOf(a, instance))[0];
  const wanted = to === undefined ? next : rivals.find(node => node.name === to);
  if (!next || !wanted) {
    const asked = others.filter(({ node }) => to === undefined || node.name === to);
    const why = asked.map(({ node, why: reason }) => `${node.name} ${reason}`).join('; ');
    const who = to ?? 'nobody';
    return refused(
      `${who} ${to === undefined ? 'could' : 'could not'} take over from ${master.name}: ${why}`,
    );
  }
  if (priorityOf(wanted, instance) < priorityOf(next, instance))
    return refused(
      `${next.name} has the higher priority (${priorityOf(next, instance)}, ${wanted.name} has ${priorityOf(wanted, instance)}) and would take over instead`,
    );
  const held = instances.some(name => priorityOf(master, name) > priorityOf(wanted, name));
  const deaf = instances.find(name => instanceOf(master, name)?.canHandOver === false);
  if (deaf !== undefined)
    return refused(
      `the keepalived of ${master.name} does not run with Tandem's configuration, so that only a stop would give ${deaf} away: tandem apply first`,
    );
  if (held && instances.length > 1 && 'program' in master.sight)
    return refused(
      `${master.name} runs keepalived and has the higher priority, and keepalived cannot hold a sync group back: it would take it over again at once`,
    );
  return { kind: 'switch', from: master.name, to: wanted.name, instances, held };
}

function instanceOf({ sight }: FailoverNode, name: string): InstanceStatus | undefined {
  return 'silent' in sight ? undefined : sight.instances.find(instance => instance.name === name);
}

/** A keepalived that has handed over has lowered its priority, and will have its own again. */
function priorityOf(node: FailoverNode, name: string): number {
  const own = instanceOf(node, name);
  const isLowered = own?.handedOver === true && 'program' in node.sight;
  return (isLowered ? own.priority : own?.effectivePriority) ?? 0;
}

/** A sync group is handed over as a whole. */
function groupOf({ sight }: FailoverNode, instance: string): readonly string[] {
  if ('silent' in sight) return [instance];
  const group = sight.syncGroups.find(({ members }) => members.includes(instance));
  return group?.members ?? [instance];
}

/** Why a node could not take over all of `instances`, to stand after its name; undefined if it could. */
function obstacle(node: FailoverNode, instances: readonly string[]): string | undefined {
  if ('silent' in node.sight) return node.sight.silent;
  for (const name of instances) {
    const own = instanceOf(node, name);
    if (!own) return `does not have ${name} configured`;
    if (own.state !== 'BACKUP') {
      const why = own.faults.length > 0 ? ` (${own.faults.join('; ')})` : '';
      return `is ${own.state} of ${name}${why}`;
    }
    if (own.heard === null || own.heard.ageMs > own.masterDownIntervalMs)
      return `is BACKUP of ${name} and hears no MASTER`;
  }
  return undefined;
}

function silence(nodes: readonly FailoverNode[]): string {
  const silent = nodes.flatMap(({ name, sight }) => ('silent' in sight ? `${name} ${sight.silent}` : []));
  return silent.length > 0 ? `: ${silent.join('; ')}` : '';
}
