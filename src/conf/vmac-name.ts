import type { Family } from '#base/address.ts';

/** IFNAMSIZ less its NUL. */
const NAME_MAX = 15;

const OCTETS = /^(?:[0-9a-fA-F]{1,2}:){4,5}[0-9a-fA-F]{1,2}$/;

/** A word of `use_vmac` that says something: a MAC address, or a name. */
export interface VmacWord<W> {
  readonly kind: 'mac' | 'name';
  readonly word: W;
}

/** Reads the words of `use_vmac`; what is for keepalived's own netlink messages is left out. */
export function vmacWords<W extends { readonly text: string }>(words: readonly W[]): VmacWord<W>[] {
  const found: VmacWord<W>[] = [];
  for (let i = 0; i < words.length; i++) {
    let word = words[i];
    if (word?.text === 'netlink_notify_msg') continue;
    if (word?.text === 'group') {
      i++;
      continue;
    }
    const kind = OCTETS.test(word?.text ?? '') ? 'mac' : 'name';
    if (word?.text === 'name') word = words[++i];
    if (word) found.push({ kind, word });
  }
  return found;
}

/** What a macvlan's name is made of. */
export interface VmacName {
  /** `use_vmac NAME`; undefined: a name is made. */
  readonly given: string | undefined;
  readonly family: Family;
  readonly virtualRouterId: number;
}

/**
 * The names of the macvlans of `use_vmac`, in the order of the configuration. Made ones are keepalived's: `vrrp.VRID`,
 * `vrrp6.VRID` for IPv6; a VRID that is used on several interfaces gets a suffix. `prefix` is `vmac_prefix`.
 */
export function vmacNames(prefix: string, wanted: readonly VmacName[]): string[] {
  const taken = new Set<string>();
  return wanted.map(each => {
    const name = each.given ?? freeName(prefix, each, taken);
    taken.add(name);
    return name;
  });
}

function freeName(prefix: string, { family, virtualRouterId }: VmacName, taken: ReadonlySet<string>): string {
  const name = `${prefix}${family === 6 ? '6' : ''}.${virtualRouterId}`.slice(0, NAME_MAX);
  for (let i = 1; ; i++) {
    const suffix = i === 1 ? '' : `_${i}`;
    const candidate = name.slice(0, NAME_MAX - suffix.length) + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}
