import { buildNotify } from './build-instance.ts';
import type { InstanceDefaults } from './build-global.ts';
import { buildTrackers, type Trackable } from './build-trackers.ts';
import type { Tracker, VrrpInstance, VrrpSyncGroup } from './model.ts';
import type { Report } from './report.ts';
import type { ConfigEnvironment } from './source.ts';
import { didYouMean } from './suggest.ts';
import { PRIORITY_OWNER } from './timers.ts';
import { namesIn, type Settings } from './values.ts';

/** A sync group whose members are known but not built. */
export interface GroupDraft {
  readonly name: string;
  readonly settings: Settings;
  readonly members: readonly string[];
}

/** Members of each group; an instance can be in one group only. */
export function draftGroups(
  groups: readonly { readonly name: string; readonly settings: Settings }[],
  instances: ReadonlySet<string>,
  report: Report,
): GroupDraft[] {
  const taken = new Map<string, string>();
  return groups.map(({ name, settings }) => {
    const members: string[] = [];
    for (const { text, position } of namesIn(settings.lines('group', report))) {
      const other = taken.get(text);
      if (!instances.has(text)) {
        const hint = didYouMean(text, instances);
        report.error(
          'group-unknown',
          position,
          `vrrp_instance ${text} of group ${name} does not exist`,
          hint,
        );
      } else if (other !== undefined) {
        const message = `${text} is in sync group ${other} already; here it is ignored`;
        report.error('group-twice', position, message);
      } else {
        taken.set(text, name);
        members.push(text);
      }
    }
    return { name, settings, members };
  });
}

/** Whether the members keep the weights of their own trackers. */
export function keepsWeights(settings: Settings): boolean {
  return settings.flag('sync_group_tracking_weight') || settings.flag('global_tracking');
}

/** `vrrp_sync_group`; undefined if it has no members. */
export function buildGroup(
  draft: GroupDraft,
  instances: readonly VrrpInstance[],
  context: {
    readonly defaults: InstanceDefaults;
    readonly trackable: Trackable;
    readonly environment: ConfigEnvironment;
    readonly report: Report;
  },
): VrrpSyncGroup | undefined {
  const { name, settings } = draft;
  const { defaults, report } = context;
  const members = instances.filter(instance => draft.members.includes(instance.name));
  if (members.length === 0) {
    report.error('group-empty', settings.position, `sync group ${name} has no usable member; it is left out`);
    return undefined;
  }
  if (members.length === 1) {
    const message = `sync group ${name} has one member only, so it synchronises nothing`;
    report.error('group-single', settings.position, message, 'add the other instances, or remove the group');
  }
  const owner = members.some(member => member.priority === PRIORITY_OWNER);
  const ignored = owner ? 'priority 255' : undefined;
  const trackers = buildTrackers(settings, context.trackable, ignored, context.environment, report);
  tellTrackedTwice(name, trackers.trackInterfaces, members, report);
  return {
    name,
    position: settings.position,
    group: draft.members.filter(member => members.some(instance => instance.name === member)),
    syncGroupTrackingWeight: keepsWeights(settings),
    ...trackers,
    ...buildNotify(settings),
    notifyPriorityChanges: settings.boolean('notify_priority_changes') ?? defaults.notifyPriorityChanges,
    smtpAlert: settings.boolean('smtp_alert') ?? defaults.smtpAlert,
  };
}

/** An interface that the group tracks and a member tracks anyway: the member's own line, or the one it runs on. */
function tellTrackedTwice(
  group: string,
  tracked: readonly Tracker[],
  members: readonly VrrpInstance[],
  report: Report,
): void {
  for (const { name, position } of tracked) {
    const member = members.find(
      each =>
        (each.trackPrimary && each.interface === name) ||
        each.trackInterfaces.some(other => other.name === name),
    );
    if (!member) continue;
    const message = `${name} is tracked by ${member.name} too, which is in sync group ${group}`;
    report.error('track-interface-twice', position, message, 'remove one of the two');
  }
}
