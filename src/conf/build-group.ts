import { buildNotify } from './build-instance.ts';
import type { InstanceDefaults } from './build-global.ts';
import { buildTrackers, type Trackable } from './build-trackers.ts';
import type { VrrpInstance, VrrpSyncGroup } from './model.ts';
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
  return {
    name,
    position: settings.position,
    group: draft.members.filter(member => members.some(instance => instance.name === member)),
    syncGroupTrackingWeight: keepsWeights(settings),
    ...buildTrackers(settings, context.trackable, ignored, context.environment, report),
    ...buildNotify(settings),
    notifyPriorityChanges: settings.boolean('notify_priority_changes') ?? defaults.notifyPriorityChanges,
    smtpAlert: settings.boolean('smtp_alert') ?? defaults.smtpAlert,
  };
}
