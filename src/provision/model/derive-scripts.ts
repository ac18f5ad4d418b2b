/** `scripts`: files that are put on every host of the cluster, and their names in the topology's commands. */
import type { Position } from '#base/position.ts';
import type { Json } from './module.ts';
import { isJsonMap } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import { scriptsSchema } from './topology-schema-servers.ts';
import { checkShape } from './topology-shape.ts';
import type { ScriptFile } from './topology-types-servers.ts';
import { copyPlaces, positionAt } from './yaml.ts';

const DIRECTORY = '/etc/tandem/scripts';

/** Reads `scripts` as rendered for one host. A relative src stands beside the inventory. */
export function readScripts(
  rendered: Json | undefined,
  fallback: Position,
  report: Report,
): readonly ScriptFile[] {
  if (rendered === undefined) return [];
  const where = { id: 'topology-shape' as const, name: 'scripts', position: fallback };
  const words = checkShape(scriptsSchema, rendered, report, where);
  return Object.entries(words ?? {}).flatMap(([name, value]) => {
    const position = positionAt(rendered, [name], 'key') ?? fallback;
    const given = typeof value === 'string' ? { src: value } : value;
    const path = given.path ?? (name.startsWith('/') ? name : `${DIRECTORY}/${name}`);
    const { src, content, mode = '0755' } = given;
    if (!/^\/[\w./+-]+$/.test(path) || (src === undefined) === (content === undefined)) {
      report.error(
        'script-shape',
        `scripts ${name}: ${src === undefined && content === undefined ? 'neither src nor content' : 'a name or path that a command cannot have, or both src and content'}`,
        position,
        'a file name, and src: FILE beside the inventory, or content: TEXT',
      );
      return [];
    }
    return [{ name, path, src: src === undefined ? undefined : beside(position.file, src), content, mode }];
  });
}

function beside(file: string, src: string): string {
  const slash = file.lastIndexOf('/');
  return src.startsWith('/') || slash < 0 ? src : `${file.slice(0, slash)}/${src}`;
}

/** A value of the topology in which a command that begins with a shipped script's name has its path instead. */
export function withScriptPaths(value: Json | undefined, scripts: readonly ScriptFile[]): Json | undefined {
  if (value === undefined || scripts.length === 0) return value;
  const paths = new Map(scripts.map(({ name, path }) => [name, path]));
  const walk = (key: string, item: Json): Json => {
    if (typeof item === 'string' && COMMAND.test(key)) {
      const [first = ''] = item.split(/\s/);
      const path = paths.get(first);
      return path === undefined ? item : `${path}${item.slice(first.length)}`;
    }
    if (!isJsonMap(item)) return item;
    const copy = Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, walk(name, inner)]));
    return copyPlaces(copy, item);
  };
  return walk('', value);
}

/** Keywords of keepalived's that take a command. */
const COMMAND =
  /^(?:notify(?!_fifo$|_priority).*|script|misc_path|quorum_(?:up|down)|(?:startup|shutdown)_script)$/;
