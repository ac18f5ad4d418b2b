import { chmod, readFile, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sh } from '#provision/model/shell.ts';
import { type ExecResult, must0, run } from './command.ts';
import { LabError } from './lab-error.ts';
import { UML_INIT } from './uml-init.ts';
import { ensureUmlKernel, type UmlKernel } from './uml-kernel.ts';
import { makeScratch } from './uml-scratch.ts';

export interface UmlOptions {
  /** Added to a small, fixed environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the command starts. */
  readonly directory: string;
  /** Boot, command and power-off together, milliseconds. */
  readonly timeoutMs: number;
  /** Default 2048. It is taken as it is used, from /dev/shm where that is large enough. */
  readonly memoryMb?: number;
  /** Files that the command leaves in the directory `$UML_OUT`, to be read back. */
  readonly collect?: readonly string[];
  readonly onLine?: (line: string) => void;
  readonly onProgress: (line: string) => void;
}

export interface UmlResult {
  /** Exit status of the command. */
  readonly code: number;
  /** What it wrote to stdout and stderr. */
  readonly output: string;
  /** The files of `collect` that exist, by name. */
  readonly collected: ReadonlyMap<string, string>;
}

/** Programs that a kernel with modules needs; the lab's own prerequisites are there too. */
const KERNEL_TOOLS = ['insmod', 'modprobe'] as const;

/**
 * Boots Debian's user-mode Linux (a kernel with every IPVS scheduler, as a process), runs `argv` in it as root and
 * powers it off. It sees this machine's file system; what it writes stays in it. It ends with this process, however
 * that ends. One CPU; no network to the machine.
 *
 * @throws {LabError} where the kernel does not run or the time is up.
 */
export async function runInUml(argv: readonly string[], options: UmlOptions): Promise<UmlResult> {
  return await runOn(await prepareUml(options.onProgress), argv, options);
}

/** Fetches what {@link runInUml} needs, unless it is there. @throws {LabError} where that cannot be. */
export async function prepareUml(onProgress: (line: string) => void): Promise<UmlKernel> {
  await ensureKernelTools(onProgress);
  return await ensureUmlKernel(attempt, onProgress);
}

/** A kernel must boot here, load a module and end. */
async function attempt(kernel: UmlKernel): Promise<void> {
  const options = { directory: '/', timeoutMs: 60_000, memoryMb: 256, onProgress: () => {} };
  const { code, output } = await runOn(kernel, ['modprobe', 'ip_vs'], options);
  if (code !== 0) throw new LabError(`it has no IPVS: ${output.trim()}`);
}

async function runOn(kernel: UmlKernel, argv: readonly string[], options: UmlOptions): Promise<UmlResult> {
  const scratch = await makeScratch(tmpdir());
  try {
    await symlink(kernel.modules, join(scratch, 'modules'));
    await writeFile(join(scratch, 'init'), UML_INIT);
    await chmod(join(scratch, 'init'), 0o755);
    await writeFile(join(scratch, 'command'), commandText(argv, scratch, options));
    const ended = await boot(kernel.argv, scratch, options);
    const code = await textIn(scratch, 'code');
    if (code === undefined) throw new LabError(`user-mode Linux did not run the command${said(ended)}`);
    const collected = new Map<string, string>();
    for (const name of options.collect ?? []) {
      const text = await textIn(scratch, name);
      if (text !== undefined) collected.set(name, text);
    }
    return { code: Number(code), output: ended.stdout, collected };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function boot(kernel: readonly string[], scratch: string, options: UmlOptions): Promise<ExecResult> {
  const memoryMb = options.memoryMb ?? 2048;
  // A panic leaves processes of the kernel behind: the PID namespace takes them along.
  const confined = 'setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc'.split(
    ' ',
  );
  const parameters = [
    `mem=${memoryMb}M`,
    ...'root=/dev/root rootfstype=hostfs rootflags=/ ro con=null con0=null,fd:2 ssl0=null,fd:1'.split(' '),
    ...'quiet panic=1 random.trust_cpu=on seccomp=auto'.split(' '),
    `init=${join(scratch, 'init')}`,
  ];
  return await run([...confined, ...kernel, ...parameters], {
    timeoutMs: options.timeoutMs,
    // It keeps a socket below HOME, and does not start without one.
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch, TMPDIR: await memoryDirectory(memoryMb) },
    ...(options.onLine ? { onLine: options.onLine } : {}),
  });
}

/** The kernel's memory is a file there. */
async function memoryDirectory(memoryMb: number): Promise<string> {
  const found = await statfs('/dev/shm').catch(() => undefined);
  const freeMb = found ? (found.bavail * found.bsize) / 2 ** 20 : 0;
  return freeMb > memoryMb ? '/dev/shm' : tmpdir();
}

function commandText(argv: readonly string[], scratch: string, options: UmlOptions): string {
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    UML_OUT: scratch,
    ...options.env,
  };
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return sh`cd ${options.directory} && exec env -i ${words} ${argv}`.text;
}

async function ensureKernelTools(onProgress: (line: string) => void): Promise<void> {
  const present = async (tool: string) =>
    (await run(['sh', '-c', 'PATH="$PATH:/usr/sbin:/sbin" command -v "$1"', 'sh', tool])).code === 0;
  const found = await Promise.all(KERNEL_TOOLS.map(present));
  if (!found.includes(false)) return;
  onProgress('installing: kmod');
  const install = '-q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install kmod'.split(' ');
  await must0(['apt-get', ...install], { timeoutMs: 300_000 });
}

async function textIn(directory: string, name: string): Promise<string | undefined> {
  return await readFile(join(directory, name), 'utf8').catch(() => undefined);
}

function said(ended: ExecResult): string {
  const text = `${ended.stdout}\n${ended.stderr}`.trim().split('\n').slice(-20).join('\n');
  return `; it ended with ${ended.code}:\n${text}`;
}
