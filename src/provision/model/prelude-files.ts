/** Prelude functions that read and write files; see {@link file://./prelude.ts}. */

/** Name → text, as in the prelude. */
export const FILE_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // State of path $1, one line, and the content behind it where its hash is not $2 and it is at most $3 bytes long.
  [
    't_look',
    `t_look() {
if [ -L "$1" ]; then printf 'link %s' "$(readlink "$1")"
elif [ -f "$1" ]; then
t_h=$(sha256sum <"$1"); t_h=\${t_h%% *}
t_z=$(stat -c '%a %U %G %u %g %s' "$1")
echo "file $t_z $t_h"
[ "$2" = - ] || [ "$2" = "$t_h" ] || [ "\${t_z##* }" -gt "$3" ] || cat "$1"
elif [ -d "$1" ]; then stat -c 'directory %a %U %G %u %g' "$1"
elif [ -e "$1" ]; then echo other
else t_p=\${1%/*}
until [ -z "$t_p" ] || [ -e "$t_p" ]; do t_p=\${t_p%/*}; done
printf 'absent %s' "\${t_p:-/}"
fi
}`,
  ],
  // Makes path $1's original safe, fsynced, before its first change; fails if its hash is not $2 any more.
  [
    't_save',
    `t_save() {
t_q=$t_state/originals/$2
[ ! -e "$t_q" ] || return 0
mkdir -p -m 700 "$t_state/originals"
cp "$1" "$t_q.part"
t_h=$(sha256sum <"$t_q.part")
[ "\${t_h%% *}" = "$2" ] || { rm -f "$t_q.part"; echo "$1 changed since it was read; run again" >&2; return 1; }
sync "$t_q.part"
mv -f "$t_q.part" "$t_q"
sync "$t_state/originals"
}`,
  ],
  // Fails unless path $1 still has hash $2 (\`absent\`: unless it is still absent).
  [
    't_same',
    `t_same() {
if [ "$2" = absent ]; then [ ! -e "$1" ] && [ ! -L "$1" ] && return 0
else t_h=$(sha256sum <"$1") && [ "\${t_h%% *}" = "$2" ] && return 0
fi
echo "$1 changed since it was read; run again" >&2
return 1
}`,
  ],
  // Writes its input into the staging directory as $1; fails if it does not have the hash $2.
  [
    't_stage',
    `t_stage() {
mkdir -p -m 700 "$t_state/staging"
t_q=$t_state/staging/$1
if cat >"$t_q" && t_h=$(sha256sum <"$t_q") && [ "\${t_h%% *}" = "$2" ]; then return 0; fi
rm -f "$t_q"
echo "the content did not arrive whole (disk full?)" >&2
return 1
}`,
  ],
  // Puts its input in the ledger's place, unless that has not $1 bytes any more.
  [
    't_compact',
    `t_compact() {
t_q=$t_state/ledger
if [ "$(stat -c %s "$t_q")" = "$1" ]; then cat >"$t_q.part"; sync "$t_q.part"; mv -f "$t_q.part" "$t_q"; else cat >/dev/null; fi
}`,
  ],
  // Puts a copy of file $1 at path $2 with mode $3 and owner $4 in one rename, durable; leaves nothing half-done.
  [
    't_put',
    `t_put() {
t_q=\${2%/*}/.\${2##*/}.tandem
if cp "$1" "$t_q" && chown "$4" "$t_q" && chmod "$3" "$t_q" && t_label "$t_q" "$2" && sync "$t_q" && mv -fT "$t_q" "$2"
then sync "\${2%/*}/"; return 0; fi
rm -f "$t_q"
return 1
}`,
  ],
  // Puts its input, markers included, in the place of what is between lines $2 and $3 of file $1, or at its end.
  // $4 \`cut\`: the file's last newline goes. Ends the file's last line first if it is not.
  [
    't_block',
    `t_block() {
t_b=$t_run/block.$$
mkdir -p -m 700 "$t_run"
cat >"$t_b"
t_q=\${1%/*}/.\${1##*/}.tandem
t_i= t_d=
{
while IFS= read -r t_l || [ -n "$t_l" ]; do
if [ "$t_l" = "$2" ]; then t_i=1; cat "$t_b"; t_d=1; continue; fi
if [ "$t_i" ]; then [ "$t_l" != "$3" ] || t_i=; continue; fi
printf '%s\\n' "$t_l"
done <"$1"
[ "$t_d" ] || cat "$t_b"
} >"$t_q"
[ "$4" = keep ] || truncate -s -1 "$t_q"
rm -f "$t_b"
chown --reference="$1" "$t_q"; chmod --reference="$1" "$t_q"; t_label "$t_q" "$1"
sync "$t_q"; mv -f "$t_q" "$1"
}`,
  ],
  // SELinux: the new file $1 gets the label of the file $2 that it replaces, or the policy's.
  [
    't_label',
    `t_label() {
[ -e /sys/fs/selinux/enforce ] || return 0
if [ -e "$2" ]; then chcon --reference="$2" "$1"; else restorecon "$1" || :; fi
}`,
  ],
]);
