import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, lockFile } from './cache.ts';
import { must0 } from './command.ts';
import { debianMirror, type DebianMirror } from './debian-mirror.ts';
import { recipeChain, recipeHash, type ImageRecipe } from './image-recipe.ts';
import { LabError } from './lab-error.ts';
import type { LayerName, Release } from './spec.ts';

/** A build takes half a minute; a slow mirror may make it many. */
const BUILD_TIMEOUT_MS = 1_800_000;

/** Where images are kept. Removing the directory makes them build again. */
function imageDirectory(): string {
  const directory = cacheDirectory('images');
  // overlayfs separates lower directories with colons and options with commas.
  if (/[:,\\\s]/.test(directory)) {
    throw new LabError(`images cannot be kept in ${directory}`, {
      hint: 'set XDG_CACHE_HOME to a plain path',
    });
  }
  return directory;
}

/**
 * Makes sure that the images are there, building what is missing, and returns the overlayfs `lowerdir`, top first.
 * Several processes may ask at the same time: one builds, the others wait for it.
 */
export async function ensureImage(
  release: Release,
  layers: readonly LayerName[],
  onProgress: (line: string) => void,
): Promise<string> {
  const lower: string[] = [];
  for (const recipe of recipeChain(release, process.arch, layers)) {
    const home = join(imageDirectory(), recipeHash(recipe));
    if (!(await exists(home))) await buildOnce(recipe, home, lower.join(':'), onProgress);
    lower.unshift(join(home, 'root'));
  }
  return lower.join(':');
}

