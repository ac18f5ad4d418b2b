import { z } from 'zod';
import { must } from '#base/assert.ts';
import type { Module } from '#provision/model/module.ts';
import { NOTHING, sh } from '#provision/model/shell.ts';
import { splitWords } from './arguments.ts';

interface GateArgs {
  readonly command: string | readonly (string | number)[];
  readonly timeout: number;
}

/**
 * A check that must hold after the host's turn, before the next host's: any command that waits for what it is about
 * and exits 0 when that holds. It runs only after a turn that changed something, and until it has held once.
 */
export const gate: Module<GateArgs, null> = {
  name: 'gate',
  schema: z.strictObject({
    command: z.union([
      z
        .string()
        .refine(command => (splitWords(command)?.length ?? 0) > 0, 'expected a command; check its quotes'),
      z.array(z.union([z.string(), z.number()])).min(1),
    ]),
    timeout: z.number().positive().max(3600).default(30),
  }),
  free: 'command',
  needs: [],
  resources: () => [],
  probe: () => NOTHING,
  parse: () => null,
  diff: () => [],
  apply: () => NOTHING,
  gate: (args, context) => {
    const words =
      typeof args.command === 'string'
        ? must(splitWords(args.command), 'the schema has checked it')
        : args.command.map(String);
    const path = context.path.map(dir => `${dir}:`).join('');
    return {
      fragment: sh`PATH=${path}$PATH; timeout ${args.timeout} ${words}`,
      timeoutMs: args.timeout * 1000,
    };
  },
  predict: () => ({}),
};
