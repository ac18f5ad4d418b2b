import {
  block,
  describeArgument,
  lines,
  namedLines,
  noEffect,
  notSupported,
  row,
  seconds,
  word,
  type BlockName,
  type Keyword,
} from './keyword.ts';
import { GLOBAL_KEYWORDS } from './table-global.ts';
import { TOP_GLOBAL_KEYWORDS } from './table-process.ts';
import {
  BFD_KEYWORDS,
  CHECKER_KEYWORDS,
  REAL_SERVER_KEYWORDS,
  SSL_KEYWORDS,
  URL_KEYWORDS,
  VIRTUAL_SERVER_KEYWORDS,
} from './table-server.ts';
import {
  AUTH_HMAC_KEYWORDS,
  AUTHENTICATION_KEYWORDS,
  INSTANCE_KEYWORDS,
  SCRIPT_KEYWORDS,
  SYNC_GROUP_KEYWORDS,
  TRACK_FILE_KEYWORDS,
  TRACK_PROCESS_KEYWORDS,
} from './table-vrrp.ts';

const ADDRESS_LINE = 'ADDRESS[/PREFIX] [dev IF] … [track_group NAME]';

const TOP_KEYWORDS: readonly Keyword[] = [
  row('', 'global_defs', block('global_defs', '', 0), 'Settings of the whole daemon.'),
  ...TOP_GLOBAL_KEYWORDS,
  row('', 'vrrp_instance', block('vrrp_instance', 'NAME', 1), 'A virtual router.'),
  row(
    '',
    'vrrp_sync_group',
    block('vrrp_sync_group', 'NAME', 1),
    'Virtual routers that change state together.',
  ),
  row('', 'vrrp_script', block('vrrp_script', 'NAME', 1), 'A script whose result is tracked.'),
  row('', 'vrrp_track_process', block('vrrp_track_process', 'NAME', 1), 'Processes that are tracked.'),
  row('', 'track_file', block('track_file', 'NAME', 1), 'A file whose value is tracked.'),
  row('', 'vrrp_track_file', block('track_file', 'NAME', 1), 'Deprecated name of track_file.'),
  row(
    '',
    'track_group',
    block('track_group', 'NAME', 1),
    'Instances that depend on static addresses, routes and rules.',
  ),
  row('', 'garp_group', block('garp_group', '', 0), 'Interfaces that share pauses between gratuitous ARPs.'),
  row('', 'static_ipaddress', lines(ADDRESS_LINE), 'Addresses that stay on the host.'),
  row('', 'static_routes', lines('ROUTE [track_group NAME]'), 'Routes that stay on the host.'),
  row('', 'static_rules', lines('RULE [track_group NAME]'), 'Routing rules that stay on the host.'),
  row(
    '',
    'interface_up_down_delays',
    lines('INTERFACE DOWN_DELAY [UP_DELAY]'),
    'How long a link must be down or up before it counts.',
  ),
  row(
    '',
    'linkbeat_interfaces',
    lines('INTERFACE [MII|ETHTOOL|IOCTL]'),
    'Interfaces whose link is polled.',
    noEffect('link state comes from netlink'),
  ),
  row(
    '',
    'bfd_instance',
    block('bfd_instance', 'NAME', 1),
    'A BFD session.',
    notSupported('BFD is not implemented'),
  ),
  row(
    '',
    'virtual_server',
    block('virtual_server', 'ADDRESS [PORT] | fwmark N | group NAME', 1, 2),
    'A virtual server.',
  ),
  row(
    '',
    'virtual_server_group',
    namedLines('ADDRESS[-LAST][/PREFIX] [PORT] | fwmark N [inet|inet6]'),
    'Addresses and marks of a virtual server.',
  ),
  row('', 'SSL', block('SSL', '', 0), 'Parameters of SSL_GET.'),
];

const TRACK_GROUP_KEYWORDS: readonly Keyword[] = [
  row('track_group', 'group', lines('INSTANCE'), 'Members.', { once: true }),
];

const GARP_GROUP_KEYWORDS: readonly Keyword[] = [
  row('garp_group', 'garp_interval', seconds(0, 2147.483647), 'Pause between gratuitous ARPs.'),
  row(
    'garp_group',
    'gna_interval',
    seconds(0, 2147.483647),
    'Pause between unsolicited neighbour advertisements.',
  ),
  row('garp_group', 'interface', word('INTERFACE'), 'The interface.'),
  row('garp_group', 'interfaces', lines('INTERFACE'), 'Interfaces that share the pause.'),
];

/** Every keyword of keepalived.conf(5). */
export const KEYWORDS: readonly Keyword[] = [
  ...TOP_KEYWORDS,
  ...GLOBAL_KEYWORDS,
  ...INSTANCE_KEYWORDS,
  ...AUTHENTICATION_KEYWORDS,
  ...AUTH_HMAC_KEYWORDS,
  ...SYNC_GROUP_KEYWORDS,
  ...SCRIPT_KEYWORDS,
  ...TRACK_PROCESS_KEYWORDS,
  ...TRACK_FILE_KEYWORDS,
  ...TRACK_GROUP_KEYWORDS,
  ...GARP_GROUP_KEYWORDS,
  ...BFD_KEYWORDS,
  ...VIRTUAL_SERVER_KEYWORDS,
  ...REAL_SERVER_KEYWORDS,
  ...CHECKER_KEYWORDS,
  ...URL_KEYWORDS,
  ...SSL_KEYWORDS,
];

const byBlock = new Map<BlockName, Map<string, Keyword>>();
for (const keyword of KEYWORDS) {
  const table = byBlock.get(keyword.block) ?? new Map<string, Keyword>();
  table.set(keyword.name, keyword);
  byBlock.set(keyword.block, table);
}

const NONE: ReadonlyMap<string, Keyword> = new Map();

/** The keywords of a block, by name. */
export function keywordsOf(name: BlockName): ReadonlyMap<string, Keyword> {
  return byBlock.get(name) ?? NONE;
}

/**
 * The tables as Markdown, one section per block: the reference documentation of the language. `withoutEffect` says why
 * a keyword that can be read does nothing in the daemon; undefined: it does.
 */
export function keywordTableMarkdown(
  withoutEffect: (keyword: Keyword) => string | undefined = () => undefined,
): string {
  const sections = [...byBlock].map(([name, table]) => {
    const rows = [...table.values()].map(
      keyword => `| ${markdownCells(keyword, withoutEffect(keyword)).map(escapeCell).join(' | ')} |`,
    );
    const title = name === '' ? 'Top level' : `\`${name}\``;
    return [
      `## ${title}`,
      '',
      '| keyword | arguments | default | support | since | reload | meaning |',
      '|---|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  });
  return sections.join('\n');
}

function markdownCells(keyword: Keyword, withoutEffect: string | undefined): string[] {
  const words = { works: 'works', noEffect: 'accepted without effect', notSupported: 'not supported' };
  const support = withoutEffect === undefined ? keyword.support : 'noEffect';
  const why = withoutEffect ?? keyword.reason;
  const reason = why === undefined ? '' : `: ${why}`;
  return [
    `\`${keyword.name}\``,
    describeArgument(keyword.argument),
    keyword.default ?? '',
    `${words[support]}${reason}`,
    keyword.since ?? '',
    keyword.reload,
    keyword.doc,
  ];
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
