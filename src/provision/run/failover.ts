/** `tandem failover`: a planned switchover of one instance, under the locks of its cluster's members. */
import type { RunEvent } from '#control/events.ts';
import type { DaemonStatus } from '#control/status.ts';
import { contextOf, type CommonOptions, type RunContext } from './api.ts';
import { lockHosts } from './lock-hosts.ts';
import type { HostAccess } from './ports.ts';
import { RemoteHost } from './remote-host.ts';
import { representatives } from './rolling.ts';
import { type FailoverNode, type Succession, succession } from './successor.ts';
import { awaitMaster, endHandover, handOver } from './switchover.ts';
import { exitCodeOf } from './tally.ts';

interface Member {
  readonly access: HostAccess;
}

export interface FailoverOptions extends CommonOptions {
  readonly cluster: string;
  readonly instance: string;
  /** The instance's hosts. */
  readonly nodes: readonly string[];
  /** Undefined: whoever is next. */
  readonly to: string | undefined;
  /** All whose locks are to be held: the cluster's. */
  readonly members: readonly Member[];
}

type FailoverEvent = Extract<RunEvent, { type: 'failover' }>;
type Outcome = Pick<FailoverEvent, 'status' | 'message'> & Partial<FailoverEvent>;

/** Gives the exit code; the last event says what was done. Never throws for what a host does. */
export async function failover(options: FailoverOptions): Promise<number> {
  const context = contextOf(options);
  const { cluster, instance } = options;
  const hosts = options.members.map(member => ({
    ...member,
    remote: new RemoteHost(member.access, context),
  }));
  const asked = hosts.map(({ remote }) => remote);
  await Promise.all(asked.map(connect));
  const outcome = await underLocks(options, hosts, context);
  await Promise.all(asked.map(host => host.close()));
  const exitCode = exitCodeOf({
    invalid: false,
    unreachable: asked.some(host => host.failure?.unreachable),
    failed: outcome.status === 'refused' || outcome.status === 'failed',
    pending: false,
  });
  const nothing = { instances: [instance], held: false, elapsedMs: 0 };
  context.emit({ type: 'failover', cluster, ...nothing, ...outcome, exitCode });
  return exitCode;
}

async function connect(host: RemoteHost): Promise<void> {
  await host.connect().catch((error: unknown) => host.fail(error, 'connect'));
}

type Host = Member & { readonly remote: RemoteHost };

async function underLocks(
  options: FailoverOptions,
  hosts: readonly Host[],
  context: RunContext,
): Promise<Outcome> {
  const reachable = hosts.filter(({ remote }) => remote.connected).map(({ remote }) => remote);
  try {
    const locked = await lockHosts(reachable);
    if (typeof locked !== 'string')
      return { status: 'refused', message: `${locked.failed.name} could not be locked` };
    const nodes = hosts.filter(({ access }) => options.nodes.includes(access.name));
    const sights = await Promise.all(nodes.map(look));
    return await act(succession(options.instance, options.to, sights), { options, hosts, sights, context });
  } finally {
    await Promise.all(reachable.map(host => host.unlock()));
  }
}

async function look({ remote }: Host): Promise<FailoverNode> {
  const silent = (why: string): FailoverNode => ({ name: remote.name, sight: { silent: why } });
  if (!remote.connected) return silent('cannot be reached');
  const live = await remote.live().catch(() => undefined);
  return live ? { name: remote.name, sight: live } : silent('runs no VRRP daemon that answers');
}

interface Scene {
  readonly options: FailoverOptions;
  readonly hosts: readonly Host[];
  readonly sights: readonly FailoverNode[];
  readonly context: RunContext;
}

async function act(next: Succession, scene: Scene): Promise<Outcome> {
  const { instance } = scene.options;
  switch (next.kind) {
    case 'refused': {
      const from = next.from === undefined ? {} : { from: next.from };
      return { status: 'refused', message: `${next.reason}; nothing was disturbed`, ...from };
    }
    case 'unchanged':
      return { status: 'unchanged', message: `${next.at} is MASTER of ${instance} already`, to: next.at };
    case 'switch':
      return await switchOver(next, scene);
  }
}

async function switchOver(next: Extract<Succession, { kind: 'switch' }>, scene: Scene): Promise<Outcome> {
  const { from, to, instances, held } = next;
  const { cluster, instance } = scene.options;
  const remoteOf = (name: string): RemoteHost | undefined =>
    scene.hosts.find(({ remote }) => remote.name === name)?.remote;
  const [giver, taker] = [remoteOf(from), remoteOf(to)];
  const sightOf = (name: string): DaemonStatus | undefined => {
    const sight = scene.sights.find(node => node.name === name)?.sight;
    return sight && !('silent' in sight) ? sight : undefined;
  };
  const [sight, successor] = [sightOf(from), sightOf(to)];
  const outcome = { from, to, instances };
  if (!giver || !taker || !sight)
    return { ...outcome, status: 'failed', message: `${from} or ${to} is gone` };
  const asked = representatives(sight, instances);
  scene.context.emit({ type: 'switchover', cluster, from, instances });
  const startedAtMs = performance.now();
  // keepalived's hold does not end by itself when it becomes MASTER.
  if (successor?.program === 'keepalived') await endHandover(taker, instances);
  if (!(await handOver(giver, asked, sight)))
    return { ...outcome, status: 'failed', message: `nobody took over, and ${from} may go on as MASTER` };
  const arrived = await awaitMaster(taker, instances, 'take over', successor);
  const elapsedMs = Math.round(performance.now() - startedAtMs);
  if (!arrived || !held) await endHandover(giver, asked);
  if (!arrived)
    return {
      ...outcome,
      elapsedMs,
      status: 'failed',
      message: `${to} did not take over completely: ${from} may take ${instances.join(', ')} back`,
    };
  const back = held
    ? `; ${from} has the higher priority and waits until it is told: tandem failover ${instance} --to ${from}`
    : '';
  const seconds = (elapsedMs / 1000).toFixed(1);
  const message = `${instances.join(', ')} went from ${from} to ${to}, which holds every address, in ${seconds} s${back}`;
  return { ...outcome, held, elapsedMs, status: 'done', message };
}
