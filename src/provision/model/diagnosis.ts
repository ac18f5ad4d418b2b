/** What is wrong with a cluster and its hosts, from what {@link Examination}s found. Pure: `tandem doctor` prints it. */
import { formatDiagnostic } from '#base/errors.ts';
import type { HeardAdvert, ProbedInstance, ProbeReport } from '#control/probe.ts';
import { checkInterfaces } from './derive-interfaces.ts';
import type { Examination } from './examination.ts';
import type { HostInstance, HostTopology } from './topology-types.ts';

/** `broken`: it cannot work like this. `degraded`: it works, and something is not as it should be. `note`: good to know. */
type Severity = 'broken' | 'degraded' | 'unreachable' | 'note';

export interface Finding {
  /** Stable, for scripts: `not-heard`, `vrid-collision`, … */
  readonly id: string;
  readonly severity: Severity;
  readonly host?: string;
  readonly instance?: string;
  /** One sentence. */
  readonly message: string;
  /** The way out. */
  readonly hint?: string;
}

/** One direction between two members. */
export interface Hearing {
  readonly instance: string;
  readonly from: string;
  readonly to: string;
  readonly heard: boolean;
}

export interface Diagnosis {
  readonly cluster: string;
  readonly health: 'fine' | 'degraded' | 'broken' | 'unreachable';
  readonly hearings: readonly Hearing[];
  readonly findings: readonly Finding[];
}

export interface DiagnosisInput {
  readonly cluster: {
    readonly name: string;
    readonly hosts: readonly string[];
    readonly realServers: readonly string[];
    readonly instances: readonly { readonly name: string; readonly nodes: readonly string[] }[];
  };
  readonly hosts: ReadonlyMap<string, HostTopology>;
  readonly examinations: ReadonlyMap<string, Examination>;
  /** What `apply` would change of each host's firewall; a host that is absent could not be asked. */
  readonly firewall: ReadonlyMap<string, readonly string[]>;
  /** Addresses of hosts that this inventory knows. */
  readonly ownAddresses: ReadonlySet<string>;
}

/** Clocks may be so far apart before logs and certificates suffer. */
const CLOCK_TOLERANCE_MS = 1000;

export function diagnose(input: DiagnosisInput): Diagnosis {
  const { cluster, examinations } = input;
  const members = [...new Set([...cluster.hosts, ...cluster.realServers])];
  const hearings = cluster.instances.flatMap(instance => hearingsOf(instance, examinations));
  const findings = [
    ...members.flatMap(host => hostFindings(host, input)),
    ...cluster.instances.flatMap(instance =>
      instance.nodes.flatMap(host => ownFindings(host, instance.name, input)),
    ),
    ...hearings.filter(({ heard }) => !heard).map(hearing => notHeard(hearing, input)),
    ...othersHeard(input),
  ];
  const has = (severity: Severity): boolean => findings.some(finding => finding.severity === severity);
  const health = has('unreachable')
    ? 'unreachable'
    : has('broken')
      ? 'broken'
      : has('degraded')
        ? 'degraded'
        : 'fine';
  return { cluster: cluster.name, health, hearings, findings };
}

