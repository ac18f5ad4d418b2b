/** `virtual_server_group` of a virtual server: several addresses, ports and marks that share checks and a quorum. */
import { compareIp, familyOf, formatIp } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { loadStatements } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { VirtualServerGroupEntry } from '#conf/model.ts';
import type { ServedAddress, ServedPort } from './derive-servers.ts';
import { line } from './topology-keywords.ts';
import type { Report } from './topology-rules.ts';
import { ValueError } from './template-values.ts';

/** What the lines of a group serve, or undefined, and complained about, if that cannot be said. */
export function servedByGroup(
  what: string,
  lines: readonly string[],
  all: readonly ServedAddress[],
  position: Position,
  report: Report,
): readonly ServedPort[] | undefined {
  const refuse = (why: string, hint: string): undefined => {
    report.error('server-group', `${what}: ${why}`, position, hint);
  };
  const served: ServedPort[] = [];
  for (const text of lines) {
    const entry = readLine(text);
    if (!entry)
      return refuse(
        `${JSON.stringify(text)} is no line of a virtual_server_group`,
        'ADDRESS PORT, FIRST-LAST PORT or fwmark N',
      );
    if (entry.kind === 'fwmark') continue;
    const covered = all.filter(one => isIn(one.address, entry));
    if (covered.length === 0)
      return refuse(
        `${text} is not an address of its instances`,
        `they have ${all.map(one => formatIp(one.address)).join(', ')}`,
      );
    served.push(...covered.map(one => ({ ...one, port: entry.port })));
  }
  // A mark says nothing of addresses: it may be about all of them.
  const found = served.length > 0 ? served : all.map(one => ({ ...one, port: 0 }));
  if (new Set(found.map(one => one.family)).size > 1)
    return refuse('its virtual_server_group is about both families', 'write one virtual server for each');
  return found;
}

function isIn(address: Uint8Array, range: VirtualServerGroupEntry & { readonly kind: 'range' }): boolean {
  return (
    familyOf(address) === familyOf(range.first) &&
    compareIp(range.first, address) <= 0 &&
    compareIp(address, range.last) <= 0
  );
}

/** One line by the rules of keepalived.conf; undefined if it is none. */
function readLine(text: string): VirtualServerGroupEntry | undefined {
  try {
    const block = `virtual_server_group g {\n${line(text)}\n}\n`;
    const { config, diagnostics } = loadStatements('g', memorySource({ g: block }), { hostname: '' });
    const refused = diagnostics.some(({ id, severity }) => severity === 'error' && id !== 'group-unused');
    return refused ? undefined : config.virtualServerGroups[0]?.entries[0];
  } catch (thrown) {
    if (thrown instanceof ValueError) return undefined;
    throw thrown;
  }
}
