import {
  addNotify,
  addTrackers,
  EntryList,
  instanceEntries,
  type Entries,
  type Inherited,
} from './entries-instance.ts';
import { familiesOf } from './build-server-group.ts';
import { addressEntry, routeEntry, ruleEntry } from './entries-network.ts';
import { groupLines, keyText, realServerText, serverEntries, sslEntries } from './entries-server.ts';
import type {
  Config,
  GarpGroup,
  TrackFile,
  TrackProcess,
  VirtualServer,
  VrrpScript,
  VrrpSyncGroup,
} from './model.ts';
import { formatSeconds } from './number.ts';
import { globalEntries, topEntries } from './print-global.ts';
import { printBlock, printCommand, printLines, printWord } from './print-words.ts';

/**
 * Writes a configuration as keepalived.conf text that reads back as the same model. What keyword defaults say
 * already is left out. The text holds the passwords: it belongs into files of mode 0640 or stricter only.
 */
export function printConfig(config: Config): string {
  const { globalDefs, vrrpSyncGroups } = config;
  const loud =
    globalDefs.vrrpNotifyPriorityChanges || vrrpSyncGroups.some(group => group.notifyPriorityChanges);
  const inherited: Inherited = { globalDefs, priorityChangesOff: !loud };
  const named = (keyword: string, name: string, entries: Entries): string =>
    `${keyword} ${printWord(name)} ${printBlock(printEntries(entries))}\n`;
  const list = (keyword: string, lines: readonly string[]): string[] => {
    const text = printLines(lines);
    return text === undefined ? [] : [`${keyword} ${text}\n`];
  };
  return [
    ...printEntries(topEntries(config.globalDefs)).map(line => `${line}\n`),
    `global_defs ${printBlock(printEntries(globalEntries(config.globalDefs)))}\n`,
    ...list(
      'linkbeat_interfaces',
      config.linkbeatInterfaces.map(entry => `${entry.interface} ${entry.type ?? ''}`.trim()),
    ),
    ...list('interface_up_down_delays', config.interfaceDelays.map(printDelay)),
    ...config.garpGroups.map(group => `garp_group ${printBlock(printEntries(garpGroupEntries(group)))}\n`),
    ...list('static_ipaddress', config.staticAddresses.map(addressEntry)),
    ...list('static_routes', config.staticRoutes.map(routeEntry)),
    ...list('static_rules', config.staticRules.map(ruleEntry)),
    ...config.vrrpScripts.map(script => named('vrrp_script', script.name, scriptEntries(script))),
    ...config.trackProcesses.map(track => named('vrrp_track_process', track.name, processEntries(track))),
    ...config.trackFiles.map(track => named('track_file', track.name, fileEntries(track))),
    ...config.vrrpInstances.map(instance =>
      named('vrrp_instance', instance.name, instanceEntries(instance, inherited)),
    ),
    ...config.vrrpSyncGroups.map(group =>
      named('vrrp_sync_group', group.name, syncGroupEntries(group, inherited)),
    ),
    ...(config.ssl ? [`SSL ${printBlock(printEntries(sslEntries(config.ssl)))}\n`] : []),
    ...config.virtualServerGroups.map(
      group => `virtual_server_group ${printWord(group.name)} ${printBlock(groupLines(group))}\n`,
    ),
    ...config.virtualServers.map(
      server =>
        `virtual_server ${keyText(server)} ${printBlock([
          ...printEntries(serverEntries(server, isMixed(server, config))),
          ...server.realServers.map(realServerText),
        ])}\n`,
    ),
    ...config.trackGroups.map(
      ({ name, group }) =>
        `track_group ${printWord(name)} ${printBlock([`group ${printBlock(group.map(printWord))}`])}\n`,
    ),
  ].join('\n');
}

function isMixed({ key }: VirtualServer, config: Config): boolean {
  const group = config.virtualServerGroups.find(({ name }) => key.kind === 'group' && name === key.group);
  return group !== undefined && familiesOf(group.entries).size === 2;
}

function printEntries(entries: Entries): string[] {
  return [...entries].flatMap(([keyword, { text, isDefault }]) =>
    isDefault ? [] : `${keyword} ${text}`.trimEnd(),
  );
}

function printDelay(delay: Config['interfaceDelays'][number]): string {
  return `${delay.interface} ${formatSeconds(delay.downDelayMs)} ${formatSeconds(delay.upDelayMs)}`;
}

/** What a `garp_group` block says. */
export function garpGroupEntries(group: GarpGroup): Entries {
  const list = new EntryList();
  list.add('garp_interval', formatSeconds(group.garpIntervalMs));
  list.add('gna_interval', formatSeconds(group.gnaIntervalMs));
  list.add('interfaces', printBlock(group.interfaces.map(printWord)));
  return list.entries;
}

function weightText(object: { readonly weight: number; readonly reverse: boolean }): string {
  return `${object.weight}${object.reverse ? ' reverse' : ''}`;
}

/** What a `vrrp_script` block says. */
export function scriptEntries(script: VrrpScript): Entries {
  const list = new EntryList();
  const { user, group } = script.script;
  list.add('script', printCommand(script.script.argv));
  list.add('interval', formatSeconds(script.intervalMs), script.intervalMs === 1000);
  list.add('timeout', formatSeconds(script.timeoutMs), script.timeoutMs === script.intervalMs);
  list.add('weight', weightText(script), script.weight === 0 && !script.reverse);
  list.add('rise', script.rise, script.rise === 1);
  list.add('fall', script.fall, script.fall === 1);
  list.add(
    'user',
    user && [user, group].flatMap(name => (name === undefined ? [] : printWord(name))).join(' '),
  );
  list.flag('init_fail', script.initFail);
  return list.entries;
}

/** What a `vrrp_track_process` block says. */
export function processEntries(track: TrackProcess): Entries {
  const list = new EntryList();
  const delay = (keyword: string, value: number): void =>
    list.add(keyword, formatSeconds(value), value === 0);
  list.add('process', track.process.map(printWord).join(' '));
  list.add('param_match', track.paramMatch === 'exact' ? '' : track.paramMatch);
  list.add('weight', weightText(track), track.weight === 0 && !track.reverse);
  list.add('quorum', track.quorum, track.quorum <= 1);
  list.add('quorum_max', track.quorumMax);
  delay('fork_delay', track.forkDelayMs);
  delay('terminate_delay', track.terminateDelayMs);
  list.flag('full_command', track.fullCommand);
  return list.entries;
}

/** What a `track_file` block says. */
export function fileEntries(track: TrackFile): Entries {
  const list = new EntryList();
  const { initFile } = track;
  list.add('file', printWord(track.file));
  list.add('weight', weightText(track), track.weight === 1 && !track.reverse);
  list.add('init_file', initFile && `${initFile.value}${initFile.overwrite ? ' overwrite' : ''}`);
  return list.entries;
}

/** What a `vrrp_sync_group` block says. */
export function syncGroupEntries(group: VrrpSyncGroup, inherited?: Inherited): Entries {
  const list = new EntryList();
  list.add('group', printBlock(group.group.map(printWord)));
  list.flag('sync_group_tracking_weight', group.syncGroupTrackingWeight);
  addTrackers(group, list);
  addNotify(group, inherited, list);
  return list.entries;
}
