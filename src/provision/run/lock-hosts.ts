import type { RemoteHost } from './remote-host.ts';

/** Whether all locks are held, and whether another run was at work meanwhile; or the host that could not be locked. */
export type Locked = 'at-once' | 'after-waiting' | { readonly failed: RemoteHost };

/** Takes the lock of each host, in name order on every controller: two runs never wait for each other. Never throws. */
export async function lockHosts(hosts: readonly RemoteHost[]): Promise<Locked> {
  let waited = false;
  for (const host of hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    host.phase('waiting-turn');
    try {
      if (await host.lock()) waited = true;
    } catch (error) {
      host.fail(error, 'lock the host');
      return { failed: host };
    }
  }
  return waited ? 'after-waiting' : 'at-once';
}
