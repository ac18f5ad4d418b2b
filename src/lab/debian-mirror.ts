import { readFile } from 'node:fs/promises';
import { must0 } from './command.ts';
import { LabError } from './lab-error.ts';
import type { Release } from './spec.ts';

/** Where packages come from and how they are fetched, taken from this machine's own apt. */
export interface DebianMirror {
  /** One-line sources.list(5) entries. */
  readonly sources: readonly string[];
  /** apt.conf(5) lines for transport: proxies, certificates, validity checks. */
  readonly transport: readonly string[];
}

/** Overrides the mirror that apt is configured with: `TANDEM_DEBIAN_MIRROR=URL`. */
const MIRROR_VARIABLE = 'TANDEM_DEBIAN_MIRROR';

/** A line of `apt-get indextargets`: repository, suite as sources.list names it. */
interface Repository {
  readonly uri: string;
  readonly suite: string;
}

/**
 * Finds the mirror for `release`.
 *
 * @throws {LabError} when this machine's apt has no Debian repository to learn from.
 */
export async function debianMirror(release: Release | 'sid'): Promise<DebianMirror> {
  const dump = (await must0(['apt-config', 'dump', 'Acquire'])).stdout;
  const transport = transportLines(dump);
  const chosen = process.env[MIRROR_VARIABLE];
  if (chosen !== undefined && chosen !== '') return { sources: [`deb ${chosen} ${release} main`], transport };
  const { stdout } = await must0([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)',
    'Created-By: Packages',
  ]);
  const machine = /^VERSION_CODENAME=(\w+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const sources = sourcesFor(release, machine, repositories(stdout));
  if (sources.length > 0) return { sources, transport };
  throw new LabError('this machine’s apt knows no Debian repository to build host images from', {
    hint: `run "apt-get update" if it never ran, or name a mirror: ${MIRROR_VARIABLE}=URL`,
  });
}

/** The main components of Debian's own repositories among apt's index targets. */
export function repositories(indexTargets: string): Repository[] {
  return indexTargets.split('\n').flatMap(line => {
    const [uri, suite, component, origin] = line.split(' ');
    return uri && suite && component === 'main' && origin === 'Debian' ? [{ uri, suite }] : [];
  });
}

/**
 * For the machine's own release all of its suites (updates and security too); for another one the main suite, from
 * the repository that serves the machine's.
 */
export function sourcesFor(
  release: Release | 'sid',
  machine: string | undefined,
  known: readonly Repository[],
): string[] {
  if (release === machine) {
    return [...new Set(known.map(({ uri, suite }) => `deb ${uri} ${suite} main`))];
  }
  const main = known.find(({ suite }) => suite === machine || suite === 'stable' || suite === 'oldstable');
  return main ? [`deb ${main.uri} ${release} main`] : [];
}

/** The settings that decide whether a download works, from `apt-config dump Acquire`. */
export function transportLines(dump: string): string[] {
  return dump
    .split('\n')
    .filter(line =>
      /^Acquire::(https?|Check-Valid-Until|Check-Date|Retries|ForceIPv[46])(::\S*)? "[^"]+";$/.test(line),
    );
}
