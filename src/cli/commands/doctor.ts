/** `tandem doctor`: whether hosts and network are fit for the topology, before the first apply and after. */
import { randomBytes } from 'node:crypto';
import { terminalAsk } from '#cli/ask.ts';
import { diskFiles } from '#cli/files.ts';
import type { ConnectionOptions, InventoryOptions, OutputOptions } from '#cli/options.ts';
import { loadReleases } from '#cli/release.ts';
import { painter, wantsColor } from '#cli/sinks/color.ts';
import { doctorLines } from '#cli/sinks/doctor.ts';
import { hostAccess, loadSite, PACKAGE_ROOT, playbookPath, runHosts, type Site } from '#cli/site.ts';
import { diagnose, type Diagnosis } from '#provision/model/diagnosis.ts';
import type { Examination } from '#provision/model/examination.ts';
import { emptyHostTopology } from '#provision/model/topology.ts';
import type { CommonOptions } from '#provision/run/api.ts';
import { examine } from '#provision/run/examine.ts';
import { run } from '#provision/run/run.ts';
import { exitCodeOf } from '#provision/run/tally.ts';
import { createTransport } from '#provision/run/transport.ts';

type DoctorOptions = InventoryOptions & ConnectionOptions & OutputOptions & { readonly seconds: number };

export async function doctorCommand(options: DoctorOptions): Promise<void> {
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/site.yml');
  const site = loadSite(options, { playbook });
  const clusters = site.topology.clusters.filter(({ hosts }) => hosts.some(host => site.selected.has(host)));
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const ask = terminalAsk();
  const common: CommonOptions = {
    transport: createTransport({
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      ...(ask ? { ask } : {}),
    }),
    emit: () => undefined,
    ...(ask ? { ask } : {}),
    signal: stop.signal,
    settings: { forks: options.forks, silenceTimeoutMs: options.timeout * 1000 },
  };
  const members = clusters.map(({ hosts, realServers }) => [...new Set([...hosts, ...realServers])]);
  const topologyOf = (host: string) => site.topology.hosts.get(host) ?? emptyHostTopology(host);
  const hosts = new Map(
    members
      .flat()
      .map(host => [host, { access: hostAccess(host, site, options), topology: topologyOf(host) }]),
  );
  const examinations = await examine({
    ...common,
    clusters: members,
    hosts,
    releases: loadReleases(PACKAGE_ROOT),
    seconds: options.seconds,
    round: randomBytes(8).toString('hex'),
  });
  const firewall = await firewallChanges(site, playbook, options, common, examinations);
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  const ownAddresses = addressesIn(examinations);
  const diagnoses = clusters.map(cluster =>
    diagnose({ cluster, hosts: site.topology.hosts, examinations, firewall, ownAddresses }),
  );
  show(diagnoses, members, examinations, options);
  const is = (health: Diagnosis['health']): boolean =>
    diagnoses.some(diagnosis => diagnosis.health === health);
  process.exitCode = exitCodeOf({
    invalid: false,
    unreachable: is('unreachable'),
    failed: is('broken'),
    pending: is('degraded'),
  });
}

/** What an apply would do to the firewalls of hosts that answer: the same plan, of that role alone. */
async function firewallChanges(
  site: Site,
  playbook: string,
  options: DoctorOptions,
  common: CommonOptions,
  examinations: ReadonlyMap<string, Examination>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const parts = runHosts(site, {
    playbook,
    releases: new Map(),
    tags: ['firewall'],
    skipTags: [],
    ...options,
  });
  const asked = parts.hosts.filter(({ access }) => examinations.get(access.name)?.kind === 'seen');
  const changes = new Map<string, readonly string[]>(asked.map(({ access }) => [access.name, []]));
  if (asked.length === 0) return changes;
  await run({
    ...common,
    command: 'doctor',
    check: true,
    hosts: asked,
    clusters: [],
    emit: event => {
      if (event.type === 'host-failed') changes.delete(event.host);
      if (event.type !== 'task' || event.status !== 'pending') return;
      const shown = event.changes.filter(({ resource }) => resource.startsWith('firewall'));
      const known = changes.get(event.host) ?? [];
      changes.set(event.host, [...known, ...shown.map(({ summary }) => summary)]);
    },
  });
  return changes;
}

function addressesIn(examinations: ReadonlyMap<string, Examination>): ReadonlySet<string> {
  const seen = [...examinations.values()].flatMap(each =>
    each.kind === 'seen' ? each.facts.interfaces : [],
  );
  return new Set(seen.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
}

function show(
  diagnoses: readonly Diagnosis[],
  members: readonly (readonly string[])[],
  examinations: ReadonlyMap<string, Examination>,
  options: DoctorOptions,
): void {
  const paint = painter(wantsColor(process.stdout, process.env));
  for (const [index, diagnosis] of diagnoses.entries()) {
    const lines = options.json
      ? jsonLines(diagnosis)
      : doctorLines(diagnosis, members[index] ?? [], examinations, paint);
    for (const line of lines) process.stdout.write(`${line}\n`);
  }
  if (!options.json) return;
  for (const [host, examination] of examinations)
    process.stdout.write(`${JSON.stringify({ type: 'host', host, ...examination })}\n`);
}

function jsonLines({ cluster, health, hearings, findings }: Diagnosis): string[] {
  return [
    { type: 'cluster', cluster, health },
    ...hearings.map(hearing => ({ type: 'hearing', cluster, ...hearing })),
    ...findings.map(finding => ({ type: 'finding', cluster, ...finding })),
  ].map(object => JSON.stringify(object));
}
