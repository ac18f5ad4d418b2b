import { buildServerGroup } from './build-server-group.ts';
import { buildVirtualServer } from './build-server.ts';
import { serverName } from './check-servers.ts';
import type { ServerContext } from './build-real-server.ts';
import type { Config, SslSettings, VirtualServer, VirtualServerGroup } from './model.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { SecretBytes } from './secret.ts';
import { readBlock, Settings } from './values.ts';

/** `virtual_server_group` and `SSL`. */
export function buildServerSurroundings(
  top: Settings,
  report: Report,
): Pick<Config, 'virtualServerGroups' | 'ssl'> {
  return { virtualServerGroups: buildGroups(top, report), ssl: buildSsl(top, report) };
}

/** Builds one `virtual_server` after the other: of tens of thousands of real servers only one's words are in memory. */
export class ServerBuilder {
  readonly #groups: ReadonlyMap<string, VirtualServerGroup>;
  readonly #context: ServerContext;
  readonly #names = new Set<string>();

  /** `config`: everything but the virtual servers. */
  constructor(config: Config, report: Report) {
    const { globalDefs, ssl, trackFiles } = config;
    this.#groups = new Map(config.virtualServerGroups.map(group => [group.name, group]));
    this.#context = {
      globalDefs,
      ssl,
      trackFiles: new Map(trackFiles.map(file => [file.name, file])),
      report,
    };
  }

  /** The virtual server of a statement of the top level, in steps; undefined if nothing can be made of it. */
  *build(statement: Statement): Generator<undefined, VirtualServer | undefined> {
    const { report } = this.#context;
    const [usable] = readBlock('', [statement], report);
    if (usable?.value === undefined) return undefined;
    const server = yield* buildVirtualServer(statement, this.#groups, this.#context);
    return server && this.#isNew(server) ? server : undefined;
  }

  /** Two virtual servers of one address, port and protocol would be one service in the kernel. */
  #isNew(server: VirtualServer): boolean {
    const { key, protocol, family } = server;
    const scope = key.kind === 'fwmark' ? family : key.kind === 'group' ? `${protocol} ${family}` : protocol;
    const name = `${serverName(server)} ${scope}`;
    if (!this.#names.has(name)) return Boolean(this.#names.add(name));
    const message = `virtual_server ${serverName(server)} is already defined; this one is ignored`;
    this.#context.report.error('virtual-server-twice', server.position, message);
    return false;
  }
}

function buildGroups(top: Settings, report: Report): VirtualServerGroup[] {
  const groups = new Map<string, VirtualServerGroup>();
  for (const { statement } of top.all('virtual_server_group')) {
    const group = buildServerGroup(statement, report);
    if (!group) continue;
    if (groups.has(group.name)) {
      const message = `virtual_server_group ${group.name} is already defined; this one is ignored`;
      report.error('name-duplicate', group.position, message, 'give it a name of its own');
    } else groups.set(group.name, group);
  }
  return [...groups.values()];
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
