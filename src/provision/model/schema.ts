/** The inventory's JSON Schema, for editors: made of the same zod schema that validates topologies. */
import { z } from 'zod';
import { defaultsSchema, interfacesSchema, topologySchema } from './topology-schema.ts';

const flag = z.union([z.boolean(), z.string()]);

const variables = z
  .object({
    ansible_host: z.string().optional().meta({ description: 'address or name to connect to' }),
    ansible_port: z.union([z.number(), z.string()]).optional(),
    ansible_user: z.string().optional(),
    ansible_become: flag.optional(),
    ansible_become_user: z.string().optional(),
    ansible_ssh_private_key_file: z.string().optional(),
    ansible_ssh_common_args: z.string().optional(),
    interfaces: interfacesSchema
      .optional()
      .meta({ description: 'NIC → address/prefix; absent, facts fill it in' }),
    vrrp_daemon: z.enum(['tandemd', 'keepalived']).optional(),
    topology: topologySchema.optional(),
    topology_defaults: defaultsSchema.optional(),
  })
  .catchall(z.unknown());

const hosts = z.union([z.null(), z.string(), z.record(z.string(), z.union([z.null(), variables]))]);

const group = z.object({
  hosts: hosts.optional(),
  vars: z.union([z.null(), variables]).optional(),
  get children() {
    return z.union([z.null(), z.record(z.string(), z.union([z.null(), group]))]).optional();
  },
});

const inventory = z
  .object({
    all: z.union([z.null(), group]).optional(),
    topology: topologySchema.optional().meta({ description: 'shorthand for a file with one cluster' }),
  })
  .catchall(z.union([z.null(), group]));

/** JSON Schema (draft 2020-12) of an inventory file. */
export function inventorySchema(): Readonly<Record<string, unknown>> {
  return { ...z.toJSONSchema(inventory, { io: 'input' }), title: 'Tandem inventory' };
}
