/** The shape of `virtual_servers`, `proxies` and `scripts`. */
import { z } from 'zod';
import { flag, keywordValue, names, number, text } from './topology-schema-words.ts';

const port = number.meta({ description: 'port, 1 to 65535' });

/** Words of one real server. */
const realServerWords = {
  weight: number.optional().meta({ description: '0 to 65535; 0: no new connections' }),
  port: port.optional().meta({ description: 'where the servers listen, if not at the virtual port (NAT)' }),
};

const oneRealServer = z
  .object({
    address: text
      .optional()
      .meta({ description: 'if not the host’s only address in the director’s network' }),
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
    gateway: text
      .optional()
      .meta({ description: 'NAT: the instance whose address the servers answer through' }),
    default_route: flag.optional().meta({
      description: 'NAT: the gateway becomes the servers’ default route, instead of policy routing',
    }),
    arp_scope: z
      .enum(['interfaces', 'all'])
      .optional()
      .meta({ description: 'where ARP is kept quiet: the interfaces that face the address, or all' }),
  })
  .catchall(keywordValue);

export const virtualServerSchema = z
  .object({
    on: names.optional().meta({ description: 'vrrp_instances whose addresses it serves' }),
    addresses: names.optional().meta({ description: 'narrows it to some of their addresses' }),
    port: number
      .optional()
      .meta({ description: 'port of the virtual server; 0, with persistence: every port' }),
    fwmark: number.optional().meta({ description: 'a firewall mark instead of address and port' }),
    virtual_server_group: z.array(text).min(1).optional().meta({
      description:
        'instead of address and port the lines of a virtual_server_group, ADDRESS PORT, FIRST-LAST PORT or fwmark N, that share checks and quorum',
    }),
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
    lb_algo: text.optional(),
    lb_kind: text.optional().meta({ description: 'NAT, DR or TUN' }),
    real_servers: z.union([text, realServers]).optional(),
    accept: z.array(text).optional().meta({ description: 'ids of warnings to accept' }),
  })
  .catchall(keywordValue);
export type VirtualServerWords = z.infer<typeof virtualServerSchema>;
export type RealServerWords = z.infer<typeof realServers>;

export const proxySchema = z.strictObject({
  software: z.enum(['nginx', 'haproxy']),
  on: names.meta({ description: 'vrrp_instances whose nodes run it and whose addresses it listens on' }),
  addresses: names.optional().meta({ description: 'where it listens, if not on all addresses of `on`' }),
  port,
  mode: z.enum(['http', 'tcp']).optional().meta({ description: 'default: http' }),
  balance: text.optional().meta({ description: 'such as least_conn (nginx), leastconn (haproxy)' }),
  check_path: text.optional().meta({ description: 'haproxy: path of its health checks' }),
  real_servers: z.union([text, realServers]).optional(),
  respond: z
    .union([text, z.strictObject({ status: number.optional(), body: z.string() })])
    .optional()
    .meta({ description: 'a fixed answer instead of real servers, such as a sorry page' }),
  stats: z
    .union([number, z.strictObject({ port, uri: text.optional() })])
    .optional()
    .meta({ description: 'haproxy: where its statistics are' }),
  keywords: z.array(text).optional().meta({ description: 'further lines for the program’s configuration' }),
});
export type ProxyWords = z.infer<typeof proxySchema>;

const script = z.union([
  text.meta({ description: 'path of the file, from the inventory’s directory' }),
  z.strictObject({
    src: text.optional(),
    content: text.optional(),
    mode: text.optional().meta({ description: 'octal; default: 0755' }),
    path: text.optional().meta({ description: 'where on the hosts; default: /etc/tandem/scripts/NAME' }),
  }),
]);

export const scriptsSchema = z.record(z.string(), script);
