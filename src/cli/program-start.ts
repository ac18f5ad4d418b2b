/** What one needs once: `tandem init` and `tandem completion`. */
import { Argument, type Command } from 'commander';
import { completionScript, type Shell, SHELLS } from './completion.ts';

export function addInit(tandem: Command): void {
  tandem
    .command('init [DIR]')
    .description(
      'Write an inventory to start with: asks on a terminal, or takes options. Overwrites nothing.',
    )
    .option('--topology <NAME>', 'which of the shipped inventories (docs/topologies.md)', 'two-node')
    .option('--hosts <LIST>', 'NAME=ADDRESS[/PREFIX],…: the preferred one first')
    .option('--interface <NIC>', 'in the network of the virtual address')
    .option('--vip <ADDRESS>', 'the virtual address; several for a topology that has several: A,B')
    .option('--vrid <N>', 'the virtual router id, 1 to 255; several: N,M')
    .addHelpText(
      'after',
      `
The inventory is DIR/NAME.yml, NAME being that of the folder, and the cluster has the same name. The password of VRRP is made up, and is
in DIR/group_vars/all/secrets.yml (mode 0600; tandem vault encrypts it). A topology with several networks, or with real servers, is
written as it is shipped. So is any other if there is no terminal and no option.

Examples:
  tandem init web                                        asks
  tandem init web --hosts ka67=172.16.8.10,ka68=172.16.8.11 --interface eth0 --vip 172.16.8.100 --vrid 103
  tandem init web --topology dual-master --hosts ka67=172.16.8.10,ka68=172.16.8.11 --interface eth0 \\
    --vip 172.16.8.100,172.16.8.101 --vrid 103,104
  tandem init lvs --topology lvs-dr-dual-master`,
    )
    .action(async (folder: string | undefined, options) => {
      const { initCommand } = await import('./commands/init.ts');
      await initCommand(folder ?? '.', options);
    });
}

export function addCompletion(tandem: Command): void {
  tandem
    .command('completion')
    .addArgument(new Argument('<SHELL>', 'which shell').choices(SHELLS))
    .description('Print what makes a shell complete commands, options and files.')
    .addHelpText(
      'after',
      `
Examples:
  source <(tandem completion bash)                                      in ~/.bashrc
  source <(tandem completion zsh)                                       in ~/.zshrc, after compinit
  tandem completion fish >~/.config/fish/completions/tandem.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(tandem, shell));
    });
}
