/** Real servers that are given as addresses: nothing is derived for them, and nobody logs in there. */
import { familyOf, formatIp, parseIp } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { hostWords, mergedWords, serverNumber, type HostWords } from './derive-server-words.ts';
import type { UpstreamModel } from './derive-upstreams.ts';
import { isJsonMap } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import type { RealServerWords } from './topology-schema-servers.ts';
import { keyPositionOf, positionAt } from './yaml.ts';

/** `real_servers: { addresses: … }`; complaints go to the report. */
export function unmanagedServers(
  what: string,
  words: RealServerWords,
  position: Position,
  report: Report,
): readonly UpstreamModel[] {
  const { addresses } = words;
  // A text is one entry: its second word is a port, not another address.
  const given = typeof addresses === 'string' ? [addresses] : (addresses ?? []);
  const found = new Map<string, UpstreamModel>();
  for (const [text, own] of hostWords(given)) {
    const at = isJsonMap(addresses)
      ? (keyPositionOf(addresses, text) ?? position)
      : (positionAt(words, ['addresses']) ?? position);
    const one = unmanaged(what, text, own, words, at, report);
    if (!one) continue;
    const key = `${one.host} ${one.port ?? ''}`;
    if (found.has(key))
      report.error(
        'real-server-address',
        `${what}: ${key.trim()} is there twice`,
        at,
        'leave one of them out',
      );
    found.set(key, one);
  }
  return [...found.values()];
}

function unmanaged(
  what: string,
  text: string,
  own: HostWords,
  words: RealServerWords,
  position: Position,
  report: Report,
): UpstreamModel | undefined {
  const [addressText = '', portText, ...rest] = text.trim().split(/\s+/);
  const address = parseIp(addressText);
  if (!address || rest.length > 0) {
    report.error(
      'address-invalid',
      `${what}: ${JSON.stringify(text)} is not an address`,
      position,
      'ADDRESS, or ADDRESS PORT in one text; hosts of the inventory are named under hosts or group',
    );
    return undefined;
  }
  const number = (key: 'port' | 'weight', given: unknown, least: number): number | undefined =>
    serverNumber({ what, host: addressText, key, given, least, position }, report);
  return {
    host: formatIp(address),
    managed: false,
    addresses: new Map([[familyOf(address), address]]),
    port: number('port', portText ?? own['port'] ?? words.port, 1),
    weight: number('weight', own['weight'] ?? words.weight, 0) ?? 1,
    words: mergedWords(words, own),
    position,
  };
}
