/**
 * The format of ansible-vault 1.1 and 1.2 with AES256: PBKDF2-HMAC-SHA256, AES-256-CTR and HMAC-SHA256, as ansible-core's
 * `parsing/vault` writes and reads it.
 */
import { createCipheriv, createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import type { Secret } from './shell.ts';

/** An encrypted text, taken apart. */
export interface Envelope {
  /** The vault id of a 1.2 header. */
  readonly label: string | undefined;
  readonly salt: Uint8Array;
  /** HMAC-SHA256 of the ciphertext. */
  readonly tag: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** A text that begins as an encrypted one does, and is none. */
export class VaultFault extends Error {
  override name = 'VaultFault';
  /** Of the text, from 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** Bytes of salt for {@link seal}. */
export const SALT_LENGTH = 32;

const MAGIC = '$ANSIBLE_VAULT';
const ROUNDS = 10_000;
const KEY = 32;
/** AES's block, which is the counter's length and what PKCS #7 fills up. */
const BLOCK = 16;
const COLUMNS = 80;

/** Whether a text says that it is encrypted. */
export function isVaulted(text: string): boolean {
  return text.startsWith(`${MAGIC};`);
}

/** Throws {@link VaultFault}. */
export function readEnvelope(text: string): Envelope {
  const lines = text.trimEnd().split(/\r?\n/);
  const [magic, version, cipher, label] = (lines[0] ?? '').trim().split(';');
  if (magic !== MAGIC || (version !== '1.1' && version !== '1.2'))
    throw new VaultFault(`the header is not ${MAGIC};1.1;AES256 or ${MAGIC};1.2;AES256;LABEL`, 1);
  if (cipher !== 'AES256') throw new VaultFault(`the cipher ${cipher ?? ''} is not supported: AES256 is`, 1);
  const body = lines.slice(1).map(line => line.trim());
  const odd = body.findIndex(line => !/^[0-9a-fA-F]+$/.test(line));
  if (odd >= 0) throw new VaultFault('what follows the header are not hexadecimal digits only', odd + 2);
  const parts = fromHex(body.join(''))?.toString('latin1').split('\n') ?? [];
  const [salt, tag, ciphertext] = parts.map(fromHex);
  if (parts.length !== 3 || !salt || !tag || !ciphertext || tag.length !== KEY || ciphertext.length === 0)
    throw new VaultFault('salt, checksum and text are not all there: something is missing', lines.length);
  return { label: label === undefined || label === '' ? undefined : label, salt, tag, ciphertext };
}

/** The plain text; undefined if it is not this password, or if the envelope was altered. */
export function open(envelope: Envelope, password: Secret): Uint8Array | undefined {
  const { salt, tag, ciphertext } = envelope;
  const keys = keysOf(password, salt);
  if (!timingSafeEqual(createHmac('sha256', keys.mac).update(ciphertext).digest(), tag)) return undefined;
  const decipher = createDecipheriv('aes-256-ctr', keys.cipher, keys.counter);
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  return padding >= 1 && padding <= BLOCK ? padded.subarray(0, padded.length - padding) : undefined;
}

/**
 * The encrypted text, with a newline at its end. `salt`: {@link SALT_LENGTH} random bytes that were never used before.
 * A label makes the header that of 1.2; `default` is ansible-vault's word for none.
 */
export function seal(plain: Uint8Array, password: Secret, salt: Uint8Array, label?: string): string {
  const keys = keysOf(password, salt);
  const padding = BLOCK - (plain.length % BLOCK);
  const cipher = createCipheriv('aes-256-ctr', keys.cipher, keys.counter);
  const ciphertext = Buffer.concat([
    cipher.update(plain),
    cipher.update(Buffer.alloc(padding, padding)),
    cipher.final(),
  ]);
  const tag = createHmac('sha256', keys.mac).update(ciphertext).digest();
  const body = Buffer.from([salt, tag, ciphertext].map(toHex).join('\n')).toString('hex');
  const header =
    label === undefined || label === 'default' ? `${MAGIC};1.1;AES256` : `${MAGIC};1.2;AES256;${label}`;
  const lines = body.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return `${[header, ...lines].join('\n')}\n`;
}

function keysOf(
  password: Secret,
  salt: Uint8Array,
): { readonly cipher: Buffer; readonly mac: Buffer; readonly counter: Buffer } {
  const all = pbkdf2Sync(password.reveal(), salt, ROUNDS, 2 * KEY + BLOCK, 'sha256');
  return {
    cipher: all.subarray(0, KEY),
    mac: all.subarray(KEY, 2 * KEY),
    counter: all.subarray(2 * KEY),
  };
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Undefined for what is not a whole number of bytes in hexadecimal. */
function fromHex(text: string): Buffer | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}
