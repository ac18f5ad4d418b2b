import type { GroupState, SyncGroup } from './state.ts';

/** True when every member is Master or wants to be. */
export function groupWantsMaster(group: SyncGroup): boolean {
  return group.members.every(
    member => member.state === 'Master' || (member.state === 'Backup' && member.wantsMaster),
  );
}

/** The state that the members' states add up to: the worst of them. Asked for with every event: allocates nothing. */
export function groupStateOf(group: SyncGroup): GroupState {
  let worst: GroupState = 'Master';
  for (const { state } of group.members) {
    if (state === 'Fault') worst = 'Fault';
    else if (state === 'Initialize' && worst !== 'Fault') worst = 'Initialize';
    else if (state === 'Backup' && worst === 'Master') worst = 'Backup';
  }
  return worst;
}
