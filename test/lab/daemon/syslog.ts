import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureImage } from '#lab/image.ts';

/** A real syslog daemon for one tandemd, with a /dev/log that nobody else sees. */
export interface Syslog {
  /** The argv that runs what follows it beside the syslog daemon; both end together. */
  readonly around: readonly string[];
  /** What came with facility local6, by the file that rsyslog writes; '' while there is none. */
  local6(): string;
  /** What came with any other facility. */
  others(): string;
}

const CONFIGURATION = `module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/dev/log")
local6.* /mnt/local6.log
*.*;local6.none /mnt/others.log
`;

/**
 * In a mount namespace of its own: a /dev with a few devices, rsyslogd of the lab's image in its root, and then the
 * program. Arguments: lowerdir, folder, argv of the program.
 */
const BESIDE_RSYSLOGD = `set -eu
lower=$1 folder=$2
shift 2
mount -t overlay overlay -o "lowerdir=$lower" "$folder/root"
mount -t tmpfs tmpfs "$folder/dev"
for device in null zero full random urandom; do
  : >"$folder/dev/$device"
  mount --bind "/dev/$device" "$folder/dev/$device"
done
mount --rbind "$folder/dev" /dev
mount --rbind /dev "$folder/root/dev"
mount --bind "$folder" "$folder/root/mnt"
setpriv --pdeathsig KILL chroot "$folder/root" /usr/sbin/rsyslogd -n -i NONE -f /mnt/rsyslog.conf &
until [ -S /dev/log ]; do kill -0 $!; sleep 0.02; done
exec "$@"
`;

/** Prepares an rsyslogd that keeps its files in `folder`. It runs with the first program that runs within it. */
export async function makeSyslog(folder: string): Promise<Syslog> {
  const lower = await ensureImage('bookworm', ['services'], line => console.log(line));
  for (const name of ['root', 'dev']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'rsyslog.conf'), CONFIGURATION);
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return '';
    }
  };
  return {
    around: ['unshare', '--mount', 'sh', '-c', BESIDE_RSYSLOGD, 'sh', lower, folder],
    local6: () => read('local6.log'),
    others: () => read('others.log'),
  };
}
