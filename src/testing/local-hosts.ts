/** Hosts that are directories of this machine: programs run there with relative paths, and a fake tandemd answers. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DaemonStatus, InstanceCounters, InstanceState, InstanceStatus } from '#control/status.ts';
import type { HostPaths } from '#provision/model/program.ts';
import { RecordingTransport, type RecordingOptions } from './recording-transport.ts';

/** Relative to a host's directory. */
export const LOCAL_PATHS: HostPaths = { state: 'state', run: 'run' };

// `status` answers with the file of that name; `handover` swaps the states of the two hosts' files, as an election would.
const TANDEMD = `#!/bin/sh
echo "tandemd $*" >>../log
case $1 in
  status) cat status.json 2>/dev/null || exit 3;;
  handover) [ "$2" = --end ] && exit 0
    [ -e no-handover ] && { echo 'no other router took over' >&2; exit 1; }
    for h in ../*/status.json; do sed -i 's/"MASTER"/"GIVEN"/;s/"BACKUP"/"MASTER"/;s/"GIVEN"/"BACKUP"/' "$h"; done;;
esac
`;

const SYSTEMD_RUN = `#!/bin/sh
for word; do case $word in --on-active=*) seconds=\${word#*=}; shift;; --*) shift;; *) break;; esac; done
setsid sh -c 'sleep "$0"; exec "$@"' "$seconds" "$@" </dev/null >/dev/null 2>&1 &
`;

export class LocalHosts {
  /** In memory where possible: programs fsync a lot. */
  readonly root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tandem-hosts-'));

  constructor(names: readonly string[]) {
    const bin = join(this.root, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'tandemd'), TANDEMD, { mode: 0o755 });
    writeFileSync(join(bin, 'systemd-run'), SYSTEMD_RUN, { mode: 0o755 });
    writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    for (const name of names) mkdirSync(join(this.root, name));
  }

  transport(more: RecordingOptions = {}): RecordingTransport {
    return new RecordingTransport({
      directory: host => join(this.root, host),
      commands: () => join(this.root, '.bin'),
      ...more,
    });
  }

  /** What a host's file holds; undefined if there is none. */
  read(host: string, path: string): string | undefined {
    const file = join(this.root, host, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  write(host: string, path: string, text: string): void {
    writeFileSync(join(this.root, host, path), text);
  }

  /** What all hosts' fakes and programs have appended to `../log`. */
  get log(): string[] {
    return (this.read('.', 'log') ?? '').split('\n').filter(Boolean);
  }

  /** Lets a host's tandemd run with one instance, VG_1. */
  runs(host: string, state: InstanceState): void {
    this.write(host, 'status.json', JSON.stringify(statusWith(state)));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The status of a tandemd with one instance, VG_1, whose VIP is where it should be. */
function statusWith(state: InstanceState, more: Partial<InstanceStatus> = {}): DaemonStatus {
  const instance: InstanceStatus = {
    name: 'VG_1',
    state,
    stateAtMs: 0,
    reason: '',
    handedOver: false,
    interface: 'eth0',
    virtualRouterId: 103,
    family: 4,
    vrrpVersion: 2,
    cast: 'multicast',
    priority: 254,
    effectivePriority: 254,
    advertIntervalMs: 1000,
    sourceAddress: '172.16.8.10',
    masterDownIntervalMs: 3008,
    syncGroup: null,
    vips: [
      {
        address: '172.16.8.100/24',
        dev: 'eth0',
        present: state === 'MASTER',
        excluded: false,
        lost: 0,
        error: null,
      },
    ],
    heard: state === 'BACKUP' ? { address: '172.16.8.11', priority: 253, ageMs: 10 } : null,
    faults: state === 'FAULT' ? ['eth0 is down'] : [],
    counters: {} as InstanceCounters,
    ...more,
  };
  return {
    version: '0.1.0',
    release: null,
    pid: 1,
    startedAtMs: 0,
    routerId: 'ka67',
    configurationFile: '/etc/tandem/keepalived.conf',
    configurationSha256: '',
    reload: { atMs: 0, outcome: 'loaded', diagnostics: [] },
    scheduling: { policy: 'rr', priority: 1, degraded: null },
    worker: { state: 'absent', pid: null, restarts: 0, lastLoss: null },
    instances: [instance],
    syncGroups: [],
  };
}
