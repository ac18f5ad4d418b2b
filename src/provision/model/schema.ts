/** The inventory's JSON Schema, for editors: made of the same zod schema that validates topologies. */
import { z } from 'zod';
import { defaultsSchema, interfacesSchema, topologySchema } from './topology-schema.ts';

const flag = z.union([z.boolean(), z.string()]);

const variables = z
  .object({
    ansible_host: z
      .string()
      .optional()
      .meta({ description: 'address or name to connect to', 'x-default': 'its name' }),
    ansible_port: z
      .union([z.number(), z.string()])
      .optional()
      .meta({ description: 'of its SSH server', 'x-default': '22, or what ssh_config says' }),
    ansible_user: z
      .string()
      .optional()
      .meta({ description: 'who logs in', 'x-default': '`-u`, ssh_config, then who runs tandem' }),
    ansible_become: flag.optional().meta({ description: 'become another user there', 'x-default': 'false' }),
    ansible_become_user: z.string().optional().meta({ description: 'which one', 'x-default': 'root' }),
    ansible_ssh_private_key_file: z
      .string()
      .optional()
      .meta({ description: 'the key to log in with', 'x-default': 'the agent’s and the usual ones' }),
    ansible_ssh_common_args: z
      .string()
      .optional()
      .meta({ description: 'options for ssh, such as -J; the system’s ssh is used then' }),
    interfaces: interfacesSchema.optional().meta({
      description: 'NIC → ADDRESS/PREFIX, or a list, or a map',
      'x-default': 'facts, once it is asked',
    }),
    real_server_address: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .meta({
        description: 'by which directors and proxies know the host, at most one per family',
        'x-default': 'its only address in a network of theirs',
      }),
    vrrp_daemon: z
      .enum(['tandemd', 'keepalived'])
      .optional()
      .meta({ description: 'what speaks VRRP on the host', 'x-default': '`tandemd`' }),
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
