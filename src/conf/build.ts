import type { Position } from '#base/position.ts';
import { buildGlobalDefs, buildInstanceDefaults } from './build-global.ts';
import { buildGroup, draftGroups, keepsWeights, type GroupDraft } from './build-group.ts';
import { buildInstance, type Membership } from './build-instance.ts';
import { buildServerSurroundings } from './build-servers.ts';
import {
  buildGarpGroup,
  buildInterfaceDelays,
  buildLinkbeat,
  buildTrackGroup,
  checkGarpGroups,
} from './build-lists.ts';
import {
  buildScript,
  buildTrackFile,
  buildTrackProcess,
  checkDevices,
  type Trackable,
} from './build-trackers.ts';
import { checkCollisions } from './collisions.ts';
import type { BlockName } from './keyword.ts';
import type { Config, StaticAddress, VrrpInstance } from './model.ts';
import { parseAddressLine } from './parse-address.ts';
import { parseRouteLine } from './parse-route.ts';
import { parseRuleLine } from './parse-rule.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import type { ConfigEnvironment } from './source.ts';
import { readBlock, Settings } from './values.ts';

interface Named {
  readonly name: string;
  readonly settings: Settings;
}

/**
 * The typed model of a tree of statements, an instance in each step, without virtual servers; what cannot be used is
 * reported and left out.
 */
export function* buildConfig(
  statements: readonly Statement[],
  start: Position,
  host: ConfigEnvironment,
  report: Report,
): Generator<undefined, Config> {
  const top = new Settings(start, readBlock('', statements, report));
  const globals = globalSettings(top, report);
  const globalDefs = buildGlobalDefs(globals, top, host, report);
  const environment = globalDefs.dynamicInterfaces === 'off' ? host : { hostname: host.hostname };
  const defaults = buildInstanceDefaults(globals, globalDefs, report);
  const trackable = buildTrackable(top, report);
  const named = namedBlocks(top, ['vrrp_instance'], 'vrrp_instance', report);
  const names = new Set(named.map(({ name }) => name));
  const groups = draftGroups(namedBlocks(top, ['vrrp_sync_group'], 'vrrp_sync_group', report), names, report);
  const context = { globalDefs, defaults, trackable, environment, report };
  const built: VrrpInstance[] = [];
  for (const { name, settings } of named) {
    const instance = buildInstance(name, settings, { ...context, membership: membershipOf(name, groups) });
    if (instance) built.push(instance);
    yield;
  }
  const vrrpInstances = checkCollisions(built, report);
  const usable = new Set(vrrpInstances.map(({ name }) => name));
  readUnsupported(top, report);
  const trackGroups = namedBlocks(top, ['track_group'], 'track_group', report).flatMap(
    ({ name, settings }) => {
      return buildTrackGroup(name, settings, usable, report) ?? [];
    },
  );
  const garpGroups = blocks(top, 'garp_group', report).flatMap(
    settings => buildGarpGroup(settings, environment, report) ?? [],
  );
  checkGarpGroups(garpGroups, report);
  return {
    globalDefs,
    vrrpInstances,
    vrrpSyncGroups: groups.flatMap(draft => buildGroup(draft, vrrpInstances, context) ?? []),
    vrrpScripts: [...trackable.scripts.values()],
    trackProcesses: [...trackable.processes.values()],
    trackFiles: [...trackable.files.values()],
    trackGroups,
    ...buildStatics(top, new Set(trackGroups.map(({ name }) => name)), environment, report),
    garpGroups,
    interfaceDelays: buildInterfaceDelays(top.lines('interface_up_down_delays', report), environment, report),
    linkbeatInterfaces: buildLinkbeat(top.lines('linkbeat_interfaces', report), environment, report),
    ...buildServerSurroundings(top, report),
    virtualServers: [],
  };
}

function membershipOf(name: string, groups: readonly GroupDraft[]): Membership | undefined {
  const draft = groups.find(({ members }) => members.includes(name));
  if (!draft) return undefined;
  return {
    trackingWeight: keepsWeights(draft.settings),
    notifyPriorityChanges: draft.settings.boolean('notify_priority_changes'),
  };
}

/** All `global_defs` blocks together. */
function globalSettings(top: Settings, report: Report): Settings {
  const statements = top.all('global_defs').flatMap(setting => setting.statement.block ?? []);
  return new Settings(top.positionOf('global_defs'), readBlock('global_defs', statements, report));
}

function blocks(top: Settings, keyword: BlockName, report: Report): Settings[] {
  return top.all(keyword).map(({ statement }) => {
    return new Settings(statement.position, readBlock(keyword, statement.block ?? [], report));
  });
}

/** Blocks with a name, of which each may be used once. */
function namedBlocks(top: Settings, keywords: readonly string[], block: BlockName, report: Report): Named[] {
  const named = new Map<string, Named>();
  for (const { statement } of keywords.flatMap(keyword => top.all(keyword))) {
    const word = statement.words[1];
    const name = word?.text ?? '';
    if (!word || named.has(name)) {
      const message = `${statement.keyword} ${name} is already defined; this one is ignored`;
      report.error('name-duplicate', word?.position, message, 'give it a name of its own');
      continue;
    }
    const settings = new Settings(statement.position, readBlock(block, statement.block ?? [], report));
    named.set(name, { name, settings });
  }
  return [...named.values()];
}

function buildTrackable(top: Settings, report: Report): Trackable {
  const build = <T>(
    keywords: readonly string[],
    block: BlockName,
    one: (name: string, settings: Settings, report: Report) => T | undefined,
  ): Map<string, T> => {
    const entries = namedBlocks(top, keywords, block, report).flatMap(({ name, settings }): [string, T][] => {
      const object = one(name, settings, report);
      return object === undefined ? [] : [[name, object]];
    });
    return new Map(entries);
  };
  return {
    scripts: build(['vrrp_script'], 'vrrp_script', buildScript),
    processes: build(['vrrp_track_process'], 'vrrp_track_process', buildTrackProcess),
    files: build(['track_file', 'vrrp_track_file'], 'track_file', buildTrackFile),
  };
}

function buildStatics(
  top: Settings,
  trackGroups: ReadonlySet<string>,
  environment: ConfigEnvironment,
  report: Report,
): Pick<Config, 'staticAddresses' | 'staticRoutes' | 'staticRules'> {
  const known = <T extends { trackGroup: string | undefined; position: Position }>(object: T): T => {
    const { trackGroup, position } = object;
    if (trackGroup === undefined || trackGroups.has(trackGroup)) return object;
    report.error('group-unknown', position, `track_group ${trackGroup} is not defined; it is ignored`);
    return { ...object, trackGroup: undefined };
  };
  const read = <T extends StaticAddress | Config['staticRoutes'][number] | Config['staticRules'][number]>(
    keyword: string,
    parse: (line: Statement) => T | undefined,
  ): T[] =>
    top
      .lines(keyword, report)
      .flatMap(line => parse(line) ?? [])
      .map(known);
  const staticAddresses = read('static_ipaddress', line => parseAddressLine(line, true, report));
  const staticRoutes = read('static_routes', line => parseRouteLine(line, report));
  const staticRules = read('static_rules', line => parseRuleLine(line, report));
  checkDevices([...staticAddresses, ...staticRoutes], environment, report);
  return { staticAddresses, staticRoutes, staticRules };
}

/** Blocks that are known and not supported are read for their own mistakes only. */
function readUnsupported(top: Settings, report: Report): void {
  for (const { statement } of top.all('bfd_instance'))
    readBlock('bfd_instance', statement.block ?? [], report, true);
}
