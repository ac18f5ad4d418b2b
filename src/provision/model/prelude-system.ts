/** Prelude functions about the kernel and services; see {@link file://./prelude.ts}. */

/** Name → text, as in the prelude. */
export const SYSTEM_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // Facts; $1 is tandemd's control socket, $2 is /run. `daemon`: a VRRP daemon runs that can be asked, or died. `nd`: the
  // file by which systemd-networkd manages the interface, unless that says that it keeps foreign addresses (static, yes,
  // …). `networkmanager`: it runs; `nm`: it manages the interface by a profile, other than those that it makes in /run,
  // and never activates by itself, for what it has found.
  [
    't_facts',
    `t_facts() {
read -r t_v </proc/sys/kernel/hostname; echo "hostname $t_v"
read -r t_v </proc/sys/kernel/osrelease; echo "kernel $t_v"
read -r t_v </proc/sys/kernel/random/boot_id; echo "boot $t_v"
echo "machine $(uname -m)"
while IFS='=' read -r t_k t_v; do case $t_k in ID|ID_LIKE|VERSION_ID) t_v=\${t_v#[\\"\\']}; echo "$t_k \${t_v%[\\"\\']}";; esac; done </etc/os-release
[ ! -d /run/systemd/system ] || echo init systemd
[ ! -e /run/systemd/container ] || echo container yes
for t_l in "$1" /run/keepalived.pid /run/keepalived/keepalived.pid; do [ ! -e "$t_l" ] || echo daemon yes; done
[ ! -x /usr/sbin/keepalived ] || /usr/sbin/keepalived --version 2>&1 | sed -n '1{s/^Keepalived v/keepalived /;s/ (.*//;p;}'
t_a= t_b=
[ ! -L "$2/systemd/units/invocation:NetworkManager.service" ] || { t_b=yes; echo "networkmanager $t_b"; t_a=$(sed -n '/^uuid=/{s///;h;};/^autoconnect=false/{g;p;}' "$2"/NetworkManager/system-connections/* 2>/dev/null) || :; }
for t_l in /sys/class/net/*; do
t_v= t_k=
[ ! -r "$t_l/flags" ] || read -r t_k <"$t_l/flags"
[ ! -r "$t_l/address" ] || read -r t_v <"$t_l/address" || :
echo "if \${t_l##*/} $t_v $t_k"
[ -r "$t_l/ifindex" ] || continue
read -r t_k <"$t_l/ifindex"
t_c=$2/NetworkManager/devices/$t_k
[ -z "$t_b" ] || [ ! -r "$t_c" ] || while IFS='=' read -r t_c t_v; do case $t_c in connection-uuid) case $t_a in *"$t_v"*) ;; *) echo "nm \${t_l##*/}";; esac;; esac; done <"$t_c"
t_k=/run/systemd/netif/links/$t_k
[ ! -r "$t_k" ] || { t_k=$(sed -n 's/^NETWORK_FILE=//p' "$t_k"); [ ! -r "$t_k" ] || grep -q '^KeepConfiguration=[sy1to]' "$t_k" || echo "nd \${t_l##*/} $t_k"; }
done
ip -o addr show | while read -r t_a t_b t_c t_l t_v; do t_v=\${t_v##*scope }; echo "ad $t_b $t_l \${t_v%% *}"; done
}`,
  ],
  // Parameter $1 at $2, and its line in file $3: two lines, `=value` or empty.
  // Not by \`read\`: dash reads byte by byte, and a file in /proc/sys gives only its first byte that way.
  [
    't_sysctl',
    `t_sysctl() {
t_v=
if [ -r "$2" ] && t_v=$(cat "$2"); then echo "=$t_v"; else echo; fi
t_v=
[ ! -f "$3" ] || while IFS= read -r t_l; do case $t_l in "$1"[\\ =]*) t_v==\${t_l#*=};; esac; done <"$3"
echo "$t_v"
}`,
  ],
  // Gives file $1 the line \`$2 = $3\`, or none without $3; a file without lines goes.
  [
    't_sysctl_line',
    `t_sysctl_line() {
mkdir -p "\${1%/*}"
t_q=\${1%/*}/.\${1##*/}.tandem
{
[ ! -f "$1" ] || while IFS= read -r t_l; do case $t_l in "$2"[\\ =]*) ;; *) printf '%s\\n' "$t_l";; esac; done <"$1"
[ -z "$3" ] || printf '%s = %s\\n' "$2" "$3"
} >"$t_q"
if [ -s "$t_q" ]; then chmod 644 "$t_q"; sync "$t_q"; mv -f "$t_q" "$1"; else rm -f "$t_q" "$1"; fi
}`,
  ],
  // \`systemctl $1 $2\`, after a daemon-reload if the unit's file is newer than what systemd knows; journal on failure.
  [
    't_unit',
    `t_unit() {
case $(systemctl show -p LoadState -p NeedDaemonReload "$2") in *not-found*|*=yes*) systemctl daemon-reload;; esac
systemctl "$1" "$2" && return 0
t_e=$?
journalctl -u "$2" -n 20 --no-pager -o cat >&2 2>/dev/null || :
return $t_e
}`,
  ],
  // State of kernel module $1, and whether our file loads it at boot. modprobe -n resolves without loading.
  [
    't_module',
    `t_module() {
t_v=missing t_k=no t_l=$(printf %s "$1" | tr - _)
if [ -d "/sys/module/$t_l" ]; then
t_v=built-in
while read -r t_a t_b; do [ "$t_a" != "$t_l" ] || t_v=loaded; done </proc/modules
elif command -v modprobe >/dev/null && modprobe -n -q "$1"; then
t_v=available
! modprobe -n -v "$1" 2>/dev/null | grep -q '^builtin ' || t_v=built-in
fi
[ ! -f "/etc/modules-load.d/tandem-$1.conf" ] || t_k=yes
echo "$t_v $t_k"
}`,
  ],
  // Has kernel module $1 loaded at boot (\`on\`), or not any more (\`off\`).
  [
    't_modules_load',
    `t_modules_load() {
t_q=/etc/modules-load.d/tandem-$1.conf
if [ "$2" = off ]; then rm -f "$t_q"; return 0; fi
mkdir -p /etc/modules-load.d
printf '# Written by Tandem.\\n%s\\n' "$1" >"$t_q.part"
chmod 644 "$t_q.part"; sync "$t_q.part"; mv -f "$t_q.part" "$t_q"
}`,
  ],
  // Runs t_g and writes its status and length before its output, so that several answers fit into one.
  [
    't_part',
    `t_part() {
t_p=$(trap 'printf x' 0
set -e
t_g 2>&1) && t_e=0 || t_e=$?
t_p=\${t_p%x}
printf '%s %s\\n%s' "$t_e" "\${#t_p}" "$t_p"
}`,
  ],
  // Removes directory $1 of the release root, and its entry.
  ['t_prune', 't_prune() { rm -rf "$1"; t_log "{\\"t\\":\\"gone\\",\\"r\\":\\"release:$1\\"}"; }'],
]);
