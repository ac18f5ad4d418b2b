/** YAML as Ansible reads it, with the place of every key and value. The only importer of `yaml`. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { Json } from './module.ts';
import { placeContainer, placeEntry, textLines, type TextLines } from './yaml-positions.ts';
import { readPlainScalar } from './yaml-scalar.ts';
import { isVaulted } from './vault-format.ts';
import { Vault } from './vault.ts';

export { copyPlaces, keyPositionOf, mergePlaces, positionAt, positionOf } from './yaml-positions.ts';

export interface ParsedYaml {
  /** null for an empty file, and in place of everything that has an error. */
  readonly value: Json;
  readonly diagnostics: readonly Diagnostic[];
  /** Where the document begins. */
  readonly position: Position;
}

/**
 * Parses one YAML document. Booleans, numbers and nulls are those of PyYAML (`yes` is true); values that readers
 * disagree about (`0755`, `1:30`), `{{ x }}` without quotes, and unknown tags are errors. `vault` opens what is encrypted:
 * the whole text or `!vault` values, which then are texts without templates; what it opened is concealed.
 */
export function parseYaml(text: string, file: string, vault: Vault = new Vault([])): ParsedYaml {
  if (isVaulted(text)) return parseEncrypted(text, file, vault);
  const lines = textLines(file, text);
  const reader = new Reader(lines, vault);
  const parsed = parseAllDocuments(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  for (const document of documents) {
    for (const problem of document.errors) {
      reader.complain(
        'yaml-syntax',
        problem.pos[0],
        problem.message.replaceAll(/\s+/g, ' '),
        hintFor(text, problem.pos[0]),
      );
    }
  }
  const second = documents[1];
  if (second)
    reader.complain(
      'yaml-documents',
      second.range[0],
      'a second YAML document',
      'keep one document per file',
    );
  const first = documents[0];
  const contents = first?.contents;
  const value = first && contents && reader.diagnostics.length === 0 ? reader.read(contents, first) : null;
  return { value, diagnostics: reader.diagnostics, position: lines.position(contents?.range?.[0] ?? 0) };
}

/** Places are those of the decrypted text: an editor of the vault shows that one. */
function parseEncrypted(text: string, file: string, vault: Vault): ParsedYaml {
  const position = { file, line: 1, column: 1 };
  const opened = vault.open(text, position, 'file');
  if (!('plain' in opened)) return { value: null, diagnostics: [opened], position };
  const parsed = parseYaml(Buffer.from(opened.plain).toString(), file, vault);
  concealAll(parsed.value, vault);
  const diagnostics = parsed.diagnostics.map(diagnostic => {
    // The parser's own complaints quote what they stumble over.
    const message = diagnostic.message.replaceAll(/"[^]*"/g, '"…"');
    return vault.redact(diagnostic.id === 'yaml-syntax' ? { ...diagnostic, message } : diagnostic);
  });
  return { ...parsed, diagnostics };
}

function concealAll(value: Json, vault: Vault): void {
  if (typeof value === 'string' || typeof value === 'number') vault.concealPart(String(value));
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) concealAll(item, vault);
}

