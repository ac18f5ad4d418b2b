import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What a program says of a configuration. */
export interface Verdict {
  /** 0 fine, 4 cannot run, 5 errors but runs, 6 script security, 124 did not end, 139 segmentation fault. */
  readonly exitCode: number;
  readonly said: string;
}

/** Interfaces of the namespace in which configurations are checked; `lo` is there too. */
export const ORACLE_INTERFACES: readonly string[] = ['lo', 'eth0', 'eth1'];

/**
 * Makes interfaces, then runs the checker ("$2" and what follows) with each file of folder $1 as last argument, two at
 * a time. All of it lives in namespaces of its own, whose first process dies with ours and takes everything along.
 */
const CHECK_ALL = `set -eu
cd "$1"
shift
mount -t sysfs sysfs /sys
ip link set lo up
for n in 0 1; do
  ip link add "eth$n" type veth peer name "peer$n"
  ip link set "eth$n" up
  ip link set "peer$n" up
  ip address add "192.168.$n.1/24" dev "eth$n"
  ip address add "fe80::1$n/64" dev "eth$n" nodad
done
one='file=$1; shift; code=0; timeout -k 1 2 "$@" "$file" >"$file.said" 2>&1 </dev/null || code=$?; echo "$code" >"$file.code"'
ls | grep '[.]conf$' | xargs -P 2 -I '{}' sh -c "$one" sh '{}' "$@"
`;

/** Runs a checker, given as an argv that a file is appended to, on each configuration. */
export async function checkAll(
  checker: readonly string[],
  configurations: readonly string[],
): Promise<Verdict[]> {
  const folder = await mkdtemp(join(tmpdir(), 'config-oracle-'));
  try {
    await mkdir(join(folder, 'configs'));
    const fileOf = (index: number): string =>
      join(folder, 'configs', `${String(index).padStart(5, '0')}.conf`);
    await Promise.all(configurations.map(async (text, index) => await writeFile(fileOf(index), text)));
    const confined =
      'setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc'.split(' ');
    const [program = '', ...argv] = [
      ...confined,
      'sh',
      '-c',
      CHECK_ALL,
      'sh',
      join(folder, 'configs'),
      ...checker,
    ];
    await promisify(execFile)(program, argv, { timeout: 240_000 });
    return await Promise.all(
      configurations.map(async (_, index) => {
        const said = await readFile(`${fileOf(index)}.said`, 'utf8');
        const code = await readFile(`${fileOf(index)}.code`, 'utf8');
        return { exitCode: Number(code), said };
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
