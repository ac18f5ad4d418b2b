/**
 * The shell programs that turn a directory into a running host. Each gets its values as arguments or files, so the
 * texts are constant. {@link SUPERVISE} outlives the process that called `labUp` and boots the host again when it
 * reboots itself.
 */

/**
 * Arguments: host directory, host cgroup, switch namespace file, lowerdir, directory of these scripts.
 * `unshare` ends with 128 + SIGHUP (129) when the host asked for a reboot and 128 + SIGINT (130) for power-off:
 * pid_namespaces(7).
 */
export const SUPERVISE = `set -u
umask 022
cd "$1" || exit 1
# A network namespace is torn down some time after its last process, and answers pings until then.
unplug() { nsenter --net="$3" ip -force -batch unplug.batch >/dev/null 2>&1; }
# What a host's init gets from a kernel, whatever this process was given.
ulimit -Hn 524288 2>/dev/null
while :; do
  rm -f pid
  unplug "$@"
  mkdir -p "$2"
  find "$2" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
  setsid unshare --net sh "$5/wire.sh" "$@" </dev/null >>console.log 2>&1
  code=$?
  unplug "$@"
  rm -f pid
  [ "$code" = 129 ] || break
done
echo "$code" >exit.new && mv exit.new exit
`;

/** In the new network namespace: NICs, their ports in the switch, then the other namespaces. */
export const WIRE = `set -eu
# A new namespace inherits the machine's IPv4 settings (devconf_inherit_init_net); a fresh host has the kernel's.
echo 0 >/proc/sys/net/ipv4/ip_forward
for at in all default lo; do
  for key in rp_filter arp_ignore arp_announce arp_filter arp_accept arp_notify proxy_arp promote_secondaries \\
    log_martians route_localnet accept_source_route; do
    echo 0 >"/proc/sys/net/ipv4/conf/$at/$key"
  done
  for key in accept_redirects secure_redirects send_redirects; do
    echo 1 >"/proc/sys/net/ipv4/conf/$at/$key"
  done
done
ip -batch nics.batch
nsenter --net="$3" ip -batch ports.batch
exec unshare --mount --uts --ipc --pid --fork sh "$5/enter.sh" "$@"
`;

/**
 * As PID 1, still on the machine's root: /proc is the machine's, so the first field of /proc/self/stat is the PID
 * that the machine knows. The cgroup is entered before its namespace is made, which roots the host there.
 */
export const ENTER = `set -eu
read -r pid rest </proc/self/stat
echo 0 >"$2/cgroup.procs"
echo "$pid" >pid.new && mv pid.new pid
exec unshare --cgroup sh "$5/boot.sh" "$@"
`;

const CAPABILITIES_KEPT_FROM_HOSTS =
  'mknod sys_module sys_rawio sys_time syslog mac_admin mac_override wake_alarm audit_control audit_write'
    .split(' ')
    .map(name => `-${name}`)
    .join(',');

/** Arguments: cgroup, argv. Makes the cgroup if need be and runs argv in it. */
export const RUN_IN_CGROUP = `{ [ -d "$1" ] || mkdir -p "$1"; } && echo 0 >"$1/cgroup.procs" && shift && exec "$@"`;

/** In the lab's directory: what every host finds in /dev, once for all of them. */
export const MAKE_DEVICES = `set -eu
mkdir -m 755 dev
cd dev
umask 000
mknod -m 666 null c 1 3
mknod -m 666 zero c 1 5
mknod -m 666 full c 1 7
mknod -m 666 random c 1 8
mknod -m 666 urandom c 1 9
mknod -m 666 tty c 5 0
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
ln -s fd/0 stdin
ln -s fd/1 stdout
ln -s fd/2 stderr
`;

/** As PID 1 in all namespaces: the file systems of a host, then systemd. */
export const BOOT = `set -eu
host=$1
lower=$4
root=$host/root
sys=$root/proc/sys

# /proc/sys belongs to the machine, apart from net. What a host may want to set elsewhere it sets in a copy.
[ ! -d "$host/sys" ] || rm -rf "$host/sys"
cp -r "$host/../../sys" "$host/sys"
read -r boot </proc/sys/kernel/random/uuid
echo "$boot" >"$host/sys/kernel/random/boot_id"
cd /proc/sys/net
find core netfilter -type f ! -perm -200 ! -name nf_conntrack_count >"$host/sys/readonly" 2>/dev/null || :
mkdir "$host/sys/net"
xargs -r cp --parents -t "$host/sys/net" <"$host/sys/readonly"
chmod -R u+w "$host/sys/net"
# One mount(8) for all of it: where a process costs 20 ms, it shows.
{
  echo "overlay $root overlay lowerdir=$lower,upperdir=$host/upper,workdir=$host/work 0 0
proc $root/proc proc nosuid,nodev,noexec 0 0
sysfs $root/sys sysfs ro,nosuid,nodev,noexec 0 0
cgroup2 $root/sys/fs/cgroup cgroup2 nosuid,nodev,noexec 0 0
tmpfs $root/dev tmpfs nosuid,mode=755,size=4m 0 0
tmpfs $root/run tmpfs nosuid,nodev,mode=755 0 0
devpts $root/dev/pts devpts X-mount.mkdir,nosuid,noexec,newinstance,ptmxmode=0666,mode=620,gid=5 0 0
tmpfs $root/dev/shm tmpfs X-mount.mkdir,nosuid,nodev,mode=1777 0 0
$sys/net $sys/net none bind 0 0
$sys $sys none rbind,ro 0 0"
  for file in hostname domainname random/uuid; do
    echo "$sys/kernel/$file $host/sys/kernel/$file none bind 0 0"
  done
  for tree in vm fs kernel; do
    echo "$host/sys/$tree $sys/$tree none rbind 0 0"
  done
  while read -r file; do
    echo "$host/sys/net/$file $sys/net/$file none bind 0 0"
  done <"$host/sys/readonly"
} >"$host/fstab"
mount --all --fstab "$host/fstab"
cp -a "$host/../../dev/." "$root/dev"
mkdir "$root/run/old"

cd "$root"
pivot_root . run/old
cd /
hash -r
umount -l /run/old
rmdir /run/old
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  setpriv --bounding-set=${CAPABILITIES_KEPT_FROM_HOSTS} \\
  /lib/systemd/systemd --log-target=journal --show-status=no
`;
