import { z } from 'zod';
import { must } from '#base/assert.ts';
import { liveProbe } from '#provision/model/live-status.ts';
import type { Module } from '#provision/model/module.ts';
import { NOTHING, sh } from '#provision/model/shell.ts';
import { absolutePath, splitWords } from './arguments.ts';

interface GateArgs {
  readonly command?: string | readonly (string | number)[] | undefined;
  readonly instances?: readonly string[] | undefined;
  readonly configuration?: string | undefined;
  readonly timeout: number;
}

/**
 * A check that must hold after the host's turn, before the next host's: any command that waits for what it is about
 * and exits 0 when that holds. It runs only after a turn that changed something, and until it has held once.
 * `instances` instead of a command: the VRRP daemon, whichever runs, has loaded its file, is MASTER or BACKUP of each,
 * hears a MASTER where it is BACKUP, and has the VIPs exactly where it is MASTER. For a daemon that cannot wait itself.
 * `configuration`: and that is the file that it reads.
 */
export const gate: Module<GateArgs, null> = {
  name: 'gate',
  schema: z
    .strictObject({
      command: z
        .union([
          z
            .string()
            .refine(
              command => (splitWords(command)?.length ?? 0) > 0,
              'expected a command; check its quotes',
            ),
          z.array(z.union([z.string(), z.number()])).min(1),
        ])
        .optional(),
      instances: z.array(z.string()).optional(),
      configuration: absolutePath.optional(),
      timeout: z.number().positive().max(3600).default(30),
    })
    .refine(
      args => (args.command === undefined) !== (args.instances === undefined),
      'expected "command" or "instances"',
    ),
  free: 'command',
  needs: [],
  resources: () => [],
  probe: () => NOTHING,
  parse: () => null,
  diff: () => [],
  apply: () => NOTHING,
  gate: (args, context) => {
    const timeoutMs = args.timeout * 1000;
    if (args.instances)
      return {
        fragment: liveProbe(),
        timeoutMs,
        until: {
          expected: new Map(args.instances.map(name => [name, ['MASTER', 'BACKUP']])),
          configuration: args.configuration,
        },
      };
    const words =
      typeof args.command === 'string'
        ? must(splitWords(args.command), 'the schema has checked it')
        : must(args.command, 'the schema wants one of the two').map(String);
    const path = context.path.map(dir => `${dir}:`).join('');
    return {
      fragment: sh`PATH=${path}$PATH; timeout ${args.timeout} ${words}`,
      timeoutMs,
    };
  },
  predict: () => ({}),
};