async function buildOnce(
  recipe: ImageRecipe,
  home: string,
  below: string,
  onProgress: (line: string) => void,
): Promise<void> {
  await mkdir(imageDirectory(), { recursive: true });
  const release = await lockFile(`${home}.lock`, BUILD_TIMEOUT_MS, onProgress);
  try {
    if (await exists(home)) return;
    const building = `${home}.building`;
    await removeTree(building);
    await mkdir(building);
    const startedAt = performance.now();
    const what = `${recipe.release}${recipe.below ? ` + ${recipe.packages.join(', ')}` : ''}`;
    onProgress(`image ${what}: building (once; kept in ${home})`);
    const mirror = await debianMirror(recipe.release);
    const report = (line: string) => onProgress(`image ${what}: ${line}`);
    await (recipe.below
      ? buildLayer(recipe, below, building, mirror, report)
      : buildBase(recipe, building, mirror, report));
    await writeFile(join(building, 'recipe.json'), `${JSON.stringify(recipe, null, 1)}\n`);
    await rename(building, home);
    onProgress(`image ${what}: built in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  } finally {
    await release();
  }
}

/**
 * Prefix of an argv: what runs after it ends with this process, however that ends, with all its children and mounts,
 * and makes files whose modes do not depend on the caller's umask.
 */
const CONFINED = 'setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc sh -c'
  .split(' ')
  .concat('umask 022; exec "$@"', 'sh');

/** What every host must get for itself, taken out of the image. `$1` is its root, the rest the units to mask. */
const FINISH_BASE = `set -eu
root=$1
shift
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root/etc/hostname" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/log/apt/* "$root/var/log/dpkg.log" "$root/var/log/bootstrap.log"
: >"$root/etc/machine-id"
for unit in "$@"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
`;

async function buildBase(
  recipe: ImageRecipe,
  building: string,
  mirror: DebianMirror,
  onLine: (line: string) => void,
): Promise<void> {
  const root = join(building, 'root');
  const argv = [
    ...CONFINED,
    'mmdebstrap',
    '--mode=root',
    '--variant=minbase',
    `--architectures=${recipe.architecture}`,
    `--include=${recipe.packages.join(',')}`,
    '--dpkgopt=force-unsafe-io',
    ...recipe.excludes.map(path => `--dpkgopt=path-exclude=${path}`),
    '--aptopt=Acquire::Languages "none"',
    ...mirror.transport.map(line => `--aptopt=${line.replace(/;$/, '')}`),
    recipe.release,
    root,
    ...mirror.sources,
  ];
  await must0(argv, {
    timeoutMs: BUILD_TIMEOUT_MS,
    onLine: line => /^[IWE]: /.test(line) && onLine(line.slice(3)),
  });
  await must0(['sh', '-c', FINISH_BASE, 'sh', root, ...recipe.masked]);
}

/**
 * Installs packages on an overlay in a mount namespace of its own. apt runs outside with the layer as its root, so
 * that the machine's network and certificates serve; dpkg runs inside by chroot. Indexes and archives stay outside.
 * Arguments: lowerdir, directory of the layer, apt.conf; then units to disable, `--`, packages.
 */
const BUILD_LAYER = `set -eu
mkdir "$2/root" "$2/work" "$2/merged"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/root,workdir=$2/work" "$2/merged"
root=$2/merged
export APT_CONFIG="$3" DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /dev "$root/dev"
mkdir -p "$root/tmp/archives/partial"
shift 3
units=
while [ "$1" != -- ]; do units="$units $1"; shift; done
shift
printf '#!/bin/sh\\nexit 101\\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
rm "$root/usr/sbin/policy-rc.d"
[ -z "$units" ] || chroot "$root" systemctl disable $units
rm -rf "$root"/var/log/apt/* "$root/var/log/dpkg.log"
`;

async function buildLayer(
  recipe: ImageRecipe,
  below: string,
  building: string,
  mirror: DebianMirror,
  onLine: (line: string) => void,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'tandem-apt-'));
  try {
    const configuration = join(scratch, 'apt.conf');
    await mkdir(join(scratch, 'lists', 'partial'), { recursive: true });
    await writeFile(join(scratch, 'sources.list'), `${mirror.sources.join('\n')}\n`);
    await writeFile(configuration, layerAptConfiguration(recipe, join(building, 'merged'), scratch, mirror));
    const script = [
      BUILD_LAYER,
      'sh',
      below,
      building,
      configuration,
      ...(recipe.disabled ?? []),
      '--',
      ...recipe.packages,
    ];
    await must0([...CONFINED, 'sh', '-c', ...script], {
      timeoutMs: BUILD_TIMEOUT_MS,
      onLine: line => /^(Fetched|E:|W:) /.test(line) && onLine(line),
    });
    await rm(join(building, 'merged'), { recursive: true });
    await removeTree(join(building, 'work'));
  } finally {
    await removeTree(scratch);
  }
}

/** apt.conf(5) that reads nothing of the machine's own configuration but the transport settings and keys. */
function layerAptConfiguration(
  recipe: ImageRecipe,
  root: string,
  scratch: string,
  mirror: DebianMirror,
): string {
  return [
    'Dir::Etc::Main "/dev/null";',
    'Dir::Etc::Parts "/dev/null";',
    `Dir::Etc::SourceList "${scratch}/sources.list";`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Dir::Etc::Trusted "/etc/apt/trusted.gpg";',
    'Dir::Etc::TrustedParts "/etc/apt/trusted.gpg.d";',
    `Dir::State "${root}/var/lib/apt";`,
    `Dir::State::Status "${root}/var/lib/dpkg/status";`,
    `Dir::State::Lists "${scratch}/lists";`,
    // dpkg opens the archives from inside.
    `Dir::Cache::Archives "${root}/tmp/archives";`,
    `Dir::Cache::PkgCache "";`,
    `Dir::Cache::SrcPkgCache "";`,
    `Dir::Log "${scratch}";`,
    `DPkg::Chroot-Directory "${root}";`,
    `APT::Architecture "${recipe.architecture}";`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'DPkg::Options { "--force-unsafe-io"; };',
    ...mirror.transport,
    '',
  ].join('\n');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function removeTree(path: string): Promise<void> {
  await must0(['rm', '-rf', '--one-file-system', path], { timeoutMs: 120_000 });
}
