import type { Position } from '#base/position.ts';
import { groupName } from './command.ts';
import type { ConfigEnvironment } from './source.ts';
import type {
  NextHop,
  ScriptCommand,
  TrackFile,
  TrackProcess,
  Tracker,
  Trackers,
  VrrpScript,
} from './model.ts';
import { parseInteger } from './number.ts';
import { validInterfaceName } from './parse-address.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';
import { readWeight, type Settings, type Weight } from './values.ts';

const UNWEIGHTED: Weight = { weight: 0, reverse: false };

/** What can be tracked, by name. */
export interface Trackable {
  readonly scripts: ReadonlyMap<string, VrrpScript>;
  readonly processes: ReadonlyMap<string, TrackProcess>;
  readonly files: ReadonlyMap<string, TrackFile>;
}

/** `vrrp_script`; undefined if it has no command. */
export function buildScript(name: string, settings: Settings, report: Report): VrrpScript | undefined {
  const command = settings.script('script');
  if (!command) {
    report.error(
      'script-missing',
      settings.position,
      `vrrp_script ${name} has no \`script\`; it is left out`,
    );
    return undefined;
  }
  const [user, group] = settings.words('user') ?? [];
  const script: ScriptCommand = { ...command, user: user?.text, group: group && groupName(group) };
  const intervalMs = notZero(settings, 'interval', report) ?? 1000;
  return {
    name,
    position: settings.position,
    script,
    intervalMs,
    timeoutMs: notZero(settings, 'timeout', report) ?? intervalMs,
    ...(settings.weight('weight') ?? { weight: 0, reverse: false }),
    rise: settings.number('rise') ?? 1,
    fall: settings.number('fall') ?? 1,
    initFail: settings.flag('init_fail'),
  };
}

/** Seconds that keepalived raises from 0 to 1. */
function notZero(settings: Settings, name: string, report: Report): number | undefined {
  const value = settings.number(name);
  if (value !== 0) return value;
  report.error('interval-zero', settings.positionOf(name), `\`${name}\` must be greater than 0; 1 is used`);
  return 1000;
}

/** `vrrp_track_process`; undefined if it names no process. */
export function buildTrackProcess(
  name: string,
  settings: Settings,
  report: Report,
): TrackProcess | undefined {
  const process = (settings.words('process') ?? []).map(word => word.text);
  if (process.length === 0) {
    report.error(
      'process-missing',
      settings.position,
      `vrrp_track_process ${name} has no \`process\`; it is left out`,
    );
    return undefined;
  }
  const paramMatch = readParamMatch(settings, report) ?? (process.length > 1 ? 'exact' : undefined);
  const quorumMax = settings.number('quorum_max');
  const quorum = quorumMax === 0 ? 0 : (settings.number('quorum') ?? 1);
  const usableMax = quorumMax !== undefined && quorumMax < quorum ? undefined : quorumMax;
  if (usableMax !== quorumMax) {
    report.error(
      'quorum-max',
      settings.positionOf('quorum_max'),
      'quorum_max is less than quorum; it is ignored',
    );
  }
  const delay = settings.number('delay');
  return {
    name,
    position: settings.position,
    process,
    paramMatch,
    ...(settings.weight('weight') ?? { weight: 0, reverse: false }),
    quorum,
    quorumMax: usableMax,
    forkDelayMs: settings.number('fork_delay') ?? delay ?? 0,
    terminateDelayMs: settings.number('terminate_delay') ?? delay ?? 0,
    fullCommand: settings.flag('full_command') || paramMatch !== undefined,
  };
}

function readParamMatch(settings: Settings, report: Report): TrackProcess['paramMatch'] {
  const words = settings.words('param_match');
  if (!words) return undefined;
  const [word] = words;
  if (!word) return 'exact';
  if (word.text === 'initial' || word.text === 'partial') return word.text;
  report.error('value-invalid', word.position, `\`${word.text}\` is not initial or partial`);
  return undefined;
}

/** `track_file`; undefined if it names no file. */
export function buildTrackFile(name: string, settings: Settings, report: Report): TrackFile | undefined {
  const file = settings.text('file');
  if (file === undefined) {
    report.error('file-missing', settings.position, `track_file ${name} has no \`file\`; it is left out`);
    return undefined;
  }
  const init = settings.words('init_file');
  let initFile: TrackFile['initFile'];
  if (init) {
    const numbers = init.filter(word => word.text !== 'overwrite');
    const [number] = numbers;
    const value = number ? parseInteger(number.text) : 0;
    if (value === undefined || numbers.length > 1) {
      report.error(
        'value-invalid',
        settings.positionOf('init_file'),
        'expected `init_file [VALUE] [overwrite]`',
      );
    } else initFile = { value, overwrite: numbers.length < init.length };
  }
  const weight = settings.weight('weight') ?? { weight: 1, reverse: false };
  return { name, position: settings.position, file, ...weight, initFile };
}

