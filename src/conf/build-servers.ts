import { buildServerGroup } from './build-server-group.ts';
import { buildVirtualServer } from './build-server.ts';
import { serverName } from './check-servers.ts';
import type {
  Config,
  GlobalDefs,
  SslSettings,
  TrackFile,
  VirtualServer,
  VirtualServerGroup,
} from './model.ts';
import type { Report } from './report.ts';
import { SecretBytes } from './secret.ts';
import { readBlock, Settings } from './values.ts';

/** `virtual_server_group`, `virtual_server` and `SSL`. */
export function buildServers(
  top: Settings,
  globalDefs: GlobalDefs,
  trackFiles: ReadonlyMap<string, TrackFile>,
  report: Report,
): Pick<Config, 'virtualServerGroups' | 'virtualServers' | 'ssl'> {
  const groups = buildGroups(top, report);
  const ssl = buildSsl(top, report);
  const context = { globalDefs, ssl, trackFiles, report };
  const servers = top
    .all('virtual_server')
    .flatMap(({ statement }) => buildVirtualServer(statement, groups, context) ?? []);
  return {
    virtualServerGroups: [...groups.values()],
    virtualServers: withoutDuplicates(servers, report),
    ssl,
  };
}

function buildGroups(top: Settings, report: Report): Map<string, VirtualServerGroup> {
  const groups = new Map<string, VirtualServerGroup>();
  for (const { statement } of top.all('virtual_server_group')) {
    const group = buildServerGroup(statement, report);
    if (!group) continue;
    if (groups.has(group.name)) {
      const message = `virtual_server_group ${group.name} is already defined; this one is ignored`;
      report.error('name-duplicate', group.position, message, 'give it a name of its own');
    } else groups.set(group.name, group);
  }
  return groups;
}

/** Two virtual servers of one address, port and protocol would be one service in the kernel. */
function withoutDuplicates(servers: readonly VirtualServer[], report: Report): VirtualServer[] {
  const seen = new Set<string>();
  return servers.filter(server => {
    const { key, protocol, family } = server;
    const scope = key.kind === 'fwmark' ? family : key.kind === 'group' ? `${protocol} ${family}` : protocol;
    const name = `${serverName(server)} ${scope}`;
    if (!seen.has(name)) return seen.add(name);
    const message = `virtual_server ${serverName(server)} is already defined; this one is ignored`;
    report.error('virtual-server-twice', server.position, message);
    return false;
  });
}

function buildSsl(top: Settings, report: Report): SslSettings | undefined {
  const statement = top.all('SSL').at(-1)?.statement;
  if (!statement) return undefined;
  if (top.all('SSL').length > 1)
    report.error('ssl-twice', statement.position, '`SSL` was already given; this one counts');
  const settings = new Settings(statement.position, readBlock('SSL', statement.block ?? [], report));
  for (const name of ['password', 'ca', 'certificate', 'key']) {
    const [, second] = settings.all(name);
    const message = `\`${name}\` was already given; the last one counts`;
    if (second) report.error('keyword-duplicate', second.statement.position, message);
  }
  const password = settings.text('password');
  return {
    password: password === undefined ? undefined : new SecretBytes(new TextEncoder().encode(password)),
    ca: settings.text('ca'),
    certificate: settings.text('certificate'),
    key: settings.text('key'),
  };
}
