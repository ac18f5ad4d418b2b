/** Options that several commands have. */
import { type Command, InvalidArgumentError, Option } from 'commander';

export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export function inventoryOption(): Option {
  return new Option('-i, --inventory <PATH>', 'an inventory file or directory; may be given several times')
    .argParser(collect)
    .makeOptionMandatory();
}

export function labOption(command: Command): Command {
  return command.option('--lab <NAME>', 'which lab, if there are several');
}

/** Where the passwords of encrypted files and values come from. */
export function vaultOptions(command: Command): Command {
  return command
    .option('--vault-password-file <FILE>', 'holds the vault password; an executable one is run', collect)
    .option('--vault-id <LABEL@FILE>', 'for what is encrypted with this vault id; LABEL@prompt asks', collect)
    .option('--ask-vault-pass', 'ask for the vault password');
}

export function inventoryOptions(command: Command): Command {
  return vaultOptions(command.addOption(inventoryOption()))
    .option('-l, --limit <PATTERN>', 'only these hosts (Ansible’s patterns)')
    .option('-e, --extra-vars <VARS>', 'key=value, JSON, YAML or @file; wins over everything', collect);
}

export function connectionOptions(command: Command): Command {
  return loginOptions(command)
    .option('-f, --forks <N>', 'hosts at the same time', positive, 20)
    .option('--timeout <SECONDS>', 'give up on a host that says nothing for so long', positive, 300);
}

function loginOptions(command: Command): Command {
  return command
    .option('--ssh-config <FILE>', 'instead of ~/.ssh/config and /etc/ssh/ssh_config')
    .option('-u, --user <USER>', 'log in as')
    .option('--private-key <FILE>', 'with this key');
}

/** For what is done at a real server's directors; `--timeout` is another one there. */
export function drainOptions(command: Command): Command {
  return loginOptions(vaultOptions(command.addOption(inventoryOption())))
    .option('-e, --extra-vars <VARS>', 'key=value, JSON, YAML or @file; wins over everything', collect)
    .option('--lock-timeout <SECONDS>', "wait so long for another run's lock", nonNegative, 60)
    .option('--force-degraded', 'although clients will be refused, or not every host can be asked')
    .option('--json', 'one JSON object per line')
    .option('--diff', 'show the lines that differ')
    .option('-v, --verbose', 'also say what was fine');
}

export function runOptions(command: Command): Command {
  return connectionOptions(inventoryOptions(command))
    .option('-t, --tags <TAGS>', 'only tasks with one of these tags, separated by commas', collect)
    .option('--skip-tags <TAGS>', 'not tasks with one of these tags', collect)
    .option('--lock-timeout <SECONDS>', "wait so long for another run's lock", nonNegative, 60)
    .option('--force-degraded', 'disturb a cluster although a member is missing or not healthy')
    .option('--migrate', 'take over hosts on which a VRRP daemon runs that Tandem did not set up')
    .option(
      '--allow-unprotected <SECONDS>',
      'let a cluster be without redundancy so long, for a change that its routers cannot speak across',
      positive,
    )
    .option('--resume', 'run handlers that a stopped roll-out left behind')
    .option('--json', 'one JSON object per line')
    .option('-v, --verbose', 'also say what was fine');
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return value;
}

export function nonNegative(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('a number from 0 on');
  return value;
}
