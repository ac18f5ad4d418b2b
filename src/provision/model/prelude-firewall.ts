/** Prelude functions about firewalls; see {@link file://./prelude.ts}. */

/** Name → text, as in the prelude. */
export const FIREWALL_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  // The firewall as it matters to file $1: four lines, an empty one, and the ruleset after what nft warns of.
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
[ $t_x = no ] || { nft -t list ruleset 2>&1 >/dev/null; nft -t list ruleset 2>/dev/null; }
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
[ -z "$t_c" ] || grep -e '^\\*filter' -e '--comment "*tandem-' "$t_c" || :
printf 'live\\n%s\\n' "$t_v"
}`,
  ],
  // Gives the filter table of $1 our rules $3 in place of what it has of ours, and file $2 (may be empty) likewise.
  [
    't_iptables_put',
    `t_iptables_put() {
{
echo '*filter'
"$1-save" -t filter | sed -n '/--comment "*tandem-[0-9a-f]/s/^-A /-D /p'
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
case $t_l in *'--comment tandem-'*|*'--comment "tandem-'*) ;; *) printf '%s\\n' "$t_l";; esac
done <"$2" >"$t_q"
chown --reference="$2" "$t_q"; chmod --reference="$2" "$t_q"; t_label "$t_q" "$2"
sync "$t_q"; mv -f "$t_q" "$2"
}`,
  ],
  // firewalld, if it runs: the default zone, then all zones, policy $1 (see there) and direct rules, live and permanent.
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
t_firewalld_policy "$1" "$2"
printf '\\n\\002\\n'
[ -e /etc/firewalld/direct.xml ] || return 0
firewall-cmd --direct --get-all-rules
printf '\\n\\002\\n'
firewall-cmd --permanent --direct --get-all-rules
}`,
  ],
  // Policy $1: whether there are policies and its file, then itself live and permanent. Where it is not live and that is
  // asked for ($2 is \`yes\`): what a reload would change besides. Each call of firewall-cmd costs a sixth of a second.
  [
    't_firewalld_policy',
    `t_firewalld_policy() {
t_x=no t_c=no t_v=
[ ! -d /usr/lib/firewalld/policies ] || t_x=yes
[ ! -f "/etc/firewalld/policies/$1.xml" ] || t_c=yes
printf 'policies %s\\nfile %s\\n\\003\\n' "$t_x" "$t_c"
[ "$t_x$2" = yesyes ] || [ $t_c = yes ] || return 0
t_v=$(firewall-cmd --info-policy="$1" 2>/dev/null) || t_v=
printf '%s\\n\\003\\n' "$t_v"
[ $t_c = no ] || firewall-cmd --permanent --info-policy="$1" 2>/dev/null || :
printf '\\n\\003\\n'
[ "$t_v$2" != yes ] || t_firewalld_unlike "$1"
}`,
  ],
  // Takes policy $1 away unless others' settings are in it. Where a reload would change more than that, the policy stays
  // live until the next one, and says nothing about any packet.
  [
    't_firewalld_policy_drop',
    `t_firewalld_policy_drop() {
t_x=/etc/firewalld/policies/$1.xml
if firewall-cmd -q --state 2>/dev/null; then
! grep -q -E '<(rule|service|port|protocol|source-port|forward-port|icmp-block|masquerade)' "$t_x" 2>/dev/null || return 0
firewall-cmd -q --permanent --delete-policy="$1" 2>/dev/null || :
fi
rm -f "$t_x" "$t_x.old"
firewall-cmd --info-policy="$1" >/dev/null 2>&1 || return 0
[ -n "$(t_firewalld_unlike "$1")" ] || firewall-cmd -q --reload
}`,
  ],
  // Settings that are live only or permanent only, one a line, but for policy $1.
  [
    't_firewalld_unlike',
    `t_firewalld_unlike() {
{ t_firewalld_settings; t_firewalld_settings --permanent; } | sort | uniq -u | grep -v "^policy $1 " || :
}`,
  ],
  // All settings, live or ($1) permanent. NetworkManager puts its interfaces into their zones again after a reload.
  [
    't_firewalld_settings',
    `t_firewalld_settings() {
firewall-cmd $1 --list-all-zones | t_firewalld_flat zone
firewall-cmd $1 --list-all-policies | t_firewalld_flat policy
for t_n in $(firewall-cmd $1 --get-ipsets); do firewall-cmd $1 --info-ipset="$t_n" | t_firewalld_flat ipset; done
for t_n in rules passthroughs; do firewall-cmd $1 --direct --get-all-$t_n | sed 's/^/direct /'; done
}`,
  ],
  // A listing of things of kind $1, so that each line is one setting of one thing.
  [
    't_firewalld_flat',
    `t_firewalld_flat() {
while read -r t_a t_b; do case $t_a in
''|rich) ;;
rule) echo "$1 $t_k $t_a $t_b";;
interfaces:) [ -d /run/NetworkManager ] || for t_l in $t_b; do echo "$1 $t_k interface $t_l"; done;;
*:) for t_l in $t_b; do echo "$1 $t_k \${t_a%:} $t_l"; done;;
*:*|*=*) echo "$1 $t_k $t_a $t_b";;
*) t_k=$t_a;;
esac; done
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
[ "$1" != direct.xml ] || nft list tables >"$t_q.tables" 2>/dev/null || :
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
[ "$1" != direct.xml ] || for t_l in ip ip6; do grep -q "^table $t_l raw$" "$t_q.tables" 2>/dev/null || t_nft_raw_drop $t_l; done
rm -f "$t_q".*
}`,
  ],
  // Takes away the raw table of family $1 that iptables made for a direct rule, unless somebody has rules in it.
  [
    't_nft_raw_drop',
    `t_nft_raw_drop() {
t_v=$(nft list table $1 raw 2>/dev/null) || return 0
! printf '%s\\n' "$t_v" | grep -q -v -e '^table ' -e '^[[:space:]]*chain ' -e 'type filter hook' -e '^[[:space:]]*}*$' || return 0
nft delete table $1 raw
}`,
  ],
]);