/** Why weights do not count for an instance or group, for the diagnostic; undefined: they count. */
export type WeightsIgnored = 'the sync group' | 'priority 255' | undefined;

/** The four track_* blocks of an instance or a sync group. */
export function buildTrackers(
  settings: Settings,
  trackable: Trackable,
  ignored: WeightsIgnored,
  environment: ConfigEnvironment,
  report: Report,
): Trackers {
  const read = (name: string, known: Known | undefined, max: number): Tracker[] =>
    readTrackers(name, settings.lines(name, report), known, max, ignored, report);
  const trackInterfaces = read('track_interface', undefined, 253);
  for (const { name, position } of trackInterfaces) checkInterface(name, position, environment, report);
  return {
    trackInterfaces: trackInterfaces.filter(tracker => validInterfaceName(tracker.name)),
    trackScripts: read('track_script', trackable.scripts, 253),
    trackProcesses: read('track_process', trackable.processes, 254),
    trackFiles: read('track_file', trackable.files, 254),
  };
}

/** Tells an interface name that Linux would not accept, or that this host does not have. */
export function checkInterface(
  name: string,
  position: Position,
  environment: ConfigEnvironment,
  report: Report,
): void {
  if (!validInterfaceName(name)) {
    report.error('interface-invalid', position, `\`${name}\` cannot be an interface name; it is ignored`);
  } else if (environment.interfaces && !environment.interfaces.includes(name)) {
    const hint =
      didYouMean(name, environment.interfaces) ?? `this host has ${environment.interfaces.join(', ')}`;
    report.error('interface-unknown', position, `interface ${name} does not exist on this host`, hint);
  }
}

/** {@link checkInterface} for the `dev` of addresses and routes, next hops included. */
export function checkDevices(
  objects: readonly { dev: string | undefined; position: Position; nexthops?: readonly NextHop[] }[],
  environment: ConfigEnvironment,
  report: Report,
): void {
  for (const { dev, position, nexthops = [] } of objects) {
    for (const name of [dev, ...nexthops.map(hop => hop.dev)]) {
      if (name !== undefined) checkInterface(name, position, environment, report);
    }
  }
}

type Known = ReadonlyMap<string, Weight>;

function readTrackers(
  block: string,
  lines: readonly Statement[],
  known: Known | undefined,
  max: number,
  ignored: WeightsIgnored,
  report: Report,
): Tracker[] {
  const trackers = new Map<string, Tracker>();
  for (const line of lines) {
    const name = line.keyword;
    const definition = known?.get(name);
    if (known && !definition) {
      const hint = didYouMean(name, known.keys());
      report.error(
        'tracker-unknown',
        line.position,
        `\`${name}\` in ${block} is not defined; it is ignored`,
        hint,
      );
      continue;
    }
    if (trackers.has(name)) {
      report.error(
        'tracker-duplicate',
        line.position,
        `\`${name}\` is tracked twice; the second line is ignored`,
      );
      continue;
    }
    const explicit = readTrackerOptions(line, max, report);
    const usable = usableWeight(line, explicit ?? definition ?? UNWEIGHTED, ignored, report);
    // A file's weight is 1 unless given: keepalived keeps tracking it, as one without weight.
    const weight = usable ?? (block === 'track_file' && !explicit ? UNWEIGHTED : undefined);
    if (weight)
      trackers.set(name, { name, weight: weight.weight, reverse: weight.reverse, position: line.position });
  }
  return [...trackers.values()];
}

/** `weight N [reverse|noreverse]` after the name. */
function readTrackerOptions(line: Statement, max: number, report: Report): Weight | undefined {
  const [, keyword, number, direction, extra] = line.words;
  if (!keyword) return undefined;
  if (keyword.text !== 'weight' || !number) {
    const hint = 'each name needs a line of its own: `NAME [weight N [reverse|noreverse]]`';
    report.error(
      'tracker-option',
      keyword.position,
      `\`${keyword.text}\` is ignored: expected \`weight N\``,
      hint,
    );
    return undefined;
  }
  if (extra) report.warning('argument-extra', extra.position, 'what follows from here is ignored');
  return readWeight(number, direction, { min: -max, max }, report);
}

/** The weight that counts; undefined drops the tracker, as keepalived does where weights cannot work. */
function usableWeight(
  line: Statement,
  weight: Weight,
  ignored: WeightsIgnored,
  report: Report,
): Weight | undefined {
  if (ignored === undefined || weight.weight === 0) return weight;
  const hint =
    ignored === 'the sync group'
      ? 'use weight 0, or sync_group_tracking_weight in the group'
      : 'use weight 0';
  const message = `\`${line.keyword}\` has weight ${weight.weight}, which cannot count because of ${ignored}`;
  report.error('tracker-weight-ignored', line.position, message, hint);
  return undefined;
}
