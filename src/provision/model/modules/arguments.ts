/** Arguments that several modules take. */
import { z } from 'zod';

/** An absolute path without `.`, `..` and doubled or final slashes: one name for one thing. */
export const absolutePath = z
  .string()
  .regex(
    /^(?:\/[^/\0\n]+)+$/,
    'expected an absolute path such as /etc/tandem/keepalived.conf, without a final slash',
  )
  .refine(path => !/\/\.\.?(?:\/|$)/.test(path), 'expected a path without . and ..');

/** Ansible's octal mode; kept without leading zeros, as `stat` prints it. */
export const mode = z
  .string({ error: 'expected a quoted octal mode such as "0640"' })
  .regex(/^0?[0-7]{3,4}$/, 'expected an octal mode such as "0640"');

/** A user or group, by name or number. */
export const owner = z
  .union([z.string(), z.int().nonnegative()])
  .refine(
    value => /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(String(value)),
    'expected a user or group name, or its number',
  );

/** `0640` → `640`. */
export function plainMode(text: string): string {
  return text.replace(/^0+(?=[0-7]{3})/, '');
}

/** The directory of an absolute path. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Splits a command line into words as a shell would, without expansions: quotes and backslashes. */
export function splitWords(command: string): string[] | undefined {
  const words: string[] = [];
  const token = /\s*((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/y;
  let at = 0;
  while (command.slice(at).trim() !== '') {
    token.lastIndex = at;
    const match = token.exec(command);
    if (!match) return undefined;
    const word = match[1] ?? '';
    words.push(
      word.replaceAll(
        /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/g,
        (_, escaped?: string, single?: string, double?: string) =>
          escaped ?? single ?? (double ?? '').replaceAll(/\\(["\\$`])/g, '$1'),
      ),
    );
    at = token.lastIndex;
  }
  return words;
}
