import { formatIp } from '#base/address.ts';
import { isVrrpMulticast } from './build-global.ts';
import { LineCursor } from './line-cursor.ts';
import { parseIp } from '#base/address.ts';
import type { Family, GlobalDefs, UnicastPeer, VrrpInstance } from './model.ts';
import type { Report } from './report.ts';
import type { Settings } from './values.ts';

/** How an instance's adverts travel. */
export type Cast = Pick<
  VrrpInstance,
  | 'mcastGroup'
  | 'mcastSrcIp'
  | 'unicastSrcIp'
  | 'unicastPeers'
  | 'unicastFaultNoPeer'
  | 'unicastTtl'
  | 'checkUnicastSrc'
  | 'trackSrcIp'
>;

/** Multicast group, unicast peers and source address. */
export function buildCast(
  name: string,
  settings: Settings,
  family: Family,
  globalDefs: GlobalDefs,
  checkUnicastSrc: boolean,
  report: Report,
): Cast {
  const unicastPeers = buildPeers(settings, family, report);
  const unicast = unicastPeers.length > 0;
  const mcastSrcIp = ofFamily(settings, 'mcast_src_ip', family, report);
  const unicastSrcIp = ofFamily(settings, 'unicast_src_ip', family, report);
  tellMissingPeers(name, settings, unicast, report);
  return {
    mcastGroup: buildGroup(settings, family, unicast, globalDefs, report),
    mcastSrcIp,
    unicastSrcIp,
    unicastPeers,
    unicastFaultNoPeer: settings.flag('unicast_fault_no_peer'),
    unicastTtl: buildTtl(settings, unicast, report),
    checkUnicastSrc:
      settings.flag('check_unicast_src') ||
      checkUnicastSrc ||
      unicastPeers.some(peer => peer.minTtl !== undefined || peer.maxTtl !== undefined),
    trackSrcIp: settings.flag('track_src_ip') && (mcastSrcIp ?? unicastSrcIp) !== undefined,
  };
}

function buildTtl(settings: Settings, unicast: boolean, report: Report): number {
  const ttl = settings.number('unicast_ttl');
  if (ttl === undefined || unicast) return ttl ?? 255;
  report.error(
    'unicast-ttl',
    settings.positionOf('unicast_ttl'),
    '`unicast_ttl` has no effect without unicast peers',
  );
  return 255;
}

const UNICAST_KEYWORDS = ['unicast_peer', 'unicast_src_ip', 'check_unicast_src', 'unicast_fault_no_peer'];

function tellMissingPeers(name: string, settings: Settings, unicast: boolean, report: Report): void {
  const keyword = settings.lastOf(...UNICAST_KEYWORDS);
  if (unicast || keyword === undefined) return;
  const instead = settings.flag('unicast_fault_no_peer') ? 'it will stay in FAULT' : 'it will use multicast';
  const message = `${name} has \`${keyword}\` but no unicast peer: ${instead}`;
  report.error(
    'unicast-no-peer',
    settings.positionOf(keyword),
    message,
    'list the other routers in `unicast_peer { … }`',
  );
}

function ofFamily(
  settings: Settings,
  keyword: string,
  family: Family,
  report: Report,
): Uint8Array | undefined {
  const address = settings.address(keyword);
  if (!address || address.length === (family === 4 ? 4 : 16)) return address;
  const message = `\`${keyword}\` must be an IPv${family} address like the virtual addresses; it is ignored`;
  report.error('family-conflict', settings.positionOf(keyword), message);
  return undefined;
}

function buildPeers(settings: Settings, family: Family, report: Report): UnicastPeer[] {
  const peers = new Map<string, UnicastPeer>();
  for (const line of settings.lines('unicast_peer', report)) {
    const address = parseIp(line.keyword);
    if (!address || address.length !== (family === 4 ? 4 : 16)) {
      const message = `\`${line.keyword}\` is not an IPv${family} address; the peer is ignored`;
      report.error('peer-invalid', line.position, message);
      continue;
    }
    const peer = {
      address,
      minTtl: undefined,
      maxTtl: undefined,
      position: line.position,
      ...readTtls(line.words, report),
    };
    if (peers.has(formatIp(address)))
      report.warning('peer-duplicate', line.position, `peer ${line.keyword} is listed twice`);
    else peers.set(formatIp(address), peer);
  }
  return [...peers.values()];
}

function readTtls(words: UnicastPeerWords, report: Report): Partial<Pick<UnicastPeer, 'minTtl' | 'maxTtl'>> {
  const cursor = new LineCursor(words, report);
  cursor.next();
  let minTtl: number | undefined;
  let maxTtl: number | undefined;
  while (cursor.peek() !== undefined) {
    const { position } = cursor;
    const option = cursor.next() ?? '';
    if (option === 'min_ttl') minTtl = cursor.integer(option, 0, 255);
    else if (option === 'max_ttl') maxTtl = cursor.integer(option, 0, 255);
    else {
      const hint = parseIp(option) ? 'each peer needs a line of its own' : 'expected min_ttl or max_ttl';
      report.error('option-unknown', position, `unknown word \`${option}\` after a peer is ignored`, hint);
    }
  }
  if (minTtl !== undefined && maxTtl !== undefined && minTtl > maxTtl) {
    report.error(
      'ttl-range',
      cursor.position,
      `min_ttl ${minTtl} is greater than max_ttl ${maxTtl}; both are ignored`,
    );
    return {};
  }
  return { minTtl, maxTtl };
}

type UnicastPeerWords = ConstructorParameters<typeof LineCursor>[0];

function buildGroup(
  settings: Settings,
  family: Family,
  unicast: boolean,
  globalDefs: GlobalDefs,
  report: Report,
): Uint8Array {
  const fallback = family === 4 ? globalDefs.vrrpMcastGroup4 : globalDefs.vrrpMcastGroup6;
  const address = ofFamily(settings, 'mcast_dst_ip', family, report);
  if (!address) return fallback;
  const position = settings.positionOf('mcast_dst_ip');
  if (!isVrrpMulticast(address)) {
    const expected = family === 4 ? 'a multicast group' : 'a link-local multicast group (ff02::…)';
    report.error(
      'mcast-group-invalid',
      position,
      `${formatIp(address)} is not ${expected}; the default is used`,
    );
    return fallback;
  }
  if (unicast) {
    report.error('mcast-with-unicast', position, '`mcast_dst_ip` has no effect with unicast peers');
    return fallback;
  }
  return address;
}
