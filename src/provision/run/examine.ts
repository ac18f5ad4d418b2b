/** Asks hosts for what `tandem doctor` judges: facts, clocks, daemons, and a probe on all members at the same time. */
import { messageOf, RemoteError } from '#base/errors.ts';
import type { ProbeReport } from '#control/probe.ts';
import {
  daemonsProbe,
  type Examination,
  modulesProbe,
  neededModules,
  parseDaemons,
  parseMissingModules,
} from '#provision/model/examination.ts';
import { type Facts } from '#provision/model/facts.ts';
import { factsProbe, parseFacts } from '#provision/model/facts-probe.ts';
import { probeConfiguration } from '#provision/model/probe-configuration.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import { uploadFiles, uploadNode } from '#provision/model/release-upload.ts';
import { RELEASE_ROOT as ROOT } from '#provision/model/modules/tandemd-release.ts';
import { bytesPart, type Fragment, input, lines, sh } from '#provision/model/shell.ts';
import type { HostTopology } from '#provision/model/topology-types.ts';
import { contextOf, type CommonOptions, type RunContext } from './api.ts';
import { Forks } from './forks.ts';
import type { HostAccess } from './ports.ts';
import { RemoteHost, saidIn } from './remote-host.ts';

export interface ExamineOptions extends CommonOptions {
  /** Members of one cluster are probed at the same time. */
  readonly clusters: readonly (readonly string[])[];
  readonly hosts: ReadonlyMap<string, { readonly access: HostAccess; readonly topology: HostTopology }>;
  readonly releases: ReadonlyMap<string, ReleaseArtefact>;
  /** How long probe frames are sent. */
  readonly seconds: number;
  /** 16 hexadecimal digits that were not used before. */
  readonly round: string;
}

/** Never throws for what a host does. */
export async function examine(options: ExamineOptions): Promise<ReadonlyMap<string, Examination>> {
  const context = contextOf(options);
  const largest = Math.max(1, ...options.clusters.map(hosts => hosts.length));
  const forks = new Forks(Math.floor(context.settings.forks / largest));
  const found = new Map<string, Examination>();
  await Promise.all(
    options.clusters.map(hosts => forks.run(() => examineTogether(hosts, options, context, found))),
  );
  return found;
}

/** Everybody is ready before anybody begins to send. */
async function examineTogether(
  names: readonly string[],
  options: ExamineOptions,
  context: RunContext,
  found: Map<string, Examination>,
): Promise<void> {
  const patients = names.flatMap(name => {
    const host = options.hosts.get(name);
    return host ? [new Patient(host.access, host.topology, options, context)] : [];
  });
  try {
    await Promise.all(patients.map(patient => patient.attempt(() => patient.look())));
    await Promise.all(patients.map(patient => patient.attempt(() => patient.prepare())));
    await Promise.all(patients.map(patient => patient.attempt(() => patient.probe())));
  } finally {
    await Promise.all(patients.map(patient => patient.leave()));
  }
  for (const patient of patients) found.set(patient.name, patient.examination());
}

type Seen = Extract<Examination, { kind: 'seen' }>;

class Patient {
  readonly #host: RemoteHost;
  readonly #topology: HostTopology;
  readonly #options: ExamineOptions;
  #seen: Omit<Seen, 'probe'> | undefined;
  #probe: Seen['probe'];
  #failure: Examination | undefined;
  /** Where the release is, and whether it is ours to remove. */
  #root: { readonly path: string; readonly temporary: boolean } | undefined;
  /** Ids of the releases and hashes of the runtimes that are installed. */
  #installed: readonly string[] = [];

  constructor(access: HostAccess, topology: HostTopology, options: ExamineOptions, context: RunContext) {
    this.#host = new RemoteHost(access, context);
    this.#topology = topology;
    this.#options = options;
  }

