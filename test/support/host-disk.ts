/**
 * What a host's disk has other than its image, read from outside: for kernels in which reading the whole disk on the host
 * takes too long.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '#base/assert.ts';
import type { Exclusion } from '#lab/exclusions.ts';
import type { Lab } from '#lab/lab.ts';
import { cgroupRoot } from '#lab/cgroup.ts';
import { hostPaths, labPaths } from '#lab/layout.ts';
import { readState } from '#lab/state.ts';

/** Path → kind, mode, owner and content of everything on the disk that is not as it is in the image. */
type Disk = ReadonlyMap<string, string>;

const ABSENT = 'absent';

export function diskOf(lab: Lab, host: string): Disk {
  const { upper } = hostPaths(labPaths(lab.name, cgroupRoot()), lab.spec, host);
  return new Map(
    readdirSync(upper, { recursive: true, encoding: 'utf8' }).map(path => [path, look(join(upper, path))]),
  );
}

/** `path: before → after` for each path that differs and is not excluded (as `file:/path`). */
export async function diskDifferences(
  lab: Lab,
  host: string,
  before: Disk,
  after: Disk,
  exclusions: readonly Exclusion[],
): Promise<string[]> {
  const state = must(await readState(lab.name), `lab ${lab.name}`);
  const images = must(state.lowerDirectories[host], `an image of ${host}`).split(':');
  const inImage = (path: string): string =>
    images.map(image => look(join(image, path))).find(found => found !== ABSENT) ?? ABSENT;
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap(path => {
    if (exclusions.some(({ keys }) => keys.test(`file:/${path}`))) return [];
    const was = before.get(path) ?? inImage(path);
    const is = after.get(path) ?? inImage(path);
    return was === is ? [] : [`/${path}: ${was} → ${is}`];
  });
}

/** A whiteout of overlayfs, a character device 0/0, counts as absent. */
function look(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found || (found.isCharacterDevice() && found.rdev === 0)) return ABSENT;
  const owner = `${(found.mode & 0o7777).toString(8)} ${found.uid}:${found.gid}`;
  if (found.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (found.isDirectory()) return `directory ${owner}`;
  if (!found.isFile()) return `special ${owner}`;
  return `file ${owner} ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)}`;
}
