/** Values that the topology's words take; numbers and flags may be texts, as templates and `-e` make them. */
import { z } from 'zod';

export const text = z.string().min(1);
export const number = z.union([z.number(), z.string()]);
export const flag = z.union([z.boolean(), z.string()]);
/** A name or a list of names. */
export const names = z.union([text, z.array(text)]);

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** A keepalived keyword's value: a word or line, a flag, a block of lines, a block of keywords, or several such blocks. */
export const keywordValue: z.ZodType<Keyword> = z.union([
  scalar,
  z.null(),
  z.array(scalar),
  z.array(
    z.record(
      z.string(),
      z.lazy(() => keywordValue),
    ),
  ),
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
  | readonly { readonly [name: string]: Keyword }[]
  | { readonly [name: string]: Keyword };
