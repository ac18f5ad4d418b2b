import { putFile, putLink } from './host-files.ts';

/** What systemd starts at boot on a Debian host and nothing that a role installs needs. */
const UNITS = [
  'cryptsetup.target',
  'dbus.service',
  'dbus.socket',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'integritysetup.target',
  'kmod-static-nodes.service',
  'proc-sys-fs-binfmt_misc.automount',
  'remote-fs.target',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-firstboot.service',
  'systemd-initctl.socket',
  'systemd-journal-flush.service',
  'systemd-journald-audit.socket',
  'systemd-logind.service',
  'systemd-machine-id-commit.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-pcrphase.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-repart.service',
  'systemd-sysusers.service',
  'systemd-tmpfiles-clean.timer',
  'systemd-tmpfiles-setup-dev.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-update-utmp.service',
  'systemd-user-sessions.service',
  'veritysetup.target',
] as const;

const GENERATORS = [
  'systemd-bless-boot-generator',
  'systemd-cryptsetup-generator',
  'systemd-debug-generator',
  'systemd-fstab-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-integritysetup-generator',
  'systemd-rc-local-generator',
  'systemd-run-generator',
  'systemd-system-update-generator',
  'systemd-sysv-generator',
  'systemd-veritysetup-generator',
] as const;

/**
 * Takes from a host's boot what costs a process and no role needs: D-Bus, logins, generators, and the journal on disk.
 * For kernels in which starting a process takes tens of milliseconds.
 */
export async function makeLean(upper: string): Promise<void> {
  for (const unit of UNITS) await putLink(upper, `/etc/systemd/system/${unit}`, '/dev/null');
  for (const name of GENERATORS) await putLink(upper, `/etc/systemd/system-generators/${name}`, '/dev/null');
  await putFile(upper, '/etc/systemd/system/ssh.service.d/lean.conf', '[Service]\nExecStartPre=\n');
  await putFile(upper, '/etc/systemd/journald.conf.d/lean.conf', '[Journal]\nStorage=volatile\n');
}
