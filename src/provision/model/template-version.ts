/** The order of version numbers that Ansible's `version` test uses by default (LooseVersion). */

/** Negative, 0 or positive: components of digits compare as numbers, others as texts, and numbers come first. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [components(left), components(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x, y] = [a[index], b[index]];
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    if (x === y) continue;
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

function components(version: string): (string | number)[] {
  const parts = version.match(/\d+|[a-zA-Z]+/g) ?? [];
  return parts.map(part => (/^\d/.test(part) ? Number(part) : part));
}
