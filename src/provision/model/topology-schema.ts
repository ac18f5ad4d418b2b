/**
 * The shape of `topology`, for validation and for editors. No transforms: numbers may be texts (templates and `-e` make
 * them), and what a number must be is a rule of its own with an id.
 */
import { z } from 'zod';

const text = z.string().min(1);
const number = z.union([z.number(), z.string()]);
const flag = z.union([z.boolean(), z.string()]);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** A keepalived keyword's value: a word or line, a flag, a block of lines, or a block of keywords. */
const keywordValue: z.ZodType<Keyword> = z.union([
  scalar,
  z.null(),
  z.array(scalar),
  z.record(
    z.string(),
    z.lazy(() => keywordValue),
  ),
]);

export type Keyword =
  | string
  | number
  | boolean
  | null
  | readonly (string | number | boolean)[]
  | { readonly [name: string]: Keyword };

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
  interface: text.optional().meta({ description: 'the NIC that VRRP runs on' }),
  virtual_router_id: number.optional().meta({ description: '1 to 255, unique on its network' }),
  priority: number
    .optional()
    .meta({ description: '1 to 255; derived from the order of nodes if absent (254, 253, …)' }),
  state: z.enum(['MASTER', 'BACKUP']).optional(),
  advert_int: number
    .optional()
    .meta({ description: 'seconds between advertisements: whole ones with version 2, 0.01 to 40.95 with 3' }),
  version: number.optional().meta({ description: 'VRRP version, 2 or 3' }),
  authentication: authentication.optional(),
  unicast: z
    .union([z.boolean(), z.record(z.string(), text)])
    .optional()
    .meta({ description: 'true: peers from the nodes’ addresses; a map names them' }),
  unicast_src_ip: text.optional(),
  unicast_peer: z.array(text).optional(),
  preempt: flag.optional(),
  nopreempt: flag.optional(),
  preempt_delay: number.optional(),
  virtual_ipaddress: z.array(virtualAddress).optional(),
  virtual_ipaddress_excluded: z.array(virtualAddress).optional(),
  accept: z
    .union([z.boolean(), z.array(text)])
    .optional()
    .meta({ description: 'keepalived’s accept; as a list: ids of warnings to accept' }),
};

/** Keywords of one node, over those of its instance. */
export const nodeSchema = z.object(instanceWords).catchall(keywordValue);
export type NodeWords = z.infer<typeof nodeSchema>;

const nodes = z.union([
  z.array(text).min(1),
  z.record(z.string(), z.union([z.null(), z.number(), text, nodeSchema])),
  text,
]);

const instanceSchema = z.object({ nodes: nodes.optional(), ...instanceWords }).catchall(keywordValue);

const syncGroup = z.union([z.array(text), z.object({ group: z.array(text) }).catchall(keywordValue)]);

const network = z.strictObject({
  subnets: z.array(text).optional(),
  site: text.optional(),
});

const blocks = z.record(z.string(), z.record(z.string(), keywordValue));

export const topologySchema = z.strictObject({
  vrrp_instances: z.record(z.string(), instanceSchema).optional(),
  vrrp_sync_groups: z.record(z.string(), syncGroup).optional(),
  vrrp_scripts: blocks.optional().meta({ description: 'vrrp_script blocks by name' }),
  vrrp_track_processes: blocks.optional().meta({ description: 'vrrp_track_process blocks by name' }),
  track_files: blocks.optional().meta({ description: 'track_file blocks by name' }),
  global_defs: z.record(z.string(), keywordValue).optional(),
  networks: z.record(z.string(), network).optional(),
  site: text.optional().meta({ description: 'where the networks are, if not the cluster alone' }),
  accept: z.array(text).optional().meta({ description: 'ids of warnings that are meant as they are' }),
  virtual_servers: z.unknown().optional().meta({ description: 'not supported yet' }),
  scripts: z.unknown().optional().meta({ description: 'not supported yet' }),
});
export type Topology = z.infer<typeof topologySchema>;

/** `topology_defaults`: like a topology, and `vrrp_instance` for every instance. */
export const defaultsSchema = topologySchema.extend({ vrrp_instance: nodeSchema.optional() });

const address = text;
/** A host's `interfaces`: NIC → addresses, or addresses and network. */
export const interfacesSchema = z.record(
  z.string(),
  z.union([
    z.null(),
    address,
    z.array(address),
    z.looseObject({ addresses: z.union([address, z.array(address)]).optional(), network: text.optional() }),
  ]),
);
