/** `tandem vault` and its help, and the vault of the commands that load an inventory. */
import type { Command } from 'commander';
import { vaultOptions } from './command-options.ts';

/** Gives a command that takes vault passwords its vault, which asks now and reads files when it needs them. */
export async function openVault(command: Command): Promise<void> {
  if (!command.options.some(option => option.attributeName() === 'vaultId')) return;
  const { vaultKeys } = await import('./vault-keys.ts');
  const { Vault } = await import('#provision/model/vault.ts');
  command.setOptionValue('vault', new Vault(await vaultKeys(command.opts(), process.env)));
}

export function addVault(tandem: Command): void {
  const vault = tandem
    .command('vault')
    .enablePositionalOptions()
    .description('Encrypt secrets of an inventory: ansible-vault’s format (1.1, 1.2), readable by both.')
    .addHelpText(
      'after',
      `
Whole files in group_vars/ and host_vars/, and values (NAME: !vault |), are decrypted when an inventory is loaded. What was
encrypted is masked in diffs and logs. The password comes from --vault-password-file FILE (one that is executable is run
and prints it), --vault-id LABEL@FILE, --ask-vault-pass, or the file that TANDEM_VAULT_PASSWORD_FILE names; without any of
these the vault commands ask.

Examples:
  tandem vault encrypt site/group_vars/all/secrets.yml
  tandem vault edit site/group_vars/all/secrets.yml --vault-password-file ~/.vault-pass
  printf %s "$SECRET" | tandem vault encrypt_string --name vrrp_pass >> site/group_vars/all/vars.yml
  tandem apply -i site/ --vault-password-file ~/.vault-pass`,
    );
  const encrypting = (command: Command): Command =>
    vaultOptions(command).option('--encrypt-vault-id <LABEL>', 'which one encrypts, if several are given');
  const writing = (command: Command): Command =>
    command.option('--output <FILE>', 'write there instead; - prints');

  writing(encrypting(vault.command('encrypt [FILE...]')))
    .description('Encrypt files in place; without FILE: standard input to standard output.')
    .addHelpText('after', '\nThe mode of a file stays.\n\nExamples:\n  tandem vault encrypt secrets.yml')
    .action(async (files: string[], options) => {
      const { encryptCommand } = await import('./commands/vault.ts');
      await encryptCommand(files.length > 0 ? files : ['-'], options);
    });
  vaultOptions(vault.command('view <FILE...>'))
    .description('Print what is in encrypted files.')
    .addHelpText('after', '\nExamples:\n  tandem vault view secrets.yml')
    .action(async (files: string[], options) =>
      (await import('./commands/vault.ts')).viewCommand(files, options),
    );
  vaultOptions(vault.command('edit <FILE>'))
    .description(
      'Edit an encrypted file in $VISUAL, $EDITOR or vi. It stays encrypted with the same password.',
    )
    .addHelpText(
      'after',
      `
The text in clear is in a folder that only you can read, and is removed when the editor ends, also by a signal.
A file that was not changed is not written.

Examples:
  tandem vault edit secrets.yml --ask-vault-pass
  EDITOR='code --wait' tandem vault edit secrets.yml`,
    )
    .action(async (file: string, options) =>
      (await import('./commands/vault.ts')).editCommand(file, options),
    );
  encrypting(vault.command('create <FILE>'))
    .description('Write a new encrypted file in $VISUAL, $EDITOR or vi.')
    .addHelpText('after', '\nExamples:\n  tandem vault create site/group_vars/all/secrets.yml')
    .action(async (file: string, options) =>
      (await import('./commands/vault.ts')).createCommand(file, options),
    );
  writing(vaultOptions(vault.command('decrypt [FILE...]')))
    .description('Put files in clear text in place; without FILE: standard input to standard output.')
    .addHelpText(
      'after',
      `
A file loses the rights of group and others with its encryption.

Examples:
  tandem vault decrypt secrets.yml
  tandem vault decrypt secrets.yml --output - | less`,
    )
    .action(async (files: string[], options) => {
      const { decryptCommand } = await import('./commands/vault.ts');
      await decryptCommand(files.length > 0 ? files : ['-'], options);
    });
  vaultOptions(vault.command('rekey <FILE...>'))
    .description('Encrypt files with another password.')
    .option('--new-vault-password-file <FILE>', 'holds the new one; default: ask')
    .option('--new-vault-id <LABEL@FILE>', 'the new one, with its vault id')
    .addHelpText(
      'after',
      `
All files are opened before the first is written.

Examples:
  tandem vault rekey secrets.yml --vault-password-file old --new-vault-password-file new`,
    )
    .action(async (files: string[], options) =>
      (await import('./commands/vault.ts')).rekeyCommand(files, options),
    );
  encrypting(vault.command('encrypt_string [VALUE]'))
    .description(
      'Encrypt one value, from standard input or as typed, as YAML to paste into a file of variables.',
    )
    .option('-n, --name <NAME>', 'the variable’s name')
    .addHelpText(
      'after',
      `
VALUE on the command line is refused: it would be in the process list and in the shell’s history.

Examples:
  tandem vault encrypt_string --name vrrp_pass                    asks for it
  printf %s "$SECRET" | tandem vault encrypt_string -n vrrp_pass --vault-id prod@prod-pass`,
    )
    .action(async (value: string | undefined, options) => {
      const { encryptStringCommand } = await import('./commands/vault.ts');
      await encryptStringCommand(value, options);
    });
}
