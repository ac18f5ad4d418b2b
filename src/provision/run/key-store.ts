/** Private keys and the agent's identities, read and decrypted once per run however many hosts they serve. */
import { existsSync, readFileSync } from 'node:fs';
import type * as ssh2Types from 'ssh2';
import type { BaseAgent, ParsedKey } from 'ssh2';
import { must } from '#base/assert.ts';
import type { Ask } from './ports.ts';
import { kindOfKey, type KeyKind } from './private-key.ts';

type Ssh2 = typeof ssh2Types;

/** A key file that exists. */
export interface KeyFile {
  readonly path: string;
  readonly kind: KeyKind;
  /** True if a certificate lies beside it, which only the system's ssh can show. */
  readonly certified: boolean;
  /** Of `PATH.pub`: tells whether the agent holds the key too. */
  readonly publicBlob: Buffer | undefined;
}

/** Why a key cannot be used, as a note for the error message. */
export type KeyRefusal = { readonly refused: string };

/** Loads ssh2 when the first key is needed; a run through the system's ssh never does. */
async function ssh2(): Promise<Ssh2> {
  const module: object = await import('ssh2');
  // A CommonJS package: what its types call the module is the default export.
  return 'default' in module ? (module.default as Ssh2) : (module as Ssh2);
}

export class KeyStore {
  readonly #ask: Ask;
  readonly #files = new Map<string, KeyFile | undefined>();
  readonly #keys = new Map<string, Promise<ParsedKey | KeyRefusal>>();
  readonly #agents = new Map<string, Promise<readonly ParsedKey[] | KeyRefusal>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The key file at `path`; undefined if there is none that can be read. */
  file(path: string): KeyFile | undefined {
    if (!this.#files.has(path)) this.#files.set(path, readKeyFile(path));
    return this.#files.get(path);
  }

  /** The private key, its passphrase asked for at most once a run. */
  key(file: KeyFile, host: string): Promise<ParsedKey | KeyRefusal> {
    const known = this.#keys.get(file.path);
    if (known) return known;
    const loading = this.#load(file, host);
    this.#keys.set(file.path, loading);
    return loading;
  }

  async #load(file: KeyFile, host: string): Promise<ParsedKey | KeyRefusal> {
    const secret =
      file.kind === 'encrypted' ? await this.#ask({ kind: 'passphrase', host, about: file.path }) : undefined;
    if (file.kind === 'encrypted' && secret === undefined)
      return { refused: `${file.path} is encrypted and nobody is there to ask (load it with ssh-add)` };
    const module = await ssh2();
    const parsed = module.utils.parseKey(readFileSync(file.path), secret?.reveal());
    if (!(parsed instanceof Error))
      return Array.isArray(parsed) ? must(parsed[0], 'a key file holds a key') : parsed;
    return {
      refused: secret
        ? `the passphrase for ${file.path} is wrong`
        : `${file.path} cannot be used: ${parsed.message}`,
    };
  }

  /** The keys that the agent at `socket` holds. */
  identities(socket: string): Promise<readonly ParsedKey[] | KeyRefusal> {
    const known = this.#agents.get(socket);
    if (known) return known;
    const asking = askAgent(socket);
    this.#agents.set(socket, asking);
    return asking;
  }

  /** An agent that offers exactly `keys` and signs through `socket`. */
  async agent(socket: string, keys: readonly ParsedKey[]): Promise<BaseAgent> {
    const module = await ssh2();
    const agent = Object.create(module.createAgent(socket)) as BaseAgent;
    agent.getIdentities = callback => callback(undefined, [...keys]);
    return agent;
  }
}

function readKeyFile(path: string): KeyFile | undefined {
  try {
    const kind = kindOfKey(readFileSync(path, 'latin1'));
    return { path, kind, certified: existsSync(`${path}-cert.pub`), publicBlob: readPublic(`${path}.pub`) };
  } catch {
    return undefined;
  }
}

function readPublic(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const encoded = readFileSync(path, 'latin1').split(/\s+/)[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

async function askAgent(socket: string): Promise<readonly ParsedKey[] | KeyRefusal> {
  const module = await ssh2();
  return new Promise(resolve => {
    module.createAgent(socket).getIdentities((error, keys) => {
      if (error) resolve({ refused: `the agent at ${socket} does not answer: ${error.message}` });
      else resolve((keys ?? []) as readonly ParsedKey[]);
    });
  });
}
