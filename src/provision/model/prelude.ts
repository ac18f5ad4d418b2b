/** The shell functions that programs call, sent only where a program uses them. POSIX sh; dash and busybox ash run it. */

import { FILE_FUNCTIONS } from './prelude-files.ts';
import { FIREWALL_FUNCTIONS } from './prelude-firewall.ts';
import { KEEPALIVED_FUNCTIONS } from './prelude-keepalived.ts';
import { SYSTEM_FUNCTIONS } from './prelude-system.ts';

const NEWLINE = '"\n"';

/** Name → text. Functions and what they call start with `t_`; a program gets those that it mentions. */
const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // Runs t_f under `set -e` without the session's streams; answers with a frame (errors first, then output) and leaves
  // the status in t_s. Command substitution drops NUL bytes and would drop final newlines, hence the `x`.
  [
    't_frame',
    `t_frame() {
t_r=$({ t_o=$(trap 'printf x' 0
set -e
t_f 8>&-);t_s=$?; } 2>&1
t_o=\${t_o%x}
printf '%s\\n%s %s' "$t_o" "\${#t_o}" "$t_s")
t_m=\${t_r##*${NEWLINE}}
t_r=\${t_r%${NEWLINE}*}
t_s=\${t_m#* } t_m=\${t_m% *}
printf '\\n%s %s %s %s %s\\n%s' "$n" "$1" "$t_s" "$t_m" "$((\${#t_r}-t_m))" "$t_r" >&8
}`,
  ],
  // Copies exactly $1 bytes; busybox knows neither `head -c` without read-ahead nor iflag=count_bytes everywhere.
  [
    't_copy',
    `t_copy() {
[ "$1" -lt 65536 ] || dd bs=65536 count=$(($1/65536)) iflag=fullblock 2>/dev/null
[ $(($1%65536)) = 0 ] || dd bs=$(($1%65536)) count=1 iflag=fullblock 2>/dev/null
}`,
  ],
  // Takes exactly $1 bytes off the session whatever its reader does: when that fails, the rest goes to /dev/null.
  [
    't_input',
    `t_input() {
echo "$1" >>"$t_used" || return 1
t_copy "$1" <&9 | { cat || { t_e=$?; cat >/dev/null; exit $t_e; }; }
}`,
  ],
  [
    't_inputs_begin',
    `t_inputs_begin() {
mkdir -p -m 700 "$t_run" && t_used=$t_run/in.$$ && : >"$t_used"
}`,
  ],
  ['t_inputs_end', 't_inputs_end() { rm -f "$t_used"; }'],
  // Takes off the session what the last fragment should have read and did not.
  [
    't_drain',
    `t_drain() {
t_n=$1
while read -r t_u; do t_n=$((t_n-t_u)); done <"$t_used"
: >"$t_used"
t_copy "$t_n" <&9 >/dev/null
}`,
  ],
  [
    't_stop',
    't_stop() { [ "$1" = 0 ] || t_copy "$1" <&9 >/dev/null; [ -z "$t_used" ] || rm -f "$t_used"; exit 0; }',
  ],
  // A newline first: after a write that was cut short, the record still stands on a line of its own.
  ['t_log', `t_log() { printf '\\n%s\\n' "$1" >>"$t_state/ledger"; }`],
  ['t_intend', 't_intend() { t_log "$1" && sync "$t_state/ledger"; }'],
  ['t_done', 't_done() { t_log "$1"; }'],
  [
    't_open',
    `t_open() {
mkdir -p -m 700 "$t_state"
[ -z "$1" ] || printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >>"$t_state/audit.log"
}`,
  ],
]);

/** The functions that `text` uses, with those that they use, in a fixed order. */
export function preludeFor(text: string): string {
  const all = new Map([
    ...FUNCTIONS,
    ...FILE_FUNCTIONS,
    ...SYSTEM_FUNCTIONS,
    ...FIREWALL_FUNCTIONS,
    ...KEEPALIVED_FUNCTIONS,
  ]);
  const wanted = new Set<string>();
  const visit = (source: string): void => {
    for (const [name] of source.matchAll(/\bt_[a-z_]+\b/g)) {
      const body = all.get(name);
      if (body === undefined || wanted.has(name)) continue;
      wanted.add(name);
      visit(body);
    }
  };
  visit(text);
  return [...all]
    .filter(([name]) => wanted.has(name))
    .map(([, body]) => `${body}\n`)
    .join('');
}
