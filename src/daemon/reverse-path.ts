import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Linux takes the greater of `all` and an interface's own `rp_filter`, and with either mode drops what comes in by an
 * interface without addresses: adverts and a virtual address's traffic on a macvlan. So `all` goes to 0, and what it did
 * for the other interfaces, present and future ones, becomes their own. Returns settings below `folder` (`/proc/sys/net`), `all` last.
 */
export function reversePathSettings(vmacs: ReadonlySet<string>, folder: string): Map<string, string> {
  const conf = join(folder, 'ipv4/conf');
  const settings = new Map<string, string>();
  const all = valueIn(conf, 'all') ?? 0;
  if (all === 0) return settings;
  for (const name of readdirSync(conf))
    if (name !== 'all' && !vmacs.has(name) && (valueIn(conf, name) ?? all) < all)
      settings.set(`ipv4/conf/${name}/rp_filter`, String(all));
  return settings.set('ipv4/conf/all/rp_filter', '0');
}

/** undefined for an interface that has just gone. */
function valueIn(conf: string, name: string): number | undefined {
  try {
    return Number(readFileSync(join(conf, name, 'rp_filter'), 'utf8'));
  } catch {
    return undefined;
  }
}
