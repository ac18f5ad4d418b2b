/** Complaints as people want to read them. */
import type { Diagnostic } from '#base/errors.ts';
import { formatPosition } from '#base/position.ts';

/** `VG_1 on ka67: …` */
const ABOUT_A_HOST = /^(\S+) on (\S+): ([\s\S]*)$/;

/** What is said of several hosts at one place is said once, with all of them: `VG_1 on ka67, ka68: …`. */
export function oncePerPlace(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const places = new Map<string, { diagnostic: Diagnostic; hosts: string[] }>();
  for (const diagnostic of diagnostics) {
    const [, subject = '', host, rest = ''] = ABOUT_A_HOST.exec(diagnostic.message) ?? [];
    const { position, id } = diagnostic;
    const place = position ? formatPosition(position) : '';
    const key = host === undefined ? `${places.size}` : JSON.stringify([place, id, subject, rest]);
    const known = places.get(key);
    if (known && host !== undefined) known.hosts.push(host);
    else places.set(key, { diagnostic, hosts: host === undefined ? [] : [host] });
  }
  return [...places.values()].map(({ diagnostic, hosts }) => {
    if (hosts.length < 2) return diagnostic;
    const message = diagnostic.message.replace(
      ABOUT_A_HOST,
      (_all, subject: string, _host, rest: string) => `${subject} on ${hosts.join(', ')}: ${rest}`,
    );
    return { ...diagnostic, message };
  });
}
