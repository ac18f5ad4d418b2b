/** `tandem vault`: files and values encrypted as ansible-vault does it, and back. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { InputError } from '#base/errors.ts';
import { must } from '#base/assert.ts';
import { askHidden } from '#cli/ask.ts';
import { editPrivately } from '#cli/editor.ts';
import { UsageError } from '#cli/exit.ts';
import type { VaultOptions } from '#cli/options.ts';
import { rewriteFile } from '#cli/rewrite.ts';
import { promptedKey, vaultKeys } from '#cli/vault-keys.ts';
import { isVaulted, SALT_LENGTH, seal } from '#provision/model/vault-format.ts';
import { type Opened, Vault, type VaultKey } from '#provision/model/vault.ts';

export interface VaultCommandOptions extends VaultOptions {
  /** `-` is standard output. */
  readonly output?: string;
  /** Which of several keys encrypts. */
  readonly encryptVaultId?: string;
  readonly newVaultPasswordFile?: string;
  readonly newVaultId?: string;
  /** Of a variable. */
  readonly name?: string;
}

export async function encryptCommand(files: readonly string[], options: VaultCommandOptions): Promise<void> {
  onlyOne(files, options.output);
  const plain = files.map(file => {
    const bytes = readBytes(file);
    if (isVaulted(bytes.toString('latin1')))
      throw new UsageError(`${nameOf(file)} is encrypted already: tandem vault edit or rekey changes it`);
    return { file, bytes };
  });
  const key = await sealingKey(options);
  for (const { file, bytes } of plain) put(file, options.output, Buffer.from(sealed(bytes, key)));
}

export async function decryptCommand(files: readonly string[], options: VaultCommandOptions): Promise<void> {
  onlyOne(files, options.output);
  const opened = await openAll(files, options);
  for (const { file, plain } of opened) put(file, options.output, plain, { private: true });
}

export async function viewCommand(files: readonly string[], options: VaultCommandOptions): Promise<void> {
  for (const { plain } of await openAll(files, options)) process.stdout.write(plain);
}

export async function createCommand(file: string, options: VaultCommandOptions): Promise<void> {
  if (existsSync(file))
    throw new UsageError(`${file} is there already: tandem vault edit, or encrypt if it is in clear text`);
  const key = await sealingKey(options);
  const text = await editPrivately(file, new Uint8Array());
  writeFileSync(file, sealed(text, key), { flag: 'wx', mode: 0o600 });
}

export async function editCommand(file: string, options: VaultCommandOptions): Promise<void> {
  const [opened] = await openAll([file], options);
  const { plain, key, envelope } = must(opened, 'the file was opened');
  const text = await editPrivately(file, plain);
  if (Buffer.compare(text, plain) === 0) return;
  rewriteFile(file, Buffer.from(sealed(text, { ...key, label: envelope.label ?? 'default' })));
}

export async function rekeyCommand(files: readonly string[], options: VaultCommandOptions): Promise<void> {
  const opened = await openAll(files, options);
  const { newVaultId, newVaultPasswordFile } = options;
  const [given] = await vaultKeys(
    {
      ...(newVaultId === undefined ? {} : { vaultId: [newVaultId] }),
      ...(newVaultPasswordFile === undefined ? {} : { vaultPasswordFile: [newVaultPasswordFile] }),
    },
    {},
  );
  const key = given ?? (await promptedKey('default', true));
  // A password that cannot be had must not be found out between two files.
  key.password();
  for (const { file, plain } of opened) rewriteFile(file, Buffer.from(sealed(plain, key)));
}

/** Reads the secret from standard input, or asks for it: on a command line it would be in the process list. */
export async function encryptStringCommand(
  given: string | undefined,
  options: VaultCommandOptions,
): Promise<void> {
  if (given !== undefined)
    throw new UsageError(
      'a secret on a command line is in the process list and the shell’s history: leave it out and type it when asked, or pipe it: printf %s "$SECRET" | tandem vault encrypt_string --name NAME',
    );
  const { name } = options;
  const key = await sealingKey(options);
  const text = process.stdin.isTTY
    ? (await askHidden(`value${name === undefined ? '' : ` of ${name}`}: `))?.reveal()
    : readFileSync(0, 'utf8');
  if (text === undefined || text === '') throw new UsageError('there is no value to encrypt');
  if (!process.stdin.isTTY && text.endsWith('\n'))
    process.stderr.write('the newline at the end is a part of the value: printf %s leaves it out\n');
  const lines = sealed(Buffer.from(text), key).trimEnd().split('\n');
  const head = name === undefined ? '!vault |' : `${name}: !vault |`;
  process.stdout.write(`${[head, ...lines.map(line => `          ${line}`)].join('\n')}\n`);
}

/** Every file decrypted before any is touched. Throws InputError with all that cannot be. */
async function openAll(
  files: readonly string[],
  options: VaultCommandOptions,
): Promise<(Opened & { readonly file: string })[]> {
  const texts = files.map(file => ({ file, text: readBytes(file).toString('latin1') }));
  for (const { file, text } of texts)
    if (!isVaulted(text))
      throw new UsageError(`${nameOf(file)} is not encrypted: tandem vault encrypt does that`);
  const given = await vaultKeys(options, process.env);
  const vault = new Vault(given.length > 0 ? given : [await promptedKey('default')]);
  const results = texts.map(({ file, text }) => {
    const result = vault.open(text, { file: nameOf(file), line: 1, column: 1 }, 'file');
    return 'plain' in result ? { ...result, file } : result;
  });
  const closed = results.flatMap(result => ('plain' in result ? [] : [result]));
  if (closed.length > 0) throw new InputError(closed);
  return results.flatMap(result => ('plain' in result ? [result] : []));
}

/** The key that encrypts. Throws UsageError if several are given and none is named. */
async function sealingKey(options: VaultCommandOptions): Promise<VaultKey> {
  const keys = await vaultKeys(options, process.env);
  const wanted = options.encryptVaultId;
  const found = wanted === undefined ? keys : keys.filter(key => key.label === wanted);
  if (wanted !== undefined && found.length === 0)
    throw new UsageError(`--encrypt-vault-id ${wanted}: no --vault-id ${wanted}@FILE is given`);
  if (found.length > 1)
    throw new UsageError(
      `several passwords are given (${found.map(key => key.label).join(', ')}): --encrypt-vault-id LABEL says which one encrypts`,
    );
  return found[0] ?? (await promptedKey('default', true));
}

function sealed(plain: Uint8Array, key: VaultKey): string {
  return seal(plain, key.password(), randomBytes(SALT_LENGTH), key.label);
}

function onlyOne(files: readonly string[], output: string | undefined): void {
  if (output !== undefined && files.length > 1) throw new UsageError('--output is for one file');
}

function nameOf(file: string): string {
  return file === '-' ? '(standard input)' : file;
}

/** Throws UsageError. */
function readBytes(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UsageError(`there is no file ${file}`);
    if (code === 'EISDIR') throw new UsageError(`${file} is a folder: name its files`);
    throw error;
  }
}

function put(
  file: string,
  output: string | undefined,
  content: Uint8Array,
  more: { readonly private?: boolean } = {},
): void {
  const to = output ?? file;
  if (to === '-') process.stdout.write(content);
  else rewriteFile(to, content, more);
}
