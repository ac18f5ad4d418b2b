/**
 * The shape of `topology`, for validation and for editors. No transforms: numbers may be texts (templates and `-e` make
 * them), and what a number must be is a rule of its own with an id.
 */
import { z } from 'zod';
import { flag, keywordValue, number, text } from './topology-schema-words.ts';
import { proxySchema, scriptsSchema, virtualServerSchema } from './topology-schema-servers.ts';

const virtualAddress = z.union([
  text,
  z.looseObject({ address: text }).describe('address[/prefix], then keywords such as dev, label, scope'),
]);

const authentication = z.strictObject({
  auth_type: z
    .enum(['PASS', 'AH'])
    .meta({ description: 'PASS sends the password in clear text; it keeps mistakes out, not attackers' }),
  auth_pass: z.union([text, z.number()]).meta({ description: 'VRRP uses 8 bytes of it' }),
});

const instanceWords = {
  interface: text.optional().meta({ description: 'the NIC that VRRP runs on', 'x-default': 'needed' }),
  virtual_router_id: number
    .optional()
    .meta({ description: '1 to 255, unique on its network', 'x-default': 'needed' }),
  priority: number
    .optional()
    .meta({ description: '1 to 255', 'x-default': 'from the order of nodes: 254, 253, …' }),
  state: z.enum(['MASTER', 'BACKUP']).optional().meta({
    description: 'how it starts; who becomes MASTER follows from the priorities',
    'x-default': 'BACKUP',
  }),
  advert_int: number.optional().meta({
    description: 'seconds between advertisements: whole ones with version 2, 0.01 to 40.95 with 3',
    'x-default': '1',
  }),
  version: number.optional().meta({ description: 'VRRP version, 2 or 3', 'x-default': '2; 3 with IPv6' }),
  authentication: authentication.optional().meta({ description: 'of version 2', 'x-default': 'none' }),
  unicast: z
    .union([z.boolean(), z.record(z.string(), text)])
    .optional()
    .meta({
      description: 'true: peers from the nodes’ addresses; a map names them',
      'x-default': 'false: multicast',
    }),
  unicast_src_ip: text
    .optional()
    .meta({ description: 'a node’s own address with unicast', 'x-default': 'derived' }),
  unicast_peer: z.array(text).optional().meta({
    description: 'a node’s peers, each perhaps with min_ttl and max_ttl',
    'x-default': 'derived',
  }),
  preempt: flag
    .optional()
    .meta({ description: 'a node with a higher priority takes over', 'x-default': 'true' }),
  nopreempt: flag.optional().meta({ description: 'the opposite', 'x-default': 'false' }),
  preempt_delay: number
    .optional()
    .meta({ description: 'seconds, 0 to 1000, that it waits with this', 'x-default': '0' }),
  virtual_ipaddress: z
    .array(virtualAddress)
    .optional()
    .meta({ description: 'the virtual addresses that adverts name', 'x-default': 'needed' }),
  virtual_ipaddress_excluded: z
    .array(virtualAddress)
    .optional()
    .meta({ description: 'further ones that adverts do not name', 'x-default': 'none' }),
  accept: z
    .union([z.boolean(), z.array(text)])
    .optional()
    .meta({ description: 'keepalived’s accept; as a list: ids of warnings to accept', 'x-default': 'none' }),
};

/** Keywords of one node, over those of its instance. */
export const nodeSchema = z.object(instanceWords).catchall(keywordValue);
export type NodeWords = z.infer<typeof nodeSchema>;

const nodes = z.union([
  z.array(text).min(1),
  z.record(z.string(), z.union([z.null(), z.number(), text, nodeSchema])),
  text,
]);

const instanceSchema = z
  .object({
    nodes: nodes.optional().meta({
      description: 'hosts by preference; in a map a number is a priority',
      'x-default': 'needed',
    }),
    ...instanceWords,
  })
  .catchall(keywordValue);

const members = z.array(text).meta({ description: 'instances that fail over together' });
const syncGroup = z.union([z.array(text), z.object({ group: members }).catchall(keywordValue)]);

const network = z.strictObject({
  subnets: z.array(text).optional().meta({ description: 'ADDRESS/PREFIX that are on it' }),
  site: text.optional().meta({ description: 'where it is', 'x-default': 'that of the topology' }),
});

const blocks = z.record(z.string(), z.record(z.string(), keywordValue));

export const topologySchema = z.strictObject({
  vrrp_instances: z
    .record(z.string(), instanceSchema)
    .optional()
    .meta({ description: 'virtual routers by name', 'x-default': 'needed' }),
  vrrp_sync_groups: z
    .record(z.string(), syncGroup)
    .optional()
    .meta({ description: 'instances that fail over together, by name: a list, or a map with more keywords' }),
  vrrp_scripts: blocks.optional().meta({ description: 'vrrp_script blocks by name' }),
  vrrp_track_processes: blocks.optional().meta({ description: 'vrrp_track_process blocks by name' }),
  track_files: blocks.optional().meta({ description: 'track_file blocks by name' }),
  global_defs: z
    .record(z.string(), keywordValue)
    .optional()
    .meta({ description: 'keywords of global_defs', 'x-default': 'router_id: the host’s name' }),
  networks: z
    .record(z.string(), network)
    .optional()
    .meta({ description: 'segments by name, for interfaces: a VRID is unique on one' }),
  site: text.optional().meta({
    description: 'where the networks are: in two sites the same subnet is two',
    'x-default': 'the cluster',
  }),
  extra: text
    .optional()
    .meta({ description: 'further blocks of keepalived.conf, rendered as they stand after all others' }),
  accept: z.array(text).optional().meta({ description: 'ids of warnings that are meant as they are' }),
  virtual_servers: z
    .record(z.string(), virtualServerSchema)
    .optional()
    .meta({ description: 'what LVS serves on the instances’ addresses, by name' }),
  proxies: z
    .record(z.string(), proxySchema)
    .optional()
    .meta({ description: 'nginx or haproxy on the instances’ nodes, by name' }),
  scripts: scriptsSchema.optional().meta({ description: 'scripts that are put on the hosts, by name' }),
});
export type Topology = z.infer<typeof topologySchema>;

/** `topology_defaults`: like a topology, `vrrp_instance` for every instance and `virtual_server` for every virtual server. */
export const defaultsSchema = topologySchema.extend({
  vrrp_instance: nodeSchema.optional().meta({ description: 'words of every instance' }),
  virtual_server: virtualServerSchema.optional().meta({ description: 'words of every virtual server' }),
});

const address = text;
/** A host's `interfaces`: NIC → addresses, or addresses and network. */
export const interfacesSchema = z.record(
  z.string(),
  z.union([
    z.null(),
    address,
    z.array(address),
    z.looseObject({
      addresses: z
        .union([address, z.array(address)])
        .optional()
        .meta({ description: 'ADDRESS/PREFIX that the NIC has of its own' }),
      network: text.optional().meta({ description: 'a name of `networks`', 'x-default': 'site and subnet' }),
    }),
  ]),
);
