/** A set of snapshot keys that may differ between two snapshots of a host, and why. */
export interface Exclusion {
  readonly keys: RegExp;
  readonly reason: string;
}

/** What changes on a host by being up, logged in to or rebooted. Nothing that a role could write belongs here. */
export const EXCLUSIONS: readonly Exclusion[] = [
  {
    keys: /^file:\/(var|run)\/log\/journal(\/|$)/,
    reason: 'journald appends, rotates and makes files per user',
  },
  { keys: /^file:\/var\/log\/(wtmp|btmp|lastlog|faillog)$/, reason: 'login and boot records' },
  { keys: /^file:\/var\/lib\/systemd\/random-seed$/, reason: 'written at each shutdown' },
  { keys: /^file:\/var\/lib\/systemd\/timers(\/|$)/, reason: 'stamp files of systemd’s own timers' },
  { keys: /^file:\/(var\/)?tmp\/systemd-private-/, reason: 'PrivateTmp= directories have random names' },
  { keys: /^file:\/run\/systemd\/units\/invocation:/, reason: 'an id per start of a unit' },
  { keys: /^file:\/run\/systemd\/journal\/streams\//, reason: 'one per open log connection' },
  { keys: /^file:\/run\/systemd\/(sessions|users|seats|transient)\//, reason: 'logins' },
  {
    keys: /^file:\/run\/systemd\/(show-status|propagate\/.*|inaccessible\/.*)$/,
    reason: 'run-time state of systemd',
  },
  { keys: /^file:\/run\/user(\/|$)/, reason: 'run-time directories of users who are logged in' },
  { keys: /^file:\/run\/(utmp|motd\.dynamic|sshd\.pid)$/, reason: 'written by logins and by sshd' },
  {
    keys: /^unit:(session-.*\.scope|user-\d+\.slice|user@\d+\.service|user-runtime-dir@\d+\.service|run-user-\d+\.mount)$/,
    reason: 'logins',
  },
  {
    keys: /^unit:systemd-(tmpfiles-clean|update-utmp-runlevel|initctl|hostnamed|timedated|localed)\.service$/,
    reason: 'started by timers and by requests, end by themselves',
  },
  {
    keys: /^unit:(ldconfig|systemd-(journal-catalog-update|hwdb-update|sysusers|update-done))\.service$/,
    reason: 'run at the first boot of an image only (ConditionNeedsUpdate=)',
  },
  {
    keys: /^unit:network-(online|pre)\.target$/,
    reason:
      'reached once any unit has wanted it, and until the next boot; they are systemd’s own and do nothing',
  },
  { keys: /^sysctl:net\/netfilter\/nf_conntrack_count$/, reason: 'a counter' },
  { keys: /^route:local fe80:/, reason: 'appears when duplicate address detection ends' },
  { keys: /^module:/, reason: 'the kernel is the machine’s, shared by all hosts of all labs' },
];
