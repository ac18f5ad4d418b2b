/** Changes that may cut our own connection: the host takes them back by itself unless we come in anew. */
import { assert } from '#base/assert.ts';
import { preludeFor } from '#provision/model/prelude.ts';
import { bytesPart, type Fragment, input, sh } from '#provision/model/shell.ts';

/**
 * Arms the host: unless {@link disarmFragment} comes first, `revert` runs there after `seconds`, whatever became of our
 * connection. A systemd timer does it, or a process of its own session where there is no systemd.
 */
export function armFragment(revert: Fragment, seconds: number): Fragment {
  assert(revert.inputs.length === 0, 'nobody is there to send a self-revert its input');
  const body = `t_state=$1 t_run=$2\n${preludeFor(revert.text)}${revert.text}\n`;
  const part = bytesPart('the way back', new TextEncoder().encode(body));
  // The rename decides between a timer that fires and a run that disarms: only one of them gets the file. A timer's own
  // accuracy would be a minute.
  const fire =
    'mv "$2/revert" "$2/revert.run" 2>/dev/null || exit 0; sh "$2/revert.run" "$1" "$2"; rm -f "$2/revert.run"';
  return sh`mkdir -p -m 700 "$t_run"
${input(part)} >"$t_run/revert.new"
mv -f "$t_run/revert.new" "$t_run/revert"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  systemctl stop tandem-revert.timer 2>/dev/null || :
  systemd-run --quiet --collect --unit=tandem-revert --on-active=${seconds} --timer-property=AccuracySec=100ms /bin/sh -c ${fire} sh "$t_state" "$t_run"
else
  setsid sh -c ${`sleep ${seconds}; ${fire}`} sh "$t_state" "$t_run" </dev/null >/dev/null 2>&1 &
fi`;
}

/** Calls the timer off. Fails if it has fired already. */
export function disarmFragment(): Fragment {
  return sh`mv "$t_run/revert" "$t_run/revert.off" 2>/dev/null || exit 1
rm -f "$t_run/revert.off"
systemctl stop tandem-revert.timer 2>/dev/null || :`;
}

/** Takes the change back now. */
export function revertNowFragment(): Fragment {
  return sh`mv "$t_run/revert" "$t_run/revert.run" 2>/dev/null || exit 0
sh "$t_run/revert.run" "$t_state" "$t_run"; rm -f "$t_run/revert.run"
systemctl stop tandem-revert.timer 2>/dev/null || :`;
}