class Reader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #lines: TextLines;
  readonly #vault: Vault;
  readonly #anchored = new Map<Node, Json>();

  constructor(lines: TextLines, vault: Vault) {
    this.#lines = lines;
    this.#vault = vault;
  }

  complain(
    id: string,
    offset: number,
    message: string,
    hint?: string,
    severity: 'error' | 'warning' = 'error',
  ): void {
    const position = this.#lines.position(offset);
    this.diagnostics.push({ id, severity, message, position, ...(hint === undefined ? {} : { hint }) });
  }

  read(node: Node, document: Document): Json {
    if (isAlias(node)) {
      const target = node.resolve(document);
      const known = target && this.#anchored.get(target);
      if (known === undefined)
        this.complain('yaml-alias', start(node), `there is no anchor &${node.source} before this`);
      return known ?? null;
    }
    let value: Json = null;
    if (isScalar(node)) value = this.#scalar(node);
    else if (isMap(node)) value = this.#map(node as YAMLMap<Node, Node | null>, document);
    else if (isSeq(node)) value = this.#list(node as YAMLSeq<Node>, document);
    if (node.anchor !== undefined) this.#anchored.set(node, value);
    return value;
  }

  #scalar(node: Scalar): Json {
    const text = typeof node.value === 'string' ? node.value : '';
    if (node.tag === '!vault' || node.tag === '!vault-encrypted') return this.#decrypted(text, node);
    if (node.tag === '!unsafe') return this.#literal(text, '!unsafe', node);
    if (node.tag !== undefined && !CORE_SCALARS.has(node.tag)) return this.#unknownTag(node);
    if (node.tag === 'tag:yaml.org,2002:str' || node.type !== 'PLAIN') return text;
    const reading = readPlainScalar(text);
    if ('value' in reading) return reading.value;
    this.complain('yaml-number', start(node), reading.trap, reading.hint);
    return text;
  }

  #decrypted(text: string, node: Scalar): string | null {
    const opened = this.#vault.open(text.trimStart(), this.#lines.position(start(node)), 'value');
    if (!('plain' in opened)) {
      this.diagnostics.push(opened);
      return null;
    }
    const value = Buffer.from(opened.plain).toString();
    this.#vault.conceal(value);
    return this.#literal(value, '!vault', node);
  }

  #literal(text: string, tag: string, node: Scalar): string {
    if (text.includes('endraw'))
      this.complain('yaml-tag', start(node), `${tag} text must not hold the word endraw`);
    return asLiteral(text);
  }

  #unknownTag(node: Node): null {
    this.complain(
      'yaml-tag',
      start(node),
      `unknown YAML tag ${node.tag}`,
      'known are !vault, !unsafe and the standard !!str, !!map, !!seq',
    );
    return null;
  }

  #list(node: YAMLSeq<Node>, document: Document): Json {
    if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:seq') return this.#unknownTag(node);
    const items: Json[] = [];
    placeContainer(items, this.#lines, start(node));
    for (const [index, item] of node.items.entries()) {
      placeEntry(items, index, start(item), start(item));
      items.push(this.read(item, document));
    }
    return items;
  }

  #map(node: YAMLMap<Node, Node | null>, document: Document): Json {
    if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:map') return this.#unknownTag(node);
    const map: Record<string, Json> = {};
    placeContainer(map, this.#lines, start(node));
    const inherited: Json[] = [];
    for (const pair of node.items) {
      const key = this.#key(pair);
      if (key === undefined) continue;
      const valueAt = pair.value ? start(pair.value) : start(pair.key);
      const value = pair.value ? this.read(pair.value, document) : null;
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        inherited.push(...(Array.isArray(value) ? (value as readonly Json[]) : [value]));
        continue;
      }
      if (Object.hasOwn(map, key)) {
        this.complain(
          'yaml-duplicate-key',
          start(pair.key),
          `${key} is given twice; the last one counts`,
          'remove one',
          'warning',
        );
      }
      map[key] = value;
      placeEntry(map, key, start(pair.key), valueAt);
    }
    this.#inherit(map, inherited, start(node));
    return map;
  }

  /** YAML merge keys (`<<: *defaults`): the map's own keys win, then earlier sources. */
  #inherit(map: Record<string, Json>, sources: readonly Json[], offset: number): void {
    for (const source of sources) {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) {
        this.complain('yaml-merge', offset, 'a merge key (<<) takes a map or a list of maps');
        continue;
      }
      for (const [key, value] of Object.entries(source)) {
        if (Object.hasOwn(map, key)) continue;
        map[key] = value;
        placeEntry(map, key, offset, offset);
      }
    }
  }

  #key(pair: Pair<Node, Node | null>): string | undefined {
    const { key } = pair;
    if (isMap(key) || isSeq(key)) {
      const braces = isMap(key) && key.flow === true;
      this.complain(
        braces ? 'yaml-unquoted-template' : 'yaml-key',
        start(key) - (braces ? 1 : 0),
        braces ? 'an unquoted {{ … }} is a map within a map to YAML' : 'a map or a list cannot be a key',
        braces ? 'put the whole value in quotes: "{{ … }}"' : 'write a plain word before the colon',
      );
      return undefined;
    }
    const text = isScalar(key) ? String(key.value) : undefined;
    if (text === undefined || text === '__proto__') {
      this.complain(
        'yaml-key',
        start(key),
        `${text ?? 'this'} cannot be a key`,
        'write a plain word before the colon',
      );
      return undefined;
    }
    return text;
  }
}

const CORE_SCALARS = new Set(
  ['str', 'int', 'float', 'bool', 'null'].map(name => `tag:yaml.org,2002:${name}`).concat('!'),
);

function start(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** A template that yields exactly `text`: what Ansible's !unsafe means. */
function asLiteral(text: string): string {
  return /\{[{%#]/.test(text) ? `{% raw %}${text}{% endraw %}` : text;
}

/** The most common syntax errors have one cause each. */
function hintFor(text: string, offset: number): string | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  if (/:\s*\{\{/.test(line)) return 'a value that begins with {{ must stand in quotes';
  if (/^\s*\t/.test(line)) return 'indent with spaces: YAML does not allow tabs';
  if (/:\s*[@`%]/.test(line)) return 'a value that begins with @, ` or % must stand in quotes';
  return undefined;
}
