import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatIp, parseCidr } from '#base/address.ts';
import { messageOf } from '#base/errors.ts';
import type { Config, VirtualAddress } from '#conf/model.ts';
import type { Address, AddressSpec, NetworkTables } from '#linux/ports.ts';
import type { Interfaces } from './interfaces.ts';
import type { Log } from './log.ts';

/**
 * VIPs of a predecessor that was killed. Those of instances that are still configured are told to the engine like any
 * address; the others are removed here. They are known by our mark (`IFA_PROTO`, Linux 5.18) and, for older kernels, by
 * a file that lists the VIPs of the running configuration while the daemon runs.
 */
interface VipKey {
  readonly dev: string;
  /** `address/prefix`. */
  readonly cidr: string;
}

/** Every VIP and static address of the configuration. */
function vipsOf(config: Config): VipKey[] {
  const vips = config.vrrpInstances.flatMap(instance =>
    [...instance.virtualAddresses, ...instance.virtualAddressesExcluded].map(vip =>
      keyIn(vip, instance.interface ?? ''),
    ),
  );
  const fixed = config.staticAddresses.map(each => keyIn(each, config.globalDefs.defaultInterface));
  return [...vips, ...fixed];
}

function keyIn(address: VirtualAddress, defaultInterface: string): VipKey {
  return { dev: address.dev ?? defaultInterface, cidr: `${formatIp(address.address)}/${address.prefix}` };
}

/** Writes down the VIPs of the configuration that is about to run. */
export function recordVips(path: string, config: Config, log: Log): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(`${path}.new`, JSON.stringify(vipsOf(config)), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    log.warning(
      `${path} cannot be written, so VIPs may be left behind if tandemd is killed: ${messageOf(error)}`,
    );
  }
}

/** Whether a predecessor has not stopped cleanly. */
export function wasKilled(path: string): boolean {
  return existsSync(path);
}

/** A clean stop leaves nothing to be recorded. */
export function forgetVips(path: string): void {
  rmSync(path, { force: true });
}

/** Removes what a killed predecessor has left and `config` does not know. Needs `interfaces` to be filled. */
export function removeForeignLeftovers(
  path: string,
  config: Config,
  tables: NetworkTables,
  interfaces: Interfaces,
  log: Log,
): void {
  const found = tables.addresses();
  if (!found.ok) return;
  const configured = new Set(vipsOf(config).map(keyText));
  const recorded = new Set(readRecord(path).map(keyText));
  const left = found.value.filter(address => {
    const key = keyOf(address, interfaces);
    return !configured.has(key) && (address.ours || recorded.has(key));
  });
  if (left.length === 0) return;
  const failures = tables.removeAddresses(left.map(specOf));
  for (const [i, address] of left.entries())
    log.notice(
      `${keyOf(address, interfaces)} was left by an earlier tandemd and is ${failures[i] ? `not removed: ${failures[i].message}` : 'removed'}`,
    );
}

function readRecord(path: string): VipKey[] {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const keys: unknown[] = Array.isArray(value) ? value : [];
    return keys.filter(
      (key): key is VipKey =>
        typeof key === 'object' &&
        key !== null &&
        'dev' in key &&
        'cidr' in key &&
        typeof key.dev === 'string' &&
        typeof key.cidr === 'string' &&
        parseCidr(key.cidr) !== undefined,
    );
  } catch {
    return [];
  }
}

function keyText(key: VipKey): string {
  return `${key.cidr} on ${key.dev}`;
}

function keyOf(address: Address, interfaces: Interfaces): string {
  const dev = interfaces.byIndex(address.ifindex)?.name ?? '';
  return keyText({ dev, cidr: `${formatIp(address.address)}/${address.prefix}` });
}

function specOf(address: Address): AddressSpec {
  const { ifindex, prefix, label, peer } = address;
  return {
    ifindex,
    prefix,
    address: address.address,
    ...(label === '' ? {} : { label }),
    ...(peer ? { peer } : {}),
  };
}
