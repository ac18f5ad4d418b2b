import { readFileSync, writeFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { cgroupRoot } from './cgroup.ts';
import { must0, run } from './command.ts';
import { LabError } from './lab-error.ts';

/** A program of this machine that the lab drives, and the Debian package that has it. */
interface Tool {
  readonly program: string;
  readonly package: string;
  readonly why: string;
}

const TOOLS: readonly Tool[] = [
  { program: 'mmdebstrap', package: 'mmdebstrap', why: 'builds the base image of hosts' },
  { program: 'ip', package: 'iproute2', why: 'makes bridges, NICs and addresses' },
  { program: 'nft', package: 'nftables', why: 'drops frames for partitions and loss' },
  { program: 'tcpdump', package: 'tcpdump', why: 'records what passes a network' },
  { program: 'ping', package: 'iputils-ping', why: 'measures gaps while something fails over' },
  { program: 'ssh', package: 'openssh-client', why: 'logs in to hosts' },
  { program: 'ssh-keygen', package: 'openssh-client', why: 'makes the lab’s keys' },
  { program: 'unshare', package: 'util-linux', why: 'makes namespaces' },
  { program: 'nsenter', package: 'util-linux', why: 'runs commands on hosts' },
  { program: 'setpriv', package: 'util-linux', why: 'takes capabilities from hosts' },
  { program: 'mount', package: 'mount', why: 'mounts the hosts’ file systems' },
  { program: 'stdbuf', package: 'coreutils', why: 'gets ping’s answers as they come' },
  { program: 'find', package: 'findutils', why: 'clears what a host left behind' },
];

const INSTALL_TIMEOUT_MS = 600_000;
/** Every systemd takes several; the kernel's default of 128 is for all hosts together. */
const INOTIFY_INSTANCES = 8192;

/** This process has looked, and found all of it. */
let ensured = false;

/**
 * Makes this machine able to run labs: installs what is missing with apt and tries what the kernel must be able to.
 *
 * @throws {LabError} saying what is missing and what to do, when it cannot.
 */
export async function ensurePrerequisites(onProgress: (line: string) => void): Promise<void> {
  if (ensured) return;
  if (process.platform !== 'linux') throw new LabError(`the lab needs Linux, not ${process.platform}`);
  if (process.getuid?.() !== 0) {
    throw new LabError('the lab needs root: it makes namespaces, bridges and mounts', {
      hint: 'run it with sudo',
    });
  }
  await installMissing(onProgress);
  cgroupRoot();
  await tryKernel();
  raiseInotifyLimit();
  ensured = true;
}

async function installMissing(onProgress: (line: string) => void): Promise<void> {
  const missing = await missingTools();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(tool => tool.package))];
  for (const tool of missing)
    onProgress(`missing: ${tool.program} (${tool.why}), from package ${tool.package}`);
  if (!(await isExecutable('apt-get'))) {
    throw new LabError(`missing programs: ${missing.map(tool => tool.program).join(', ')}`, {
      hint: `this machine has no apt; install what Debian calls: ${packages.join(' ')}`,
    });
  }
  onProgress(`installing: ${packages.join(' ')}`);
  const env = { ...inheritedEnvironment(), DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  try {
    await must0(['apt-get', '-q', 'update'], { timeoutMs: INSTALL_TIMEOUT_MS, env });
    // Somebody else may be installing at the same time.
    const install = [
      'apt-get',
      '-q',
      '-y',
      '-o',
      'DPkg::Lock::Timeout=300',
      '--no-install-recommends',
      'install',
      ...packages,
    ];
    await must0(install, { timeoutMs: INSTALL_TIMEOUT_MS, env });
  } catch (cause) {
    throw new LabError(`cannot install ${packages.join(' ')}: ${messageOf(cause)}`, {
      hint: `install them by hand: apt-get install ${packages.join(' ')}`,
      cause,
    });
  }
  const still = await missingTools();
  if (still.length > 0)
    throw new LabError(`still missing after installing: ${still.map(tool => tool.program).join(', ')}`);
}

function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

async function missingTools(): Promise<Tool[]> {
  const found = await Promise.all(TOOLS.map(async tool => await isExecutable(tool.program)));
  return TOOLS.filter((_, index) => found[index] === false);
}

async function isExecutable(program: string): Promise<boolean> {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter(Boolean);
  for (const directory of directories) {
    if (
      await access(join(directory, program), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}

/** What is tried is what is used: reading the kernel's configuration would not show a seccomp filter or a container. */
const TRIALS: readonly { readonly what: string; readonly argv: readonly string[]; readonly hint: string }[] =
  [
    {
      what: 'namespaces',
      argv: ['unshare', '--net', '--mount', '--uts', '--ipc', '--cgroup', '--pid', '--fork', 'true'],
      hint: 'in a container, start it with --privileged',
    },
    {
      what: 'bridges and veth pairs',
      argv: [
        'unshare',
        '--net',
        'sh',
        '-ec',
        'ip link add br0 type bridge; ip link add a0 type veth peer name b0; ip link set a0 master br0',
      ],
      hint: 'the kernel needs CONFIG_BRIDGE and CONFIG_VETH (modprobe bridge veth)',
    },
    {
      what: 'nftables in bridges',
      argv: [
        'unshare',
        '--net',
        'nft',
        'add table bridge t; add chain bridge t c { type filter hook forward priority 0; }; add rule bridge t c numgen random mod 100 < 1 drop',
      ],
      hint: 'the kernel needs CONFIG_NF_TABLES_BRIDGE and CONFIG_NFT_NUMGEN (modprobe nf_tables nft_numgen)',
    },
    {
      what: 'overlay mounts on a tmpfs',
      argv: [
        'unshare',
        '--mount',
        'sh',
        '-ec',
        'mount -t tmpfs tmpfs /mnt; mkdir /mnt/l /mnt/u /mnt/w /mnt/m; mount -t overlay o -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m',
      ],
      hint: 'the kernel needs CONFIG_OVERLAY_FS (modprobe overlay)',
    },
  ];

async function tryKernel(): Promise<void> {
  await Promise.all(
    TRIALS.map(async ({ what, argv, hint }) => {
      const result = await run(argv);
      if (result.code !== 0)
        throw new LabError(`this machine cannot make ${what}: ${result.stderr.trim()}`, { hint });
    }),
  );
}

function raiseInotifyLimit(): void {
  const file = '/proc/sys/fs/inotify/max_user_instances';
  if (Number(readFileSync(file, 'utf8')) < INOTIFY_INSTANCES) writeFileSync(file, String(INOTIFY_INSTANCES));
}
