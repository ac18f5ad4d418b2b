/** What every host's daemon says of itself: one exec per host, and the verdict on each cluster. */
import { messageOf, RemoteError } from '#base/errors.ts';
import { foldLedger } from '#provision/model/ledger.ts';
import { liveProbe, parseLive } from '#provision/model/live-status.ts';
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

/** The ledger's records of who leaves and who is back. */
const READ_DEPARTURES = sh`[ ! -f "$t_state/ledger" ] || grep -E ${'^[{]"t":"(leave|back)"'} "$t_state/ledger" || :`;

/** Never throws for what a host does. */
export async function collectStatus(options: StatusOptions): Promise<StatusReport> {
  const context = contextOf(options);
  const forks = new Forks(context.settings.forks);
  const looked = options.hosts.map(async ({ access, daemon }): Promise<[string, Sight]> => [
    access.name,
    await forks.run(() => look(access, daemon, context)),
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

async function look(
  access: HostAccess,
  daemon: 'tandemd' | 'keepalived',
  context: RunContext,
): Promise<Sight> {
  const host = new RemoteHost(access, context);
  try {
    await host.connect();
    const items = [
      { id: 'live', fragment: liveProbe() },
      { id: 'left', fragment: READ_DEPARTURES },
    ];
    const answers = await host.run(host.assemble(items, 'all'), 'ask the VRRP daemon for its status');
    const answer = answers.get('live');
    const status = answer?.exit === 0 ? parseLive(answer.stdout) : undefined;
    const { departures } = foldLedger(new TextDecoder().decode(answers.get('left')?.stdout));
    const left = departures.length > 0 ? { departures } : {};
    if (status) return { kind: 'status', status, daemon, ...left };
    return { kind: 'silent', reason: (answer && saidIn(answer)) || `no ${daemon} runs there` };
  } catch (error) {
    if (error instanceof RemoteError && error.unreachable)
      return { kind: 'unreachable', reason: error.message.slice(`${error.host}: `.length) };
    return { kind: 'silent', reason: messageOf(error) };
  } finally {
    await host.close();
  }
}
