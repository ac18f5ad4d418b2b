/** Which credentials node-ssh offers to a host, in which order: the agent's keys, key files, a password. */
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import type { KeyFile, KeyRefusal, KeyStore } from './key-store.ts';
import type { Ask, HostAccess } from './ports.ts';
import { destination } from './ssh-failure.ts';
import type { SshSettings } from './ssh-settings.ts';

/** One thing to try; `prepare` may ask the user and comes to undefined if there is nothing to offer. */
interface Attempt {
  readonly method: AnyAuthMethod['type'];
  readonly label: string;
  readonly prepare: () => Promise<AnyAuthMethod | undefined>;
}

/** Offers one credential after the other, and remembers for the error message what it offered. */
export class Authentication {
  readonly tried: string[] = [];
  readonly notes: string[] = [];
  readonly #settings: SshSettings;
  readonly #access: HostAccess;
  readonly #keys: KeyStore;
  readonly #ask: Ask;
  #attempts: AsyncGenerator<Attempt> | undefined;

  constructor(settings: SshSettings, access: HostAccess, keys: KeyStore, ask: Ask) {
    this.#settings = settings;
    this.#access = access;
    this.#keys = keys;
    this.#ask = ask;
  }

  /** The next credential that the server would look at; false when there is none left. `left`: null before the first. */
  async next(left: readonly string[] | null): Promise<AnyAuthMethod | false> {
    this.#attempts ??= this.#candidates();
    for (;;) {
      const candidate = await this.#attempts.next();
      if (candidate.done) return false;
      const { method, label, prepare } = candidate.value;
      const asked = method === 'agent' ? 'publickey' : method;
      if (left && method !== 'none' && !left.includes(asked)) continue;
      const prepared = await prepare();
      if (!prepared) continue;
      if (label !== '') this.tried.push(label);
      return prepared;
    }
  }

  async *#candidates(): AsyncGenerator<Attempt> {
    const files = this.#settings.identityFiles.flatMap(path => this.#usable(path));
    const first = this.#access.privateKeyFile === undefined ? [] : files.slice(0, 1);
    const explicit = first.filter(file => file.kind === 'plain');
    for (const file of explicit) yield this.#keyAttempt(file);
    const held = await this.#agentKeys(files);
    if (held.length > 0) yield this.#agentAttempt(held);
    const blobs = held.map(key => key.getPublicSSH());
    const isHeld = (file: KeyFile): boolean => blobs.some(blob => file.publicBlob?.equals(blob) === true);
    const rest = files.filter(file => !explicit.includes(file) && !isHeld(file));
    for (const file of rest.toSorted(
      (a, b) => Number(a.kind === 'encrypted') - Number(b.kind === 'encrypted'),
    ))
      yield this.#keyAttempt(file);
    // Nobody is asked for a password that the server would not look at.
    if (this.tried.length === 0) yield this.#noneAttempt();
    yield* this.#passwordAttempts();
  }

  /** RFC 4252 §5.2: usually refused, with the methods that can continue. */
  #noneAttempt(): Attempt {
    const { user: username } = this.#settings;
    return { method: 'none', label: '', prepare: () => Promise.resolve({ type: 'none', username }) };
  }

  #usable(path: string): KeyFile[] {
    const file = this.#keys.file(path);
    if (!file && this.#settings.identityGiven) this.notes.push(`${path} cannot be read`);
    if (file?.kind === 'not-a-key') this.notes.push(`${path} holds no private key`);
    return file && (file.kind === 'plain' || file.kind === 'encrypted') ? [file] : [];
  }

  #keyAttempt(file: KeyFile): Attempt {
    const { user: username, name } = this.#settings;
    const prepare = async (): Promise<AnyAuthMethod | undefined> => {
      const key = await this.#keys.key(file, name);
      return this.#refused(key) ? undefined : { type: 'publickey', username, key };
    };
    return { method: 'publickey', label: file.path, prepare };
  }

  /** What the agent holds: the named identities first, as a server bears only a few attempts. */
  async #agentKeys(files: readonly KeyFile[]): Promise<readonly ParsedKey[]> {
    const { agent, identitiesOnly } = this.#settings;
    if (agent === undefined) return [];
    const keys = await this.#keys.identities(agent);
    if (this.#refused(keys)) return [];
    const isNamed = (key: ParsedKey): boolean =>
      files.some(file => file.publicBlob?.equals(key.getPublicSSH()) === true);
    const named = keys.filter(key => isNamed(key));
    return identitiesOnly ? named : [...named, ...keys.filter(key => !named.includes(key))];
  }

  #agentAttempt(keys: readonly ParsedKey[]): Attempt {
    const { user: username, agent: socket = '' } = this.#settings;
    return {
      method: 'agent',
      label: `${keys.length} ${keys.length === 1 ? 'key' : 'keys'} of the agent`,
      prepare: async () => ({ type: 'agent', username, agent: await this.#keys.agent(socket, keys) }),
    };
  }

  async *#passwordAttempts(): AsyncGenerator<Attempt> {
    const { user: username, name } = this.#settings;
    let asked: ReturnType<Ask> | undefined;
    const password = async (): Promise<string | undefined> => {
      if (this.#access.password) return this.#access.password.reveal();
      asked ??= this.#ask({ kind: 'password', host: name, about: destination(this.#settings) });
      return (await asked)?.reveal();
    };
    yield {
      method: 'password',
      label: 'a password',
      prepare: async () => {
        const given = await password();
        return given === undefined ? undefined : { type: 'password', username, password: given };
      },
    };
    yield {
      method: 'keyboard-interactive',
      label: 'a password (keyboard-interactive)',
      prepare: async () => {
        const given = await password();
        if (given === undefined) return undefined;
        return {
          type: 'keyboard-interactive',
          username,
          prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => given)),
        };
      },
    };
  }

  #refused(result: object): result is KeyRefusal {
    if (!('refused' in result) || typeof result.refused !== 'string') return false;
    this.notes.push(result.refused);
    return true;
  }
}
