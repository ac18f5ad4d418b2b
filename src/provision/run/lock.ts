/**
 * The lock of a host, held by the process of the remote session: boot id, PID and start time of that process. When the
 * run ends or dies the process ends, and the lock is stale without anybody's doing.
 */
import { type Fragment, sh } from '#provision/model/shell.ts';

/** Exit code of {@link lockFragment} when another living session holds the lock; stdout says whose. */
export const LOCK_BUSY = 75;

// $$ is the session's shell in every subshell. Field 22 of /proc/PID/stat is its start time (proc(5)); the name in
// field 2 may hold anything, so fields are counted from the last parenthesis. The guard, which the kernel lets go of
// when its holder dies, keeps two sessions from both taking over the same stale lock.
const IDENTITY = sh`mkdir -p -m 700 "$t_run"
started() { read -r l 2>/dev/null </proc/$1/stat || return 1; set -- \${l##*) }; s=\${20}; }
read -r boot </proc/sys/kernel/random/boot_id
started $$; mine="$boot $$ $s"
exec 7>>"$t_run/lock.guard"; flock -w 10 7`;

/**
 * Prints how long the ledger is, in bytes: every change is written there ahead, so a host whose ledger is as long as it
 * was has not been changed by another run.
 */
export const LEDGER_LENGTH: Fragment = sh`if [ -f "$t_state/ledger" ]; then wc -c <"$t_state/ledger"; else echo 0; fi`;

/** Takes the lock and prints {@link LEDGER_LENGTH}, or says who holds it. Taking one's own again succeeds. */
export function lockFragment(owner: string): Fragment {
  return sh`${IDENTITY}
if [ -s "$t_run/lock" ]; then
  { read -r hb hp hs; read -r who || :; } <"$t_run/lock"
  if [ "$hb $hp $hs" != "$mine" ] && [ "$hb" = "$boot" ] && started "$hp" && [ "$s" = "$hs" ]; then
    printf '%s (process %s on this host)\n' "$who" "$hp"; exit ${LOCK_BUSY}
  fi
fi
printf '%s\n%s\n' "$mine" ${owner} >"$t_run/lock.new"
mv -f "$t_run/lock.new" "$t_run/lock"
${LEDGER_LENGTH}`;
}

/** Prints {@link LEDGER_LENGTH} and gives the lock back if it is ours. */
export function unlockFragment(): Fragment {
  return sh`${IDENTITY}
${LEDGER_LENGTH}
if [ -s "$t_run/lock" ]; then read -r held <"$t_run/lock"; [ "$held" != "$mine" ] || rm -f "$t_run/lock"; fi`;
}
