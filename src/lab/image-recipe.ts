import { createHash } from 'node:crypto';
import { must } from '#base/assert.ts';
import type { LayerName, Release } from './spec.ts';

/** What an image is made of. The hash of this, and nothing else, names it: change it and it is built again. */
export interface ImageRecipe {
  /** Raise when the way of building changes what comes out. */
  readonly format: 1;
  readonly release: Release;
  /** Debian's name: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly packages: readonly string[];
  /** dpkg path-excludes. */
  readonly excludes: readonly string[];
  /** Units linked to /dev/null: what a host without udev, disks and terminals cannot run, and what changes it behind a test's back. */
  readonly masked: readonly string[];
  /** The recipe that this one is a layer upon. */
  readonly below?: ImageRecipe;
  /** Units that the packages would start at boot and the layer does not. */
  readonly disabled?: readonly string[];
}

const BASE_PACKAGES = [
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'iproute2',
  'iputils-ping',
  'iputils-arping',
  'nftables',
  'iptables',
  'procps',
  'sudo',
  'curl',
  'ca-certificates',
  'less',
  'tcpdump',
  // Node needs these two, and minbase promises neither.
  'libstdc++6',
  'libgcc-s1',
] as const;

const EXCLUDES = [
  '/usr/share/man/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
] as const;

const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'container-getty@.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty.target',
  'getty@.service',
  'getty-static.service',
  'man-db.timer',
  'serial-getty@.service',
  'systemd-pstore.service',
  'systemd-udev-settle.service',
  'systemd-udev-trigger.service',
  'systemd-udevd.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
] as const;

/** Packages of a layer, and the units that stay off until a test or a role turns them on. */
const LAYERS: Readonly<Record<LayerName, { packages: readonly string[]; disabled: readonly string[] }>> = {
  firewalls: { packages: ['firewalld', 'ufw'], disabled: ['firewalld.service', 'ufw.service'] },
  keepalived: { packages: ['keepalived'], disabled: ['keepalived.service'] },
  'network-manager': {
    packages: ['network-manager'],
    disabled: [
      'NetworkManager.service',
      'NetworkManager-dispatcher.service',
      'NetworkManager-wait-online.service',
    ],
  },
  // What the family of Red Hat installs with, as far as Debian has it.
  rpm: { packages: ['dnf', 'rpm', 'createrepo-c'], disabled: [] },
  services: {
    packages: ['nginx-light', 'haproxy', 'chrony', 'rsyslog', 'logrotate', 'python3-aiosmtpd', 'psmisc'],
    disabled: [
      'nginx.service',
      'haproxy.service',
      'chrony.service',
      'rsyslog.service',
      'syslog.socket',
      'logrotate.timer',
    ],
  },
};

/** @param architecture as `process.arch` names it. */
export function baseRecipe(release: Release, architecture: NodeJS.Architecture): ImageRecipe {
  return {
    format: 1,
    release,
    architecture: architecture === 'x64' ? 'amd64' : architecture,
    packages: BASE_PACKAGES,
    excludes: EXCLUDES,
    masked: MASKED,
  };
}

/** The base and then each layer upon what is below it, always in the same order whatever order was asked for. */
export function recipeChain(
  release: Release,
  architecture: NodeJS.Architecture,
  layers: readonly LayerName[],
): ImageRecipe[] {
  const names = [...new Set(layers)].toSorted((a, b) => a.localeCompare(b, 'en'));
  const chain = [baseRecipe(release, architecture)];
  for (const name of names) chain.push(layerRecipe(name, must(chain.at(-1), 'the base')));
  return chain;
}

function layerRecipe(name: LayerName, below: ImageRecipe): ImageRecipe {
  return { ...below, ...LAYERS[name], masked: [], below };
}

/** 16 hex digits that change when anything in the recipe does. */
export function recipeHash(recipe: ImageRecipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);
}
