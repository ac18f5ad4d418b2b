/** `tandem lab` as a library: an inventory's hosts become real hosts on this machine. */
import { mkdir, writeFile } from 'node:fs/promises';
import { must } from '#base/assert.ts';
import type { Lab, LabOptions, LabSummary } from './api.ts';
import { BOOT, ENTER, MAKE_DEVICES, SUPERVISE, WIRE } from './boot-scripts.ts';
import { cgroupRoot } from './cgroup.ts';
import { must0 } from './command.ts';
import { copySysctls, prepareDisk } from './host-disk.ts';
import { boot, type LabContext } from './host.ts';
import { ensureImage } from './image.ts';
import { LabError } from './lab-error.ts';
import { labHandle } from './lab-handle.ts';
import { labPaths, LABS_DIRECTORY, type LabPaths } from './layout.ts';
import { ensurePrerequisites } from './prerequisites.ts';
import { removeLab } from './remove.ts';
import { checkLabName, checkSpec } from './spec-check.ts';
import type { LabSpec } from './spec.ts';
import { makeSshAccess } from './ssh-access.ts';
import { ageOfLabMs, identityOf, isAlive, labNames, readState, writeJson, type LabState } from './state.ts';
import { makeNetworks } from './switch.ts';

export type { Lab, LabOptions, LabSummary } from './api.ts';
export type { ExecResult } from './command.ts';
export type { FrameRecord } from './frame.ts';
export { specFromHosts } from './from-inventory.ts';
export { LabError } from './lab-error.ts';
export { ensurePrerequisites } from './prerequisites.ts';
export { compareSnapshots, formatDifferences, snapshotHost, type Snapshot } from './snapshot.ts';
export type { LabHost, LabSpec } from './spec.ts';

/** A half-made lab without state is given this long before it counts as abandoned. */
const UNBORN_MS = 60_000;

/**
 * Brings a lab up: programs of this machine and images (installed and built if missing), networks, hosts; returns
 * when each host's sshd listens. Labs of dead processes are swept first. When anything fails, what was made is
 * removed again.
 *
 * @throws {LabError} when the spec is unusable, a lab of that name runs, or a host does not come up.
 */
export async function labUp(spec: LabSpec, options: LabOptions = {}): Promise<Lab> {
  checkSpec(spec);
  const onProgress = options.onProgress ?? (() => {});
  await ensurePrerequisites(onProgress);
  await sweepDeadLabs();
  const lowerDirectories = await ensureImages(spec, onProgress);
  const root = cgroupRoot();
  const paths = labPaths(spec.name, root);
  await claimDirectory(paths, spec.name);
  try {
    const owner = must(identityOf(process.pid), 'this process is alive');
    const state: LabState = {
      spec,
      cgroupRoot: root,
      lowerDirectories,
      ...(options.ephemeral === true ? { owner } : {}),
    };
    await build(paths, state);
    const lab = { paths, spec, lowerDirectories, cgroupRoot: root };
    await bootAll(lab, options, onProgress);
    return labHandle(lab);
  } catch (thrown) {
    await removeLab(spec.name, root);
    throw thrown;
  }
}

async function ensureImages(
  spec: LabSpec,
  onProgress: (line: string) => void,
): Promise<Record<string, string>> {
  const lower: Record<string, string> = {};
  for (const host of spec.hosts) {
    lower[host.name] = await ensureImage(host.image ?? 'bookworm', host.layers ?? [], onProgress);
  }
  return lower;
}

/** The directory is the name's lock: whoever makes it has the name. */
async function claimDirectory(paths: LabPaths, name: string): Promise<void> {
  await mkdir(LABS_DIRECTORY, { recursive: true, mode: 0o711 });
  try {
    await mkdir(paths.directory, { mode: 0o700 });
  } catch (cause) {
    throw new LabError(`a lab called ${name} is already there`, { hint: `tandem lab down ${name}`, cause });
  }
}

async function build(paths: LabPaths, state: LabState): Promise<void> {
  await must0(['mount', '-t', 'tmpfs', '-o', 'mode=0700,nosuid', 'tandem-lab', paths.directory]);
  await writeJson(paths.stateFile, state);
  await mkdir(paths.toolsCgroup, { recursive: true });
  await mkdir(paths.scripts);
  for (const [name, text] of Object.entries({ supervise: SUPERVISE, wire: WIRE, enter: ENTER, boot: BOOT })) {
    await writeFile(`${paths.scripts}/${name}.sh`, text);
  }
  await must0(['sh', '-c', `cd "$1"\n${MAKE_DEVICES}`, 'sh', paths.directory]);
  await copySysctls(`${paths.directory}/sys`);
  for (const host of state.spec.hosts) {
    await prepareDisk(paths, state.spec, host);
  }
  await makeSshAccess(paths, state.spec);
  await makeNetworks(paths, state.spec);
}

async function bootAll(
  lab: LabContext,
  options: LabOptions,
  onProgress: (line: string) => void,
): Promise<void> {
  const waiting = [...lab.spec.hosts];
  const lane = async () => {
    for (let host = waiting.shift(); host; host = waiting.shift()) {
      const startedAt = performance.now();
      await boot(lab, host.name, options.bootTimeoutMs ?? 60_000);
      onProgress(`host ${host.name}: up in ${Math.round(performance.now() - startedAt)} ms`);
    }
  };
  await Promise.all(Array.from({ length: options.bootsInParallel ?? 8 }, lane));
}

/** A lab that some process has brought up. @throws {LabError} when there is none of that name. */
export async function openLab(name: string): Promise<Lab> {
  checkLabName(name);
  const state = await readState(name);
  if (!state) {
    const names = (await labNames()).join(', ') || 'none';
    throw new LabError(`no lab called ${name} is running (running: ${names})`, { hint: 'tandem lab up' });
  }
  return labHandle({ ...state, paths: labPaths(name, state.cgroupRoot) });
}

/** Removes the lab of that name, however it was left; fine if there is none. */
export async function labDown(name: string): Promise<void> {
  checkLabName(name);
  const state = await readState(name);
  await removeLab(name, state?.cgroupRoot ?? cgroupRoot());
}

/** The labs of this machine. */
export async function listLabs(): Promise<LabSummary[]> {
  const labs: LabSummary[] = [];
  for (const name of await labNames()) {
    const state = await readState(name);
    labs.push({
      name,
      hosts: state?.spec.hosts.length ?? 0,
      ephemeral: state?.owner !== undefined,
      ownerAlive: state?.owner === undefined || isAlive(state.owner),
    });
  }
  return labs;
}

/** Removes ephemeral labs whose process is gone, and what is left of labs that never came to be. Returns their names. */
export async function sweepDeadLabs(): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await labNames()) {
    const state = await readState(name);
    const isDead = state
      ? state.owner !== undefined && !isAlive(state.owner)
      : (await ageOfLabMs(name)) > UNBORN_MS;
    if (!isDead) continue;
    await labDown(name);
    dead.push(name);
  }
  return dead;
}
