/** The passwords of a run, what they open, and what must therefore not be shown. */
import { InputError, type Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { FileSource } from './inventory-types.ts';
import type { Secret } from './shell.ts';
import { redactSecrets } from './variables-secrets.ts';
import { type Envelope, isVaulted, open, readEnvelope, VaultFault } from './vault-format.ts';

/** A password and the vault id that it is for. */
export interface VaultKey {
  /** `default` where the user gives none. */
  readonly label: string;
  /** Where it comes from, in the user's words. */
  readonly source: string;
  /** Got when it is first needed; may throw what the source throws. */
  readonly password: () => Secret;
}

/** What a key opened. */
export interface Opened {
  readonly plain: Uint8Array;
  readonly key: VaultKey;
  readonly envelope: Envelope;
}

/** Shorter parts of an encrypted file stand in every other line of a diff. */
const SHORTEST_PART = 3;

const GIVE_A_PASSWORD =
  'give it with --vault-password-file FILE, --vault-id LABEL@FILE, --ask-vault-pass, or TANDEM_VAULT_PASSWORD_FILE';

/** Opens encrypted texts, each once, and remembers what was in them. */
export class Vault {
  readonly #keys: readonly VaultKey[];
  readonly #opened = new Map<string, Opened>();
  readonly #secrets = new Set<string>();

  constructor(keys: readonly VaultKey[]) {
    this.#keys = keys;
  }

  /**
   * Opens a text, with the key of its label first and with every other one then, as ansible-vault does. `position` is
   * where the text stands, for a complaint; one about an encrypted file points into it.
   */
  open(text: string, position: Position, kind: 'file' | 'value'): Opened | Diagnostic {
    const known = this.#opened.get(text);
    if (known) return known;
    try {
      const envelope = readEnvelope(text);
      const found = this.#find(envelope);
      if (!found) return this.#closed(envelope.label, position, kind);
      this.#opened.set(text, found);
      return found;
    } catch (error) {
      if (!(error instanceof VaultFault)) throw error;
      return {
        id: 'vault-damaged',
        severity: 'error',
        message: `this encrypted ${kind} is damaged: ${error.message}`,
        position: kind === 'file' ? { ...position, line: error.line, column: 1 } : position,
        hint: `take it from a backup or the version control, as ansible-vault or tandem vault wrote it`,
      };
    }
  }

  /** An encrypted value is never shown, nor a line of it. */
  conceal(value: string): void {
    for (const text of [value, value.trim()]) if (text !== '') this.#secrets.add(text);
    const lines = value.trim().split('\n');
    if (lines.length > 1) for (const line of lines) this.concealPart(line.trim());
  }

  /** Nor is what an encrypted file holds, apart from parts that say nothing. */
  concealPart(value: string): void {
    if (value.length < SHORTEST_PART) return;
    if (value.includes('\n')) this.conceal(value);
    else this.#secrets.add(value);
  }

  /** All that was concealed so far. */
  secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /** A complaint without what was encrypted. */
  redact(diagnostic: Diagnostic): Diagnostic {
    return this.#secrets.size === 0
      ? diagnostic
      : { ...diagnostic, message: redactSecrets(diagnostic.message, this.secrets()) };
  }

  #find(envelope: Envelope): Opened | undefined {
    const isFor = (key: VaultKey): boolean => key.label === (envelope.label ?? 'default');
    const inOrder = [...this.#keys.filter(isFor), ...this.#keys.filter(key => !isFor(key))];
    for (const key of inOrder) {
      const plain = open(envelope, key.password());
      if (plain) return { plain, key, envelope };
    }
    return undefined;
  }

  #closed(label: string | undefined, position: Position, kind: string): Diagnostic {
    const what = `this ${kind} is encrypted${label === undefined ? '' : ` with the vault id ${label}`}`;
    const tried = this.#keys.map(key => key.source).join(', ');
    return this.#keys.length === 0
      ? {
          id: 'vault-no-password',
          severity: 'error',
          message: `${what}, and there is no vault password`,
          position,
          hint: GIVE_A_PASSWORD,
        }
      : {
          id: 'vault-wrong-password',
          severity: 'error',
          message: `${what}, and no given password opens it (${tried})`,
          position,
          hint: 'is it the right password? Several may be given with --vault-id LABEL@FILE. Otherwise the text was altered',
        };
  }
}

/** A file's text as its readers want it: decrypted if it is encrypted. Throws InputError. */
export function clearText(files: FileSource, file: string, text: string): string {
  if (!isVaulted(text)) return text;
  const vault = files.vault ?? new Vault([]);
  const opened = vault.open(text, { file, line: 1, column: 1 }, 'file');
  if (!('plain' in opened)) throw new InputError([opened]);
  const clear = Buffer.from(opened.plain).toString();
  vault.conceal(clear);
  return clear;
}
