import { z } from 'zod';
import type { Module } from '#provision/model/module.ts';
import { type ContentArgs, contentFields, contentModule } from './content.ts';
import type { SeenPath } from './path-state.ts';

interface TemplateArgs extends ContentArgs {
  readonly src: string;
}

/** A file from a template of the role (`templates/`), rendered with the host's variables. */
export const template: Module<TemplateArgs, SeenPath> = {
  ...contentModule<TemplateArgs>(),
  name: 'template',
  schema: z.strictObject({ src: z.string().min(1), ...contentFields }),
  resolve: (args, sources) => ({ ...args, text: sources.render(args.src) }),
};
