/** The commands, their options and their help. What they do is loaded when they run. */
import { Argument, Command, Option } from 'commander';
import {
  collect,
  connectionOptions,
  drainOptions,
  inventoryOption,
  inventoryOptions,
  labOption,
  nonNegative,
  runOptions,
  vaultOptions,
} from './command-options.ts';
import { addDoctor } from './program-doctor.ts';
import { addCompletion, addInit } from './program-start.ts';
import { addVault, openVault } from './program-vault.ts';
import { FAULTS, type FaultName } from './commands/lab-faults.ts';

const VERSION = '0.1.0';

/** Builds the command line of `tandem`; throws CommanderError instead of ending the process. */
export function program(): Command {
  const tandem = new Command('tandem')
    .description(
      'Builds highly available pairs over SSH from one inventory, mends drift, tears down without a trace.',
    )
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(tandem COMMAND --help has examples)')
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Examples:
  tandem validate -i inventory/two-node.yml    is the inventory sound? (nothing is sent)
  tandem plan -i inventory/two-node.yml        what would change, with diffs; exit code 2 if anything
  tandem apply -i inventory/two-node.yml       make it so
  tandem status -i inventory/two-node.yml      who is master, who is not and why
  tandem teardown -i inventory/two-node.yml --yes two-node

Exit codes: 0 fine, 1 something failed, 2 changes pending, 3 unreachable host, 64 wrong usage or invalid inventory.`,
    );
  addInit(tandem);
  addApply(tandem);
  addReading(tandem);
  addDoctor(tandem);
  addFailover(tandem);
  addDrain(tandem);
  addLab(tandem);
  addVault(tandem);
  addCompletion(tandem);
  tandem.hook('preAction', async (_tandem, command) => {
    if (command.parent === tandem || command.parent?.name() === 'lab') await openVault(command);
  });
  return tandem;
}

function addApply(tandem: Command): void {
  const apply = runOptions(tandem.command('apply [PLAYBOOK]'))
    .description('Make the hosts what the inventory says, cluster by cluster, verifying each step.')
    .option('--check', 'plan only: change nothing')
    .option('--diff', 'show the lines that differ')
    .addHelpText(
      'after',
      `
Examples:
  tandem apply -i inventory/two-node.yml
  tandem apply -i prod/ --limit ka67 --diff      one host of it
  tandem apply my-site.yml -i prod/ --tags firewall
  tandem apply -i prod/ --json | jq -c 'select(.type == "task")'`,
    );
  apply.action(async (playbook: string | undefined, options) => {
    const { applyCommand } = await import('./commands/apply.ts');
    await applyCommand('apply', playbook, options);
  });
  runOptions(tandem.command('plan [PLAYBOOK]'))
    .description('Show what apply would change: apply --check --diff. Exit code 2 if anything.')
    .action(async (playbook: string | undefined, options) => {
      const { applyCommand } = await import('./commands/apply.ts');
      await applyCommand('plan', playbook, { ...options, check: true, diff: true });
    });
  runOptions(tandem.command('rollback'))
    .description('Go back to the tandemd release that ran before, host by host, verified as an apply is.')
    .option('--check', 'only say what would be done')
    .addHelpText(
      'after',
      `
Backups first, each verified; then a planned switchover; then the former master. The release before checks the present
configuration before anything is switched. The configuration itself stays: go back in the inventory, and apply. A host that has gone back
stays where it is when the command is run again. The next apply installs this machine's release again: install the package before
here, too.

Examples:
  tandem rollback -i inventory/two-node.yml --check
  tandem rollback -i prod/ --limit web`,
    )
    .action(async options => {
      const { rollbackCommand } = await import('./commands/rollback.ts');
      await rollbackCommand(options);
    });
  runOptions(tandem.command('teardown'))
    .description('Take everything back that apply made, and leave the hosts as they were.')
    .option('--yes <CLUSTER...>', 'confirm clusters that serve')
    .option('--force', 'also take back what somebody has changed since')
    .option(
      '--drain-timeout <SECONDS>',
      'how long a real server’s connections may take to end; default: as for drain',
      nonNegative,
    )
    .addHelpText(
      'after',
      `
A real server whose directors stay is drained there first: they send it no new connections, and when those that are open
have ended they forget it. It comes back with the next apply of it and its directors.

Examples:
  tandem teardown -i inventory/two-node.yml --yes two-node
  tandem teardown -i prod/ --limit web8 --check
  tandem teardown -i prod/ --limit web8 --drain-timeout 600`,
    )
    .option('--check', 'only say what would be taken back')
    .action(async options => {
      const { teardownCommand } = await import('./commands/teardown.ts');
      await teardownCommand(options);
    });
}

function addReading(tandem: Command): void {
  inventoryOptions(tandem.command('validate'))
    .description('Check inventory, topology, playbook and templates. Nothing is sent to any host.')
    .option('--json', 'one JSON object per line')
    .argument('[PLAYBOOK]', 'default: playbooks/site.yml')
    .addHelpText('after', `\nExamples:\n  tandem validate -i inventory/two-node.yml`)
    .action(async (playbook: string | undefined, options) => {
      const { validateCommand } = await import('./commands/validate.ts');
      await validateCommand(playbook, options);
    });
  inventoryOptions(tandem.command('render [FILE]'))
    .description('Print what a template becomes on a host; default: its keepalived.conf.')
    .requiredOption('--host <HOST>', 'whose variables to use')
    .addHelpText('after', `\nExamples:\n  tandem render -i inventory/two-node.yml --host ka67`)
    .action(async (file: string | undefined, options) => {
      const { renderCommand } = await import('./commands/render.ts');
      await renderCommand(file, options);
    });
  connectionOptions(inventoryOptions(tandem.command('graph')))
    .description(
      'Draw the topology: hosts, virtual routers, addresses, sync groups, virtual and real servers.',
    )
    .addOption(new Option('--format <FORMAT>', 'what to draw').choices(['svg', 'mermaid']).default('svg'))
    .option('-o, --output <FILE>', 'default: print. Nothing is overwritten')
    .option('--status', 'ask the hosts, and colour the nodes by what they are now')
    .addHelpText(
      'after',
      `
Examples:
  tandem graph -i inventory/two-node.yml -o pair.svg
  tandem graph -i prod/ --status -o now.svg
  tandem graph -i prod/ --format mermaid        for Markdown that draws Mermaid`,
    )
    .action(async options => {
      const { graphCommand } = await import('./commands/graph.ts');
      await graphCommand(options);
    });
  connectionOptions(vaultOptions(tandem.command('import <SOURCE...>')))
    .description(
      'Make an inventory from keepalived.conf files. SOURCE: FILE, FILE@HOST, or a live HOST or USER@HOST.',
    )
    .option('-i, --inventory <PATH>', 'how to reach live hosts', collect)
    .option('--real-servers <GROUP>', 'hosts of -i that serve behind the directors and are to be built')
    .option('--path <PATH>', 'keepalived.conf on live hosts', '/etc/keepalived/keepalived.conf')
    .option('-o, --output <PATH>', 'a folder, or a .yml file; default: print. Nothing is overwritten')
    .addOption(
      new Option('--daemon <DAEMON>', 'what vrrp_daemon says in the inventory')
        .choices(['tandemd', 'keepalived'])
        .default('tandemd'),
    )
    .addHelpText(
      'after',
      `
Inclusions, conditions and definitions are followed. What has no place in a topology is carried verbatim under
\`extra\` and said with file:line. Passwords go to group_vars/all/secrets.yml (mode 0600), with -o only.
The last line says whether the inventory, rendered again, means the same; exit code 1 if it does not.

Examples:
  tandem import ka67.conf ka68.conf -o site/
  tandem import a/keepalived.conf@ka67 b/keepalived.conf@ka68 > inventory.yml
  tandem import root@ka67 root@ka68 -o site/       over SSH; nothing is changed there
  tandem import -i hosts.yml --real-servers web ka67 ka68 -o site/
                     real servers with an address of the group's hosts become these hosts; the others stay addresses,
                     which are sent to and checked and otherwise left alone`,
    )
    .action(async (sources: string[], options) => {
      const { importCommand } = await import('./commands/import.ts');
      await importCommand(sources, options);
    });
  tandem
    .command('schema')
    .description('Print the JSON Schema of an inventory, for editors.')
    .addHelpText(
      'after',
      `
Examples:
  tandem schema > inventory.schema.json
  # yaml-language-server: $schema=inventory.schema.json   (first line of an inventory)`,
    )
    .action(async () => {
      const { inventorySchema } = await import('#provision/model/schema.ts');
      process.stdout.write(`${JSON.stringify(inventorySchema(), undefined, 2)}\n`);
    });
  tandem
    .command('doc [MODULE]')
    .description('What a module of a task takes and does; without MODULE: all modules.')
    .addHelpText('after', `\nExamples:\n  tandem doc\n  tandem doc sysctl`)
    .action(async (module: string | undefined) => (await import('./commands/doc.ts')).docCommand(module));
  connectionOptions(inventoryOptions(tandem.command('status')))
    .description(
      'Who is master of what. Exit code 0 healthy, 2 degraded, 1 no master, split brain or misplaced VIP.',
    )
    .option('--json', 'one JSON object per line')
    .addHelpText('after', `\nExamples:\n  tandem status -i inventory/two-node.yml`)
    .action(async options => {
      const { statusCommand } = await import('./commands/status.ts');
      await statusCommand(options);
    });
}

