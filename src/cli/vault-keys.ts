/** `--vault-password-file`, `--vault-id`, `--ask-vault-pass`: where the passwords come from. Ansible's rules. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { parse, resolve } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { Secret } from '#provision/model/shell.ts';
import { type VaultKey } from '#provision/model/vault.ts';
import { askHidden } from './ask.ts';
import { UsageError } from './exit.ts';
import type { VaultOptions } from './options.ts';

/** Ansible's words for a password that is asked for. */
const PROMPTS = new Set(['prompt', 'prompt_ask_vault_pass']);

/**
 * The keys in the order in which they are tried. What is to be asked is asked now; files are read, and executable ones
 * run, when a key is first needed. Throws UsageError.
 */
export async function vaultKeys(options: VaultOptions, environment: NodeJS.ProcessEnv): Promise<VaultKey[]> {
  const given = [
    ...(options.vaultId ?? []).map(vaultIdOf),
    ...(options.vaultPasswordFile ?? []).map(file => ({ label: 'default', source: file })),
    ...(options.askVaultPass ? [{ label: 'default', source: 'prompt' }] : []),
  ];
  const standard = environment['TANDEM_VAULT_PASSWORD_FILE'] ?? '';
  if (given.length === 0 && standard !== '') given.push({ label: 'default', source: standard });
  const keys: VaultKey[] = [];
  for (const { label, source } of given)
    keys.push(PROMPTS.has(source) ? await promptedKey(label) : fileKey(label, source, source === standard));
  return keys;
}

/** Asks for a password; `again`: twice, for a new one. Throws UsageError where there is nobody to ask. */
export async function promptedKey(label: string, again = false): Promise<VaultKey> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(
      'there is no terminal to ask for the vault password: give --vault-password-file FILE or TANDEM_VAULT_PASSWORD_FILE',
    );
  const which = label === 'default' ? '' : ` ${label}`;
  const password = await askHidden(`${again ? 'new ' : ''}vault password${which}: `);
  const value = password?.reveal().trim() ?? '';
  if (value === '') throw new UsageError('the vault password is empty');
  if (again) {
    const second = await askHidden(`the same once more: `);
    if (second?.reveal().trim() !== value) throw new UsageError('the two passwords differ; nothing was done');
  }
  return { label, source: 'as typed', password: () => new Secret(value) };
}

/** `LABEL@FILE`, or only a file. */
function vaultIdOf(text: string): { readonly label: string; readonly source: string } {
  const at = text.indexOf('@');
  const [label, source] = at < 0 ? ['default', text] : [text.slice(0, at) || 'default', text.slice(at + 1)];
  if (source === '')
    throw new UsageError(`--vault-id ${text}: write LABEL@FILE, or LABEL@prompt to be asked for it`);
  if (/[;\s]/.test(label)) throw new UsageError(`--vault-id ${text}: a label has no blank and no semicolon`);
  return { label, source };
}

function fileKey(label: string, file: string, isStandard: boolean): VaultKey {
  const source = isStandard ? `TANDEM_VAULT_PASSWORD_FILE ${file}` : file;
  let known: Secret | undefined;
  return { label, source, password: () => (known ??= readPassword(label, file, source)) };
}

function readPassword(label: string, file: string, source: string): Secret {
  const path = resolve(file);
  let text: string;
  try {
    text = isExecutable(path) ? runScript(path, label) : readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new UsageError(`vault password file ${source}: ${why}`);
  }
  if (text === '') throw new UsageError(`vault password file ${source}: the password is empty`);
  return new Secret(text);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A script prints the password; one that is called `…-client` is told which one. */
function runScript(path: string, label: string): string {
  const isClient = parse(path).name.endsWith('-client');
  const { status, signal, stdout, error } = spawnSync(path, isClient ? ['--vault-id', label] : [], {
    encoding: 'utf8',
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`it is executable, so it was run, and it ended with ${signal ?? `exit code ${status}`}`);
  return stdout.replaceAll(/^[\r\n]+|[\r\n]+$/g, '');
}
