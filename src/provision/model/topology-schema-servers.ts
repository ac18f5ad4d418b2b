/** The shape of `virtual_servers`, `proxies` and `scripts`. */
import { z } from 'zod';
import { flag, keywordValue, names, number, text } from './topology-schema-words.ts';

const port = number.meta({ description: 'port, 1 to 65535' });

/** Words of one real server. */
const realServerWords = {
  weight: number.optional().meta({ description: '0 to 65535; 0: no new connections', 'x-default': '1' }),
  port: port.optional().meta({
    description: 'where the servers listen; another one needs NAT',
    'x-default': 'the virtual port',
  }),
};

const oneRealServer = z
  .object({
    address: text.optional().meta({
      description: 'by which directors know it',
      'x-default': 'its only one in the director’s network',
    }),
    ...realServerWords,
  })
  .catchall(keywordValue);

const realServerHosts = z.union([names, z.record(z.string(), z.union([z.null(), number, oneRealServer]))]);

const realServerAddresses = z.union([
  names,
  z.record(
    z.string(),
    z.union([z.null(), number, z.object({ weight: realServerWords.weight }).catchall(keywordValue)]),
  ),
]);

/** Which hosts serve, and how. What is not named here are keywords of real_server. */
const realServers = z
  .object({
    group: names.optional().meta({ description: 'inventory groups whose hosts serve' }),
    hosts: realServerHosts.optional().meta({
      description: 'hosts that serve; with group: weights or words for some of its hosts',
    }),
    addresses: realServerAddresses.optional().meta({
      description:
        'ADDRESS or "ADDRESS PORT" of real servers that are not hosts of the inventory: nothing is done on them',
    }),
    ...realServerWords,
    gateway: text.optional().meta({
      description: 'NAT: the instance whose address the servers answer through',
      'x-default': 'the one that is in their subnet',
    }),
    default_route: flag.optional().meta({
      description: 'NAT: the gateway becomes the servers’ default route, instead of policy routing',
      'x-default': 'false',
    }),
    arp_scope: z.enum(['interfaces', 'all']).optional().meta({
      description: 'DR, TUN: where ARP is kept quiet: the interfaces that face the address, or all',
      'x-default': '`interfaces`',
    }),
  })
  .catchall(keywordValue);

export const virtualServerSchema = z
  .object({
    on: names
      .optional()
      .meta({ description: 'vrrp_instances whose addresses it serves', 'x-default': 'needed' }),
    addresses: names.optional().meta({ description: 'some of their addresses', 'x-default': 'all' }),
    port: number.optional().meta({
      description: '1 to 65535; 0, with persistence: every port',
      'x-default': 'needed, unless fwmark or group',
    }),
    fwmark: number.optional().meta({ description: 'a firewall mark instead of address and port' }),
    virtual_server_group: z.array(text).min(1).optional().meta({
      description:
        'instead of address and port the lines of a virtual_server_group, ADDRESS PORT, FIRST-LAST PORT or fwmark N, that share checks and quorum',
    }),
    protocol: z
      .enum(['TCP', 'UDP', 'SCTP'])
      .optional()
      .meta({ description: 'always rendered: keepalived’s own default is UDP', 'x-default': 'TCP' }),
    lb_algo: text
      .optional()
      .meta({ description: 'scheduler, such as rr, wrr, wlc, sh, mh', 'x-default': 'wlc' }),
    lb_kind: text
      .optional()
      .meta({ description: 'NAT, DR or TUN, and the type of a tunnel', 'x-default': 'NAT, with a warning' }),
    real_servers: z
      .union([text, realServers])
      .optional()
      .meta({ description: 'who serves: the name of a group, or these words', 'x-default': 'needed' }),
    accept: z.array(text).optional().meta({ description: 'ids of warnings to accept' }),
  })
  .catchall(keywordValue);
export type VirtualServerWords = z.infer<typeof virtualServerSchema>;
export type RealServerWords = z.infer<typeof realServers>;

export const proxySchema = z.strictObject({
  software: z.enum(['nginx', 'haproxy']).meta({ description: 'which program' }),
  on: names.meta({ description: 'vrrp_instances whose nodes run it and whose addresses it listens on' }),
  addresses: names.optional().meta({ description: 'where it listens', 'x-default': 'all addresses of `on`' }),
  port,
  mode: z.enum(['http', 'tcp']).optional().meta({ description: 'what it forwards', 'x-default': '`http`' }),
  balance: text.optional().meta({
    description: 'such as least_conn (nginx), leastconn (haproxy)',
    'x-default': 'round robin',
  }),
  check_path: text
    .optional()
    .meta({ description: 'haproxy: path of its health checks', 'x-default': 'a TCP connection' }),
  real_servers: z
    .union([text, realServers])
    .optional()
    .meta({ description: 'who serves: the name of a group, or', 'x-default': 'needed, unless respond' }),
  respond: z
    .union([
      text,
      z.strictObject({
        status: number.optional().meta({ description: 'HTTP status', 'x-default': '503' }),
        body: z.string().meta({ description: 'what is answered' }),
      }),
    ])
    .optional()
    .meta({ description: 'a fixed answer instead of real servers, such as a sorry page' }),
  stats: z
    .union([
      number,
      z.strictObject({
        port,
        uri: text.optional().meta({ description: 'path of the page', 'x-default': '/' }),
      }),
    ])
    .optional()
    .meta({ description: 'haproxy: where its statistics are' }),
  keywords: z.array(text).optional().meta({ description: 'further lines for the program’s configuration' }),
});
export type ProxyWords = z.infer<typeof proxySchema>;

const script = z.union([
  text.meta({ description: 'path of the file, from the inventory’s directory' }),
  z.strictObject({
    src: text.optional().meta({ description: 'path of the file, from the inventory’s directory' }),
    content: text.optional().meta({ description: 'what is in it, instead of src' }),
    mode: text.optional().meta({ description: 'octal', 'x-default': '0755' }),
    path: text
      .optional()
      .meta({ description: 'where on the hosts', 'x-default': '/etc/tandem/scripts/NAME' }),
  }),
]);

export const scriptsSchema = z.record(z.string(), script);
