/** `tandem lab`: an inventory's hosts as real hosts on this machine, and what can go wrong with them. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EXIT, UsageError } from '#cli/exit.ts';
import type { VaultOptions } from '#cli/options.ts';
import { labDown, labUp, listLabs, openLab, ensurePrerequisites, type Lab } from '#lab/lab.ts';
import type { FaultName } from './lab-faults.ts';
import { labSpecOf } from './lab-spec.ts';
import { ownName } from './own-name.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

/** Boots every host of the inventories, and says how to reach them. */
export async function labUpCommand(
  options: VaultOptions & { readonly inventory: readonly string[]; readonly name?: string },
): Promise<void> {
  await ensurePrerequisites(say);
  const spec = labSpecOf(options.inventory, options.name, options.vault);
  const lab = await labUp(spec, { onProgress: say });
  const inventories = options.inventory.map(path => `-i ${path}`).join(' ');
  const tandem = ownName();
  const first = spec.hosts[0]?.name ?? 'HOST';
  say(`lab ${lab.name} is up: ${spec.hosts.map(host => host.name).join(', ')}`);
  say(`  a shell on a host:   ${tandem} lab exec --lab ${lab.name} ${first} -- bash`);
  say(
    `  build the cluster:   ${tandem} lab exec --lab ${lab.name} controller -- ${tandem} apply ${inventories} --ssh-config ${lab.ssh.configFile}`,
  );
  say(`  and when done:       ${tandem} lab down --lab ${lab.name}`);
}

export async function labDownCommand(options: { readonly lab?: string }): Promise<void> {
  await labDown((await theLab(options.lab)).name);
}

export async function labListCommand(): Promise<void> {
  for (const summary of await listLabs()) {
    say(`${summary.name}${summary.ephemeral ? ' (ends with its process)' : ''}`);
    const lab = await openLab(summary.name).catch(() => undefined);
    for (const host of (await lab?.list()) ?? []) {
      say(
        `  ${host.name}  ${host.state}${host.cutNics.length > 0 ? `  cut: ${host.cutNics.join(', ')}` : ''}`,
      );
    }
  }
}

/** Runs a command on a host, or in the controller's network (`controller`), on our own terminal. */
export async function labExecCommand(
  host: string,
  argv: readonly string[],
  options: { readonly lab?: string },
): Promise<void> {
  const lab = await theLab(options.lab);
  if (argv.length === 0) throw new UsageError('say what to run: tandem lab exec HOST -- COMMAND…');
  const [program = '', ...args] = host === 'controller' ? lab.controllerArgv(argv) : lab.hostArgv(host, argv);
  const child = spawn(program, args, { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

export async function labFaultCommand(
  fault: FaultName,
  host: string | undefined,
  nic: string | undefined,
  options: { readonly lab?: string },
): Promise<void> {
  const lab = await theLab(options.lab);
  if (fault === 'heal') return lab.heal(host, nic);
  if (host === undefined) throw new UsageError(`say which host: tandem lab ${fault} HOST`);
  if (fault !== 'cut') return lab[fault](host);
  if (nic === undefined) throw new UsageError('say which NIC: tandem lab cut HOST NIC');
  return lab.cut(host, nic);
}

/** The lab that is meant: the named one, or the only one there is. */
async function theLab(name: string | undefined): Promise<Lab> {
  if (name !== undefined) return openLab(name);
  const running = (await listLabs()).filter(lab => !lab.ephemeral);
  const [only, ...others] = running;
  if (only && others.length === 0) return openLab(only.name);
  const names = running.map(lab => lab.name).join(', ');
  process.exitCode = EXIT.usage;
  throw new UsageError(
    only ? `which lab? --lab NAME, one of: ${names}` : 'no lab is running: tandem lab up -i INVENTORY',
  );
}