function addFailover(tandem: Command): void {
  connectionOptions(vaultOptions(tandem.command('failover <INSTANCE>').addOption(inventoryOption())))
    .description(
      'Move a vrrp_instance to another host: a planned switchover. INSTANCE, or CLUSTER/INSTANCE where names repeat.',
    )
    .option('--to <HOST>', 'which host; default: the healthy one with the highest priority')
    .option('-e, --extra-vars <VARS>', 'key=value, JSON, YAML or @file; wins over everything', collect)
    .option('--lock-timeout <SECONDS>', "wait so long for another run's lock", nonNegative, 60)
    .option('--json', 'one JSON object per line')
    .option('-v, --verbose', 'also say what the hosts do')
    .addHelpText(
      'after',
      `
The master keeps its addresses until its successor has them. Its whole sync group goes along. A former master with the
higher priority does not take the instance back by itself, until its tandemd restarts or its successor is gone.
Nothing is disturbed if nobody healthy could take over; exit code 1 then, 3 if a host is unreachable.

Examples:
  tandem failover VG_1 -i inventory/two-node.yml             away from its master
  tandem failover VG_1 --to ka67 -i inventory/two-node.yml   back to ka67
  tandem failover web/VG_1 -i prod/ --json | jq -r 'select(.type == "failover").message'`,
    )
    .action(async (instance: string, options) => {
      const { failoverCommand } = await import('./commands/failover.ts');
      await failoverCommand(instance, options);
    });
}

