import { z } from 'zod';
import type { Module } from '#provision/model/module.ts';
import { type ContentArgs, contentFields, contentModule } from './content.ts';
import type { SeenPath } from './path-state.ts';

interface CopyArgs extends ContentArgs {
  readonly src?: string | undefined;
  readonly content?: string | undefined;
}

/** A file as it stands in the role (`files/`), or with the given `content`. */
export const copy: Module<CopyArgs, SeenPath> = {
  ...contentModule<CopyArgs>(),
  name: 'copy',
  schema: z
    .strictObject({ src: z.string().min(1).optional(), content: z.string().optional(), ...contentFields })
    .refine(
      args => (args.src === undefined) !== (args.content === undefined),
      'expected either src or content',
    ),
  resolve: (args, sources) => ({ ...args, text: args.content ?? sources.file(args.src ?? '') }),
};
