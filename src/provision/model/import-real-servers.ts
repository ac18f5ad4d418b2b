/** `real_server` blocks of one virtual server → `real_servers`, and the checks that all of them share. */
import type { ImportedReal, ImportedServer } from './import-server-read.ts';
import { shareWords } from './import-share.ts';
import type { ImportedRealServers, Words } from './import-types.ts';
import type { Keyword } from './topology-schema-words.ts';

/**
 * As the group's hosts where it has all of them, else as addresses, which Tandem sends to and does nothing else with. `checks` are for the virtual server itself; none if its servers differ in them.
 */
export function realServerWords(
  { model: { key }, reals }: ImportedServer,
  built: ImportedRealServers | undefined,
): { readonly real_servers: Words; readonly checks: Words } {
  const common = reals.every(real => JSON.stringify(real.checks) === JSON.stringify(reals[0]?.checks));
  const checks = common ? (reals[0]?.checks ?? {}) : {};
  const ports = new Set(reals.map(real => real.port));
  const [port = 0] = ports;
  // A mark or a group says no port that servers could have by default.
  const usual = key.kind === 'address' ? key.port : 0;
  const shared = ports.size === 1 && port !== usual ? { port } : {};
  const named = new Set(reals.flatMap(real => built?.byAddress.get(real.address) ?? []));
  const managed = named.size === reals.length && ports.size === 1;
  const keyOf = (real: ImportedReal): string => {
    if (managed) return built?.byAddress.get(real.address) ?? real.address;
    return ports.size === 1 || real.port === usual ? real.address : `${real.address} ${real.port}`;
  };
  const weights = new Set(reals.map(real => real.weight));
  const [weight = 1] = weights;
  const words = shareWords(
    new Map(reals.map(real => [keyOf(real), { ...real.words, ...(common ? {} : real.checks) }])),
  );
  const own = reals.map((real): [string, Keyword] => {
    const more = words.own.get(keyOf(real));
    const number = weights.size > 1 && real.weight !== 1 ? real.weight : undefined;
    if (more) return [keyOf(real), { ...(number === undefined ? {} : { weight: number }), ...more }];
    return [keyOf(real), number ?? null];
  });
  const whole = managed && [...named].join(' ') === [...(built?.knowledge.keys() ?? [])].join(' ');
  const special = own.filter(([, value]) => value !== null);
  const bare = special.length === 0;
  const who = whole
    ? { group: built?.group ?? '', ...(bare ? {} : { hosts: Object.fromEntries(special) }) }
    : { [managed ? 'hosts' : 'addresses']: bare ? own.map(([name]) => name) : Object.fromEntries(own) };
  return {
    real_servers: {
      ...who,
      ...shared,
      ...(weights.size === 1 && weight !== 1 ? { weight } : {}),
      ...words.shared,
    },
    checks,
  };
}
