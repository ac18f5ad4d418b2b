/** `-e`: `key=value …`, YAML or JSON, or `@FILE` with either; later ones win. Ansible's rules. */
import { InputError } from '#base/errors.ts';
import type { FileSource, RawVariables } from '#provision/model/inventory.ts';
import { splitWords } from '#provision/model/modules/arguments.ts';
import { parseYaml } from '#provision/model/yaml.ts';
import { UsageError } from './exit.ts';

/** Throws InputError or UsageError. */
export function parseExtraVars(given: readonly string[], files: FileSource): RawVariables {
  return Object.assign({}, ...given.map(text => parseOne(text, files))) as RawVariables;
}

function parseOne(text: string, files: FileSource): RawVariables {
  if (text.startsWith('@')) {
    const path = text.slice(1);
    const content = files.read(path);
    if (content === undefined) throw new UsageError(`-e ${text}: there is no file ${path}`);
    return parseMap(content, path, files);
  }
  if (/^\s*[{[]/.test(text)) return parseMap(text, '-e', files);
  const words = splitWords(text);
  if (!words) throw new UsageError(`-e: a quote is not closed in ${text}`);
  return Object.fromEntries(
    words.map(word => {
      const at = word.indexOf('=');
      if (at < 1) throw new UsageError(`-e ${word}: write key=value, a JSON or YAML map, or @FILE`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

function parseMap(text: string, file: string, { vault }: FileSource): RawVariables {
  const { value, diagnostics, position } = parseYaml(text, file, vault);
  if (diagnostics.length > 0) throw new InputError(diagnostics);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as RawVariables;
  throw new InputError([
    { id: 'extra-vars', severity: 'error', message: 'extra variables are a map', position },
  ]);
}
