/** Prelude functions about firewalls; see {@link file://./prelude.ts}. */

/** Name → text, as in the prelude. */
export const FIREWALL_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // The firewall as it matters to file $1: four lines, an empty one, and the ruleset.
  [
    't_firewall',
    `t_firewall() {
t_x=no t_c= t_i=no t_h=
! command -v nft >/dev/null || t_x=yes
echo "nft $t_x"
for t_l in /etc/sysconfig/nftables.conf /etc/nftables.conf; do [ ! -f "$t_l" ] || t_c=$t_l; done
echo "configuration $t_c"
[ -z "$t_c" ] || while IFS= read -r t_l; do [ "$t_l" != "include \\"$1\\"" ] || t_i=yes; done <"$t_c"
echo "included $t_i"
[ ! -f "$1" ] || t_h=$(sha256sum <"$1")
printf 'file %s\\n\\n' "\${t_h%% *}"
[ $t_x = no ] || nft -t list ruleset
}`,
  ],
  // Commands that delete every rule with our tag, for nft -f.
  [
    't_nft_tagged',
    `t_nft_tagged() {
nft -a list ruleset | while read -r t_a t_b t_c t_l; do case $t_a in
table) t_t="$t_b $t_c";;
chain) t_k=$t_b;;
*) case "$t_b $t_c $t_l" in *'comment "tandem:'*'# handle '*) echo "delete rule $t_t $t_k handle \${t_l##* }";; esac
esac; done
}`,
  ],
  // Gives nftables' configuration $1 the line that includes $2 (\`on\`), or takes it out (\`off\`).
  [
    't_nft_include',
    `t_nft_include() {
[ -f "$1" ] || return 0
t_q=\${1%/*}/.\${1##*/}.tandem
{
while IFS= read -r t_l || [ -n "$t_l" ]; do [ "$t_l" = "include \\"$2\\"" ] || printf '%s\\n' "$t_l"; done <"$1"
[ "$3" = off ] || printf 'include "%s"\\n' "$2"
} >"$t_q"
chown --reference="$1" "$t_q"; chmod --reference="$1" "$t_q"; t_label "$t_q" "$1"
sync "$t_q"; mv -f "$t_q" "$1"
}`,
  ],
  // The filter table of $1 (iptables, ip6tables) with what ufw ($3) or else another ($4, $5) loads at boot. The legacy
  // one counts where it is in use ($2 lists its tables) and drops something: asking it for more would load its module.
  [
    't_iptables',
    `t_iptables() {
t_x= t_c= t_v=
! command -v "$1-save" >/dev/null || t_x=$1
if grep -q '^filter$' "$2" 2>/dev/null && command -v "$1-legacy-save" >/dev/null; then
! "$1-legacy-save" -t filter | grep -q -e DROP -e REJECT || t_x=$1-legacy
fi
printf '\\nprogram %s\\n' "$t_x"
[ -n "$t_x" ] || return 0
t_v=$("$t_x-save" -t filter 2>/dev/null) || :
case $t_v in
*:ufw*-before-input*) [ ! -f "$3" ] || t_c=$3;;
*) for t_l in "$4" "$5"; do [ ! -f "$t_l" ] || t_c=$t_l; done;;
esac
echo "file $t_c"
[ -z "$t_c" ] || grep -e '^\\*filter' -e '--comment "*tandem:' "$t_c" || :
printf 'live\\n%s\\n' "$t_v"
}`,
  ],
  // Gives the filter table of $1 our rules $3 in place of what it has of ours, and file $2 (may be empty) likewise.
  [
    't_iptables_put',
    `t_iptables_put() {
{
echo '*filter'
"$1-save" -t filter | sed -n '/--comment "*tandem:/s/^-A /-D /p'
printf %s "$3" | sed 's/^-A \\([^ ]*\\) /-I \\1 1 /'
echo COMMIT
} | "$1-restore" -w -n
[ -f "$2" ] || return 0
t_q=\${2%/*}/.\${2##*/}.tandem t_k=no
while IFS= read -r t_l || [ -n "$t_l" ]; do
case $t_l in
'*filter'*) t_k=yes;;
'-A '*|'-I '*|COMMIT*) [ $t_k = no ] || { printf %s "$3"; t_k=no; };;
'*'*) t_k=no;;
esac
case $t_l in *'--comment tandem:'*|*'--comment "tandem:'*) ;; *) printf '%s\\n' "$t_l";; esac
done <"$2" >"$t_q"
chown --reference="$2" "$t_q"; chmod --reference="$2" "$t_q"; t_label "$t_q" "$2"
sync "$t_q"; mv -f "$t_q" "$2"
}`,
  ],
  // firewalld, if it runs: the default zone, then all zones and direct rules, live and permanent.
  [
    't_firewalld',
    `t_firewalld() {
command -v firewall-cmd >/dev/null || return 0
t_v=$(firewall-cmd --get-default-zone 2>/dev/null) || return 0
printf '%s\\n\\002\\n' "$t_v"
firewall-cmd --list-all-zones
printf '\\n\\002\\n'
firewall-cmd --permanent --list-all-zones
printf '\\n\\002\\n'
[ -e /etc/firewalld/direct.xml ] || return 0
firewall-cmd --direct --get-all-rules
printf '\\n\\002\\n'
firewall-cmd --permanent --direct --get-all-rules
}`,
  ],
  // Keeps file $1 of /etc/firewalld, or that it is not there, with firewalld's own backup of it.
  [
    't_firewalld_keep',
    `t_firewalld_keep() {
t_q=$t_state/firewalld/$(printf %s "$1" | tr / _)
[ ! -e "$t_q.kept" ] || return 0
mkdir -p -m 700 "$t_state/firewalld"
for t_l in '' .old; do [ ! -f "/etc/firewalld/$1$t_l" ] || cp -p "/etc/firewalld/$1$t_l" "$t_q.is$t_l"; done
: >"$t_q.kept"; sync "$t_q.kept"
}`,
  ],
  // The elements of file $1 in an order of their own: two spellings of one configuration give the same.
  [
    't_firewalld_gist',
    `t_firewalld_gist() {
if [ -f "$1" ]; then tr -d '\\n\\t ' <"$1" | sed -e "s/'/\\"/g" -e 's/></>\\n</g' | grep -v -e '^<?xml' -e '^</*direct/*>' | sort; fi
}`,
  ],
  // Puts file $1 of /etc/firewalld back as it was kept, if that is what firewalld has now left of it.
  [
    't_firewalld_restore',
    `t_firewalld_restore() {
t_q=$t_state/firewalld/$(printf %s "$1" | tr / _)
[ -e "$t_q.kept" ] || return 0
t_v=$t_q.is
[ -f "$t_v" ] || t_v=/usr/lib/firewalld/$1
if [ "$(t_firewalld_gist "$t_v")" = "$(t_firewalld_gist "/etc/firewalld/$1")" ]; then
for t_l in '' .old; do
if [ -f "$t_q.is$t_l" ]; then cp -p "$t_q.is$t_l" "/etc/firewalld/$1$t_l"; else rm -f "/etc/firewalld/$1$t_l"; fi
done
fi
rm -f "$t_q".*
}`,
  ],
]);