function hostFindings(host: string, { hosts, examinations, firewall }: DiagnosisInput): readonly Finding[] {
  const seen = examinations.get(host);
  const topology = hosts.get(host);
  if (!seen || !topology) return [];
  if (seen.kind !== 'seen')
    return [
      {
        id: seen.kind === 'unreachable' ? 'unreachable' : 'examination-failed',
        severity: seen.kind === 'unreachable' ? 'unreachable' : 'broken',
        host,
        message: seen.reason,
      },
    ];
  const findings: Finding[] = checkInterfaces(topology, seen.facts).map(diagnostic => ({
    id: diagnostic.id,
    severity: 'broken',
    host,
    message: formatDiagnostic(diagnostic),
  }));
  const { clock } = seen;
  if (clock && Math.abs(clock.aheadMs) - clock.uncertainMs > CLOCK_TOLERANCE_MS)
    findings.push({
      id: 'clock-skew',
      severity: 'degraded',
      host,
      message: `its clock is ${(Math.abs(clock.aheadMs) / 1000).toFixed(1)} s ${clock.aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      hint: 'logs of two hosts cannot be compared: time_sync: true in the inventory, or an NTP service of your own',
    });
  for (const { name, pid } of seen.daemons)
    if (name !== topology.daemon && topology.instances.length > 0)
      findings.push({
        id: 'foreign-daemon',
        severity: 'degraded',
        host,
        message: `${name} runs there (process ${pid}), and the inventory wants ${topology.daemon}`,
        hint:
          name === 'keepalived'
            ? 'stop it, take it over with tandem apply --migrate, or keep it with vrrp_daemon: keepalived'
            : 'stop it before an apply: one VRRP daemon per host',
      });
  for (const module of seen.missingModules)
    findings.push({
      id: 'kernel-module',
      severity: 'broken',
      host,
      message: `its kernel has no module ${module}, which the topology needs`,
      hint: 'install the distribution’s full kernel instead of a cloud’s or container’s, and boot it',
    });
  const missing = firewall.get(host) ?? [];
  if (missing.length > 0)
    findings.push({
      id: 'firewall',
      severity: 'degraded',
      host,
      message: `its firewall is not as the topology needs it: ${missing.join('; ')}`,
      hint: 'tandem plan --tags firewall shows the rules, tandem apply --tags firewall makes them',
    });
  return findings;
}

/** What keeps an instance from sending or hearing on its own host. */
function ownFindings(host: string, instance: string, { examinations }: DiagnosisInput): readonly Finding[] {
  const seen = examinations.get(host);
  if (seen?.kind !== 'seen' || !seen.probe) return [];
  if ('problem' in seen.probe)
    return [
      {
        id: 'no-probe',
        severity: 'broken',
        host,
        instance,
        message: `the probe could not run: ${seen.probe.problem}`,
      },
    ];
  const problem = probedOf(seen.probe, instance)?.problem ?? null;
  // A NIC that is not there has been told already, with its place in the inventory.
  if (problem === null || problem.startsWith('there is no interface')) return [];
  return [{ id: 'cannot-advertise', severity: 'broken', host, instance, message: problem }];
}

function probedOf(probe: ProbeReport, instance: string): ProbedInstance | undefined {
  return probe.instances.find(each => each.instance === instance);
}

function reportOf(examination: Examination | undefined): ProbeReport | undefined {
  const probe = examination?.kind === 'seen' ? examination.probe : undefined;
  return probe && !('problem' in probe) ? probe : undefined;
}

/** Every ordered pair of which both could send and listen. */
function hearingsOf(
  { name, nodes }: DiagnosisInput['cluster']['instances'][number],
  examinations: DiagnosisInput['examinations'],
): readonly Hearing[] {
  const able = nodes.flatMap(host => {
    const report = reportOf(examinations.get(host));
    const probed = report && probedOf(report, name);
    return report && probed?.problem === null ? [{ host, report, probed }] : [];
  });
  return able.flatMap(to =>
    able
      .filter(from => from !== to)
      .map(from => ({
        instance: name,
        from: from.host,
        to: to.host,
        heard: to.report.heard.some(
          each =>
            each.name === from.host &&
            each.vrid === from.probed.vrid &&
            each.interface === to.probed.interface,
        ),
      })),
  );
}

function notHeard(
  { instance, from, to }: Hearing,
  { examinations, hosts, firewall }: DiagnosisInput,
): Finding {
  const report = reportOf(examinations.get(to));
  const probed = report && probedOf(report, instance);
  const own = hosts.get(to)?.instances.find(each => each.name === instance);
  const by =
    own && own.unicast_peer.length > 0
      ? 'unicast'
      : `multicast to ${probed?.destinations.join(', ') ?? 'the group'}`;
  return {
    id: 'not-heard',
    severity: 'broken',
    host: to,
    instance,
    message: `does not hear ${from} on ${probed?.interface ?? 'its NIC'} (${by}): it would become a second MASTER`,
    hint: reasonFor(to, own, firewall),
  };
}

function reasonFor(to: string, own: HostInstance | undefined, firewall: DiagnosisInput['firewall']): string {
  if ((firewall.get(to) ?? []).length > 0)
    return `the firewall of ${to} lets it not in yet: tandem apply --tags firewall`;
  const protocol = own?.authentication?.auth_type === 'AH' ? 51 : 112;
  if (own && own.unicast_peer.length > 0)
    return `is there a route, and does nothing between them, such as a cloud's security group, drop IP protocol ${protocol}?`;
  return `are both in the same layer-2 network, and does nothing between them drop IP protocol ${protocol}? A switch with IGMP snooping or a cloud may not carry multicast: unicast: true does without`;
}

/** Adverts of virtual routers that are nobody's here: one with our VRID is an intruder, others are worth a note. */
function othersHeard({ cluster, hosts, examinations, ownAddresses }: DiagnosisInput): readonly Finding[] {
  const findings = new Map<string, Finding>();
  for (const host of cluster.hosts) {
    const report = reportOf(examinations.get(host));
    for (const advert of report?.adverts ?? []) {
      if (ownAddresses.has(advert.source)) continue;
      const ours = hosts.get(host)?.instances.find(instance => collides(instance, advert, report));
      const key = `${ours?.name} ${advert.vrid} ${advert.source}`;
      if (!findings.has(key))
        findings.set(key, ours ? collision(host, ours, advert) : neighbour(host, advert));
    }
  }
  return [...findings.values()];
}

function collides(instance: HostInstance, advert: HeardAdvert, report: ProbeReport | undefined): boolean {
  const probed = report && probedOf(report, instance.name);
  const family = advert.source.includes(':') ? 6 : 4;
  return (
    instance.virtual_router_id === advert.vrid &&
    probed?.interface === advert.interface &&
    instance.family === family
  );
}

function collision(host: string, instance: HostInstance, advert: HeardAdvert): Finding {
  return {
    id: 'vrid-collision',
    severity: 'broken',
    host,
    instance: instance.name,
    message: `${advert.source} advertises VRID ${advert.vrid} on ${advert.interface}, too (priority ${advert.priority}), and is no member`,
    hint: 'give one of the two another virtual_router_id, or stop the other daemon',
  };
}

function neighbour(host: string, advert: HeardAdvert): Finding {
  return {
    id: 'other-router',
    severity: 'note',
    host,
    message: `another virtual router on ${advert.interface}: VRID ${advert.vrid} of ${advert.source}, priority ${advert.priority}`,
  };
}
