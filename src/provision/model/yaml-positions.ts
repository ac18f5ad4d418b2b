/**
 * Where YAML values stand, kept beside the values: containers are plain arrays and objects, and this table knows for
 * each of them the place of every key and value. What copies a container (templating, merging) copies its entry.
 */
import type { Position } from '#base/position.ts';
import type { Json } from './module.ts';

/** A container as the table knows it. */
export type Container = readonly Json[] | { readonly [key: string]: Json };

/** Turns an offset of one text into line and column. */
export interface TextLines {
  readonly file: string;
  position(offset: number): Position;
}

/** Where the entries of one container stand: as parsed, or by looking into what it was merged from. */
interface Places {
  readonly lines: TextLines;
  readonly self: number;
  find(entry: string | number): Place | undefined;
}

interface Place {
  readonly lines: TextLines;
  readonly key: number;
  readonly value: number;
}

/** Containers with more entries than this get an index; most have a handful, and a fleet has hundreds of thousands. */
const INDEXED = 16;

class ParsedPlaces implements Places {
  readonly lines: TextLines;
  readonly self: number;
  readonly #names: (string | number)[] = [];
  /** Key and value offsets by turns. */
  readonly #offsets: number[] = [];
  #index: Map<string | number, number> | undefined;

  constructor(lines: TextLines, self: number) {
    this.lines = lines;
    this.self = self;
  }

  add(entry: string | number, key: number, value: number): void {
    this.#names.push(entry);
    this.#offsets.push(key, value);
    this.#index = undefined;
  }

  find(entry: string | number): Place | undefined {
    const at = this.#names.length <= INDEXED ? this.#names.lastIndexOf(entry) : this.#indexed(entry);
    if (at < 0) return undefined;
    return { lines: this.lines, key: this.#offsets[2 * at] ?? 0, value: this.#offsets[2 * at + 1] ?? 0 };
  }

  #indexed(entry: string | number): number {
    this.#index ??= new Map(this.#names.map((name, index) => [name, index]));
    return this.#index.get(entry) ?? -1;
  }
}

class MergedPlaces implements Places {
  readonly lines: TextLines;
  readonly self: number;
  readonly #sources: readonly Places[];

  constructor(first: Places, sources: readonly Places[]) {
    this.lines = first.lines;
    this.self = first.self;
    this.#sources = sources;
  }

  find(entry: string | number): Place | undefined {
    for (let index = this.#sources.length - 1; index >= 0; index--) {
      const place = this.#sources[index]?.find(entry);
      if (place) return place;
    }
    return undefined;
  }
}

const places = new WeakMap<Container, Places>();

/** The line starts of a text, found once; columns count UTF-16 units from 1. */
export function textLines(file: string, text: string): TextLines {
  let starts: number[] | undefined;
  const find = (): number[] => {
    const found = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) found.push(at + 1);
    return found;
  };
  return {
    file,
    position(offset) {
      starts ??= find();
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
    },
  };
}

/** Registers a new container that begins at `offset`. */
export function placeContainer(container: Container, lines: TextLines, offset: number): void {
  places.set(container, new ParsedPlaces(lines, offset));
}

/** Registers where a key (of a map; the item itself in a list) and its value stand. */
export function placeEntry(container: Container, entry: string | number, key: number, value: number): void {
  const known = places.get(container);
  if (known instanceof ParsedPlaces) known.add(entry, key, value);
}

/** Gives `copy` the places of `original`: same keys, new values. */
export function copyPlaces<T extends Container>(copy: T, original: Container): T {
  const known = places.get(original);
  if (known) places.set(copy, known);
  return copy;
}

/** Gives `merged` the places of each of its keys' sources; later sources win. */
export function mergePlaces<T extends Container>(merged: T, sources: readonly Container[]): T {
  const known = sources.map(source => places.get(source)).filter(one => one !== undefined);
  const [first] = known;
  if (first) places.set(merged, known.length === 1 ? first : new MergedPlaces(first, known));
  return merged;
}

/** Where a container begins, or the value under `entry`; undefined for values that no file holds. */
export function positionOf(container: unknown, entry?: string | number): Position | undefined {
  const known =
    typeof container === 'object' && container !== null ? places.get(container as Container) : undefined;
  if (!known) return undefined;
  if (entry === undefined) return known.lines.position(known.self);
  const place = known.find(entry);
  return place ? place.lines.position(place.value) : known.lines.position(known.self);
}

/** Where the key `entry` stands. */
export function keyPositionOf(container: unknown, entry: string): Position | undefined {
  const known =
    typeof container === 'object' && container !== null ? places.get(container as Container) : undefined;
  const place = known?.find(entry);
  return place ? place.lines.position(place.key) : undefined;
}

/** The place of a path inside a value, or of the deepest part of it that is there. `leaf: 'key'` wants the last key's. */
export function positionAt(
  value: unknown,
  path: readonly PropertyKey[],
  leaf: 'key' | 'value' = 'value',
): Position | undefined {
  let container = value;
  let found = positionOf(value);
  for (const [index, step] of path.entries()) {
    if (typeof container !== 'object' || container === null) break;
    const entry = typeof step === 'number' ? step : String(step);
    const last = index === path.length - 1;
    found =
      (last && leaf === 'key' ? keyPositionOf(container, String(entry)) : undefined) ??
      positionOf(container, entry) ??
      found;
    container = (container as Record<string | number, unknown>)[entry];
  }
  return found;
}
