import { checkInterface } from './build-trackers.ts';
import type { GarpGroup, InterfaceDelay, LinkbeatInterface, TrackGroup } from './model.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import type { ConfigEnvironment } from './source.ts';
import { didYouMean } from './suggest.ts';
import { namesIn, readSeconds, type Settings } from './values.ts';

/** Interfaces that no earlier `garp_group` names; the others are told. */
export function checkGarpGroups(groups: readonly GarpGroup[], report: Report): void {
  const taken = new Set<string>();
  for (const { interfaces, position } of groups) {
    for (const name of interfaces) {
      if (taken.has(name))
        report.error('garp-group-twice', position, `${name} is in a garp_group already; the first counts`);
      taken.add(name);
    }
  }
}

/** `garp_group`; undefined if it sets no pause or names no interface. */
export function buildGarpGroup(
  settings: Settings,
  environment: ConfigEnvironment,
  report: Report,
): GarpGroup | undefined {
  const words = [
    ...settings.all('interface').flatMap(setting => setting.statement.words.slice(1, 2)),
    ...namesIn(settings.lines('interfaces', report)),
  ];
  for (const { text, position } of words) checkInterface(text, position, environment, report);
  const garpIntervalMs = settings.number('garp_interval');
  const gnaIntervalMs = settings.number('gna_interval');
  const hasInterval = garpIntervalMs !== undefined || gnaIntervalMs !== undefined;
  if (!hasInterval || words.length === 0) {
    if (!hasInterval)
      report.error('garp-group-empty', settings.position, 'this garp_group sets no interval; it is left out');
    else
      report.warning(
        'garp-group-empty',
        settings.position,
        'this garp_group names no interface; it is left out',
      );
    return undefined;
  }
  return {
    position: settings.position,
    interfaces: words.map(word => word.text),
    garpIntervalMs: garpIntervalMs ?? 0,
    gnaIntervalMs: gnaIntervalMs ?? 0,
  };
}

/** `track_group`; undefined without usable members. */
export function buildTrackGroup(
  name: string,
  settings: Settings,
  instances: ReadonlySet<string>,
  report: Report,
): TrackGroup | undefined {
  const group = namesIn(settings.lines('group', report)).filter(({ text, position }) => {
    if (instances.has(text)) return true;
    report.warning(
      'group-unknown',
      position,
      `vrrp_instance ${text} of track_group ${name} does not exist or is left out`,
      didYouMean(text, instances),
    );
    return false;
  });
  if (group.length === 0) {
    report.warning(
      'group-empty',
      settings.position,
      `track_group ${name} has no usable member; it is left out`,
    );
    return undefined;
  }
  return { name, position: settings.position, group: group.map(word => word.text) };
}

/** Lines of `interface_up_down_delays`. */
export function buildInterfaceDelays(
  lines: readonly Statement[],
  environment: ConfigEnvironment,
  report: Report,
): InterfaceDelay[] {
  const range = { min: 0, max: 255, whole: false };
  return lines.flatMap(line => {
    const [name, down, up, extra] = line.words;
    if (!name || !down) {
      report.error('option-incomplete', line.position, 'expected `INTERFACE DOWN_DELAY [UP_DELAY]`');
      return [];
    }
    if (extra) report.warning('argument-extra', extra.position, 'what follows from here is ignored');
    checkInterface(name.text, name.position, environment, report);
    const downDelayMs = readSeconds(down, range, report);
    const upDelayMs = up ? readSeconds(up, range, report) : downDelayMs;
    if (downDelayMs === undefined || upDelayMs === undefined) return [];
    return [{ interface: name.text, downDelayMs, upDelayMs, position: line.position }];
  });
}

/** Lines of `linkbeat_interfaces`. */
export function buildLinkbeat(
  lines: readonly Statement[],
  environment: ConfigEnvironment,
  report: Report,
): LinkbeatInterface[] {
  return lines.map(line => {
    checkInterface(line.keyword, line.position, environment, report);
    const [, word] = line.words;
    const type = (['MII', 'ETHTOOL', 'IOCTL'] as const).find(name => name === word?.text.toUpperCase());
    if (word && !type)
      report.error('value-invalid', word.position, `\`${word.text}\` is not MII, ETHTOOL or IOCTL`);
    return { interface: line.keyword, type, position: line.position };
  });
}
