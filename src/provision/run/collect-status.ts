/** What every host's daemon says of itself: one exec per host, and the verdict on each cluster. */
import { messageOf, RemoteError } from '#base/errors.ts';
import type { DaemonStatus } from '#control/status.ts';
import { sh } from '#provision/model/shell.ts';
import {
  exitCodeOfHealth,
  judgeCluster,
  type ClusterVerdict,
  type ExpectedCluster,
  type Sight,
} from '#provision/model/status-verdict.ts';
import { contextOf, type CommonOptions, type RunContext } from './api.ts';
import { Forks } from './forks.ts';
import type { HostAccess } from './ports.ts';
import { RemoteHost, saidIn } from './remote-host.ts';
import { exitCodeOf } from './tally.ts';

export interface StatusOptions extends CommonOptions {
  readonly hosts: readonly { readonly access: HostAccess; readonly daemon: 'tandemd' | 'keepalived' }[];
  readonly clusters: readonly ExpectedCluster[];
}

export interface StatusReport {
  /** 3 if a host is unreachable, else 1 or 2 by the worst cluster, else 0. */
  readonly exitCode: number;
  readonly sights: ReadonlyMap<string, Sight>;
  readonly verdicts: readonly ClusterVerdict[];
}

const ASK_STATUS = sh`PATH=/opt/tandem/current/bin:$PATH
command -v tandemd >/dev/null || { echo 'tandemd is not installed' >&2; exit 127; }
tandemd status --json`;

/** Never throws for what a host does. */
export async function collectStatus(options: StatusOptions): Promise<StatusReport> {
  const context = contextOf(options);
  const forks = new Forks(context.settings.forks);
  const looked = options.hosts.map(async ({ access, daemon }): Promise<[string, Sight]> => [
    access.name,
    daemon === 'keepalived' ? { kind: 'keepalived' } : await forks.run(() => look(access, context)),
  ]);
  const sights = new Map(await Promise.all(looked));
  const verdicts = options.clusters.map(cluster => judgeCluster(cluster, sights));
  const codes = new Set(verdicts.map(verdict => exitCodeOfHealth(verdict.health)));
  const exitCode = exitCodeOf({
    invalid: false,
    unreachable: [...sights.values()].some(sight => sight.kind === 'unreachable'),
    failed: codes.has(1),
    pending: codes.has(2),
  });
  return { exitCode, sights, verdicts };
}

async function look(access: HostAccess, context: RunContext): Promise<Sight> {
  const host = new RemoteHost(access, context);
  try {
    await host.connect();
    const answer = await host.ask(ASK_STATUS, 'ask tandemd for its status');
    if (answer.exit !== 0) return { kind: 'silent', reason: saidIn(answer) };
    return { kind: 'status', status: JSON.parse(new TextDecoder().decode(answer.stdout)) as DaemonStatus };
  } catch (error) {
    if (error instanceof RemoteError && error.unreachable)
      return { kind: 'unreachable', reason: error.message.slice(`${error.host}: `.length) };
    return { kind: 'silent', reason: messageOf(error) };
  } finally {
    await host.close();
  }
}