function addDrain(tandem: Command): void {
  drainOptions(tandem.command('drain <HOST>'))
    .description(
      'Take a host out of service: no new connections for a real server, no instance for a director.',
    )
    .option(
      '--timeout <SECONDS>',
      'wait so long for connections to end; default: drain_timeout of its virtual servers, or 60',
      nonNegative,
    )
    .addHelpText(
      'after',
      `
A real server gets weight 0 in the file of each of its directors, backups first, and its open connections are waited
for: exit code 1 if some are left when the time is up, and the same command waits on. It need not be reachable itself.
A director hands over what it is MASTER of, and gets the lowest priority: it takes over only if nobody else can.
That stays so through restarts, boots and every apply until tandem undrain. Nothing is done if clients would be refused,
if nobody could take over, or if a director's file would change in anything else.

Examples:
  tandem drain web8 -i inventory/lvs-dr-dual-master.yml
  tandem drain web8 --timeout 600 -i prod/ && ssh web8 reboot
  tandem drain ka67 -i prod/                    a director: all its instances elsewhere
  tandem undrain web8 -i prod/`,
    )
    .action(async (host: string, options) => {
      const { drainCommand } = await import('./commands/drain.ts');
      await drainCommand(host, options);
    });
  drainOptions(tandem.command('undrain <HOST>'))
    .description('Take a drained host into service again, and wait until it is.')
    .addHelpText(
      'after',
      `
A real server is waited for until its directors say that it is up. A director becomes MASTER again of what prefers it,
unless that has nopreempt. Nothing is done while HOST is under a maintenance mark, or cannot be reached. A real server
that was torn down comes back by an apply of it and its directors.

Examples:
  tandem undrain web8 -i inventory/lvs-dr-dual-master.yml`,
    )
    .action(async (host: string, options) => {
      const { undrainCommand } = await import('./commands/drain.ts');
      await undrainCommand(host, options);
    });
}

function addLab(tandem: Command): void {
  const lab = tandem
    .command('lab')
    .enablePositionalOptions()
    .description(
      'Real hosts on this machine: an inventory as namespaces with their own systemd, sshd and NICs (root).',
    )
    .addHelpText(
      'after',
      `
Examples:
  tandem lab up -i inventory/two-node.yml
  tandem lab exec ka67 -- ip addr
  tandem lab crash ka67
  tandem lab cut ka68 eth0; tandem lab heal
  tandem lab down`,
    );
  vaultOptions(lab.command('up').addOption(inventoryOption()))
    .description('Boot every host of the inventories.')
    .option('--name <NAME>', "the lab's name; default: the inventory's")
    .action(async options => (await import('./commands/lab.ts')).labUpCommand(options));
  labOption(lab.command('down').description('Remove the lab and everything that is its own.')).action(
    async options => (await import('./commands/lab.ts')).labDownCommand(options),
  );
  lab
    .command('list')
    .description('Labs, their hosts and cables.')
    .action(async () => (await import('./commands/lab.ts')).labListCommand());
  labOption(lab.command('exec <HOST> <COMMAND...>'))
    .description('Run a command on a host; HOST controller: here, in the controller’s network.')
    .passThroughOptions()
    .action(async (host: string, argv: string[], options) =>
      (await import('./commands/lab.ts')).labExecCommand(
        host,
        argv[0] === '--' ? argv.slice(1) : argv,
        options,
      ),
    );
  for (const [name, { about, nic }] of Object.entries(FAULTS)) {
    const command = labOption(lab.command(name).description(about));
    command.addArgument(new Argument(nic === 'optional' ? '[HOST]' : '<HOST>'));
    if (nic !== 'none') command.addArgument(new Argument(nic === 'needed' ? '<NIC>' : '[NIC]'));
    command.action(async (...given: unknown[]) => {
      const [host, wire] = given.filter(value => typeof value === 'string');
      const { labFaultCommand } = await import('./commands/lab.ts');
      await labFaultCommand(name as FaultName, host, wire, command.opts());
    });
  }
}
