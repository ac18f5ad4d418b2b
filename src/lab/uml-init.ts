/**
 * PID 1 of a user-mode Linux, as a constant text. Beside it lie `modules`, a link to the kernel's modules, and
 * `command`, a shell program; it leaves `code`, the exit status. The root is the machine's own with a tmpfs above, so
 * that nothing that runs here changes the machine; only the directory of these files is shared for writing. `pivot_root` and not
 * chroot: modprobe, when the kernel calls it, looks from the real root.
 */
export const UML_INIT = `#!/bin/sh
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
scratch=\${0%/*}
modules=$(readlink "$scratch/modules")
release=$(uname -r)
mount -t proc proc /proc
insmod "$modules/$release/kernel/fs/overlayfs/overlay.ko"
mount -t tmpfs -o size=75% tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
pivot_root . mnt
hash -r
cd /
umount /mnt/proc
umount -l /mnt
mount -t proc proc /proc
# Node's event loop uses it, and user-mode Linux 7.2 loses its pages ("Bad page map").
[ ! -e /proc/sys/kernel/io_uring_disabled ] || echo 2 >/proc/sys/kernel/io_uring_disabled
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null || true
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sfn /proc/self/fd /dev/fd
mount -t hostfs none "$scratch" -o "$scratch"
mkdir -p /lib/modules
ln -sfn "$modules/$release" "/lib/modules/$release"
# systemd and others would take it for a container.
rm -f /.dockerenv
ip link set lo up
hostname uml
stty -F /dev/ttyS0 -onlcr -echo
code=0
sh "$scratch/command" </dev/null >/dev/ttyS0 2>&1 || code=$?
echo "$code" >"$scratch/code.new"
mv "$scratch/code.new" "$scratch/code"
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
`;
