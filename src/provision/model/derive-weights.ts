/** How far trackers can move an instance's priority. */

export interface WeightRange {
  /** Sum of positive weights: how much may be added. */
  readonly up: number;
  /** Sum of negative weights, as a positive number. */
  readonly down: number;
  /** A tracked file with a positive weight: what it adds depends on the value in the file. */
  readonly positiveFile: boolean;
}

/** Words of an instance that name trackers, and the key of the topology that defines these. */
export const TRACKERS: Readonly<
  Record<string, 'vrrp_scripts' | 'vrrp_track_processes' | 'track_files' | undefined>
> = {
  track_script: 'vrrp_scripts',
  track_process: 'vrrp_track_processes',
  track_file: 'track_files',
  track_interface: undefined,
};

/** A tracked name and its weight as written, if it has one. */
export interface Tracked {
  readonly name: string;
  readonly weight: number | undefined;
}

/** Entries of a `track_…` word in any of its forms. */
export function trackedNames(value: unknown): readonly Tracked[] {
  if (Array.isArray(value)) return value.map(entry => fromText(String(entry)));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([name, options]) => ({ name, weight: weightIn(options) }));
  }
  return typeof value === 'string' ? [fromText(value)] : [];
}

function fromText(text: string): Tracked {
  const weight = /\sweight\s+(-?\d+)/.exec(text)?.[1];
  return {
    name: text.trim().split(/\s+/)[0] ?? text,
    weight: weight === undefined ? undefined : Number(weight),
  };
}

function weightIn(options: unknown): number | undefined {
  if (typeof options === 'number') return options;
  if (typeof options !== 'object' || options === null || !('weight' in options)) return undefined;
  const weight = Number(options.weight);
  return Number.isFinite(weight) ? weight : undefined;
}

/** `definitions`: all blocks of `vrrp_scripts`, `vrrp_track_processes` and `track_files` by name. */
export function weightsOf(
  words: Readonly<Record<string, unknown>>,
  definitions: Readonly<Record<string, unknown>>,
): WeightRange {
  let [up, down, positiveFile] = [0, 0, false];
  for (const key of Object.keys(TRACKERS)) {
    for (const { name, weight } of trackedNames(words[key])) {
      const own = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
      // keepalived's defaults: 0 for scripts and interfaces, 1 for processes and files.
      const counted = weight ?? weightIn(own) ?? (key === 'track_process' || key === 'track_file' ? 1 : 0);
      if (key === 'track_file') positiveFile ||= counted > 0;
      else if (counted > 0) up += counted;
      else down -= counted;
    }
  }
  return { up: Math.min(up, 253), down: Math.min(down, 253), positiveFile };
}
