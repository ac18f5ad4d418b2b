/** Prelude functions that ask a stock keepalived; see {@link file://./prelude.ts}. */

const NEWLINE = '"\n"';

/** Name → text, as in the prelude. */
export const KEEPALIVED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // keepalived.conf $1 with the files that it includes in the place of the lines that do.
  [
    't_inclusive',
    `t_inclusive() {
(cd "\${1%/*}"
while IFS= read -r t_l || [ "$t_l" ]; do
set -f; set -- "$1" $t_l; set +f
case \${2:-} in include*) for t_i in \${3:-}; do [ ! -f "$t_i" ] || t_inclusive "$(readlink -f "$t_i")"; done;;
*) printf '%s\\n' "$t_l";; esac
done <"$1")
}`,
  ],
  // While service $1 runs: its configuration $2 of at most $3 bytes, behind \`replaced LENGTH\`.
  [
    't_replaced',
    `t_replaced() {
[ ! -r "$2" ] || ! systemctl is-active -q "$1" 2>/dev/null || {
t_r=$(t_inclusive "$2"; echo x) t_r=\${t_r%x}
[ "\${#t_r}" -gt "$3" ] || printf 'replaced %s\\n%s' "\${#t_r}" "$t_r"
}
}`,
  ],
  // What a running keepalived says of itself, as parseKeepalived reads it; nothing where none runs. USR1 and USR2 have it
  // write its data and its counters, one after the other: once the second file is there the first is whole. What it
  // writes (with passwords, mode 0600) is removed again. One at a time: the lock is on a directory that is there anyway.
  [
    't_keepalived',
    `t_keepalived() {
t_v=$(systemctl show -p MainPID -p ActiveState -p StateChangeTimestampMonotonic -p ExecMainStartTimestampMonotonic keepalived 2>/dev/null) || return 0
t_k=\${t_v#*MainPID=}
t_k=\${t_k%%${NEWLINE}*}
case $t_k in ''|0|*[!0-9]*) return 0;; esac
read -r t_a t_b </proc/uptime
printf 'keepalived\\n%s\\nUptime=%s\\n' "$t_v" "$t_a"
"/proc/$t_k/exe" --version 2>&1 | sed -n '1s/^/Version=/p'
t_c=/etc/keepalived/keepalived.conf t_a=
for t_b in $(tr '\\0' '\\n' <"/proc/$t_k/cmdline"); do
case $t_a in -f|--use-file) t_c=$t_b;; esac
case $t_b in --use-file=*) t_c=\${t_b#*=};; esac
t_a=$t_b
done
echo "File=$t_c"
[ ! -r "$t_c" ] || { stat -c FileTime=%.Y "$t_c"; { cat "$t_c"; printf '\\0'; } | sha256sum | sed 's/^/FileSha256=/;s/ .*//'; }
for t_b in /var/lib/tandem/handover/*; do [ ! -f "$t_b" ] || { read -r t_a <"$t_b" || :; echo "Handover=$t_b $t_a"; }; done
t_q=/proc/$t_k/root/tmp
(
flock -w 10 7 || exit 0
t_l="$t_q/keepalived.data $t_q/keepalived.stats $t_q/keepalived_parent.data $t_q/keepalived_check.data $t_q/keepalived_bfd.data"
rm -f $t_l
kill -USR1 "$t_k"; kill -USR2 "$t_k"
t_a=0
until [ -e "$t_q/keepalived.stats" ] || [ $t_a -ge 150 ]; do t_a=$((t_a+1)); sleep 0.02; done
if [ -f "$t_q/keepalived.data" ] && [ -O "$t_q/keepalived.data" ] && [ ! -L "$t_q/keepalived.data" ]; then
date +Now=%s.%N
sleep 0.02
sed -n '/^ Router ID = /p;/VRRP Topology/,/< Interfaces >/{/Password = /d;p;}' "$t_q/keepalived.data"
echo '------< Counters >------'
cat "$t_q/keepalived.stats" || :
fi
rm -f $t_l
) 7</run
echo '------< Addresses >------'
ip -o addr show
echo '------< IPVS >------'
cat /proc/net/ip_vs 2>/dev/null || :
}`,
  ],
]);