  /** Tandem's folder for what lives as long as a session was not there. */
  get #isUnused(): boolean {
    return this.#installed.includes('unused');
  }

  get name(): string {
    return this.#host.name;
  }

  examination(): Examination {
    if (this.#failure) return this.#failure;
    return this.#seen
      ? { ...this.#seen, probe: this.#probe }
      : { kind: 'failed', reason: 'it was not asked' };
  }

  /** Runs a part of the examination, unless an earlier one failed; a probe that fails leaves what else was found. */
  async attempt(part: () => Promise<void>): Promise<void> {
    if (this.#failure || this.#probe) return;
    try {
      await part();
    } catch (error) {
      if (error instanceof RemoteError && error.unreachable)
        this.#failure = { kind: 'unreachable', reason: error.message.slice(`${error.host}: `.length) };
      else if (this.#seen) this.#probe = { problem: messageOf(error).replace(`${this.name}: `, '') };
      else this.#failure = { kind: 'failed', reason: messageOf(error).replace(`${this.name}: `, '') };
    }
  }

  async look(): Promise<void> {
    await this.#host.connect();
    const askedAtMs = Date.now();
    const time = await this.#host.ask(sh`date +%s.%N`, 'ask for the time');
    const clock = clockOf(time.stdout, askedAtMs, Date.now());
    const items = [
      { id: 'facts', fragment: factsProbe() },
      { id: 'daemons', fragment: daemonsProbe() },
      { id: 'modules', fragment: modulesProbe(neededModules(this.#topology)) },
      {
        id: 'installed',
        fragment: sh`[ -d "$t_run" ] || echo unused; cd ${ROOT} 2>/dev/null || exit 0; for t_l in node/* releases/*; do echo "\${t_l##*/}"; done`,
      },
    ];
    const answers = await this.#host.run(this.#host.assemble(items, 'all'), 'ask for facts');
    const answer = (id: string): Uint8Array => answers.get(id)?.stdout ?? new Uint8Array();
    this.#installed = new TextDecoder().decode(answer('installed')).split('\n');
    this.#seen = {
      kind: 'seen',
      facts: parseFacts(answer('facts')).facts,
      clock,
      daemons: parseDaemons(answer('daemons')),
      missingModules: parseMissingModules(answer('modules')),
    };
  }

  /** Sees to it that a release is there: the installed one, or one in a folder that goes with this session. */
  async prepare(): Promise<void> {
    if (!this.#seen || this.#topology.instances.length === 0) return;
    const release = this.#releaseFor(this.#seen.facts);
    const hasNode = this.#installed.includes(release.node.sha256);
    if (hasNode && this.#installed.includes(release.id)) {
      this.#root = { path: ROOT, temporary: false };
      return;
    }
    const made = await this.#host.must(makeFolder(this.#isUnused), 'make a temporary folder');
    const path = new TextDecoder().decode(made.stdout).trim();
    this.#root = { path, temporary: true };
    const node = hasNode
      ? sh`mkdir -p ${`${path}/node`}; ln -s ${`${ROOT}/node/${release.node.sha256}`} ${`${path}/node/${release.node.sha256}`}; chmod 755 ${path}`
      : uploadNode(path, release);
    await this.#host.must(lines([node, uploadFiles(path, release)]), 'upload the release for the probe');
  }

  async probe(): Promise<void> {
    if (!this.#seen || !this.#root) return;
    const { seconds, round } = this.#options;
    const release = this.#releaseFor(this.#seen.facts);
    const program = `${this.#root.path}/releases/${release.id}/bin/tandemd`;
    const part = bytesPart(
      'keepalived.conf for the probe',
      new TextEncoder().encode(probeConfiguration(this.#topology)),
    );
    // Its exit code says what its report says as well.
    const answer = await this.#host.ask(
      sh`${input(part)} | timeout ${seconds + 30} ${program} probe -f - --name ${this.name} --round ${round} --seconds ${seconds} --json`,
      'probe',
    );
    const text = new TextDecoder().decode(answer.stdout);
    this.#probe = text.startsWith('{') ? (JSON.parse(text) as ProbeReport) : { problem: saidIn(answer) };
  }

  /** Never throws: a folder that stays goes with the session. */
  async leave(): Promise<void> {
    const root = this.#root;
    if (root?.temporary && this.#host.connected)
      await this.#host.ask(sh`rm -rf ${root.path}`, 'remove the temporary folder').catch(() => undefined);
    // What a program gets is counted there.
    if (root && this.#isUnused && this.#host.connected)
      await this.#host.ask(sh`rmdir "$t_run"`, 'remove what was not there').catch(() => undefined);
    await this.#host.close();
  }

  #releaseFor({ architecture }: Facts): ReleaseArtefact {
    const release = this.#options.releases.get(architecture);
    if (!release)
      throw new Error(
        `there is no release of tandemd for ${architecture}: x64 and arm64 can be built (node scripts/build.ts --arch arm64)`,
      );
    return release;
  }
}

/** Prints a new folder from which programs may run; who is left behind by a session that broke removes it. */
function makeFolder(isUnused: boolean): Fragment {
  const unused = isUnused ? 'yes' : 'no';
  return sh`t_d=
for t_l in /var/tmp /tmp /root /opt; do
[ -w "$t_l" ] && t_d=$(mktemp -d "$t_l/tandem-doctor.XXXXXX") || continue
printf '#!/bin/sh\n' >"$t_d/try"
chmod 700 "$t_d/try"
if "$t_d/try" 2>/dev/null; then rm "$t_d/try"; break; fi
rm -rf "$t_d"
t_d=
done
[ "$t_d" ] || { echo 'programs may run from none of /var/tmp, /tmp, /root and /opt (noexec)' >&2; exit 1; }
echo "$t_d"
( trap '' HUP; while [ -d "$t_d" ] && kill -0 $$ 2>/dev/null; do sleep 1; done; rm -rf "$t_d"; rm -f "$t_run/in.$$"; [ ${unused} = no ] || rmdir "$t_run" ) </dev/null >/dev/null 2>&1 9<&- &`;
}

/** The remote time was read between the two moments. */
function clockOf(answer: Uint8Array, askedAtMs: number, answeredAtMs: number): Seen['clock'] {
  const seconds = Number(new TextDecoder().decode(answer));
  if (!Number.isFinite(seconds) || seconds <= 0) return undefined;
  const uncertainMs = (answeredAtMs - askedAtMs) / 2;
  return { aheadMs: seconds * 1000 - askedAtMs - uncertainMs, uncertainMs };
}
