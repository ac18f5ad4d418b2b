import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import type { Log } from './log.ts';

/** Where `net.` settings are. */
const SETTINGS = '/proc/sys/net';

/**
 * `net.` settings that are other than the host's while the configuration asks for it. What the host had is written down
 * before the change, so that the successor of a killed daemon puts back the host's values and not its predecessor's.
 */
export class KernelSettings {
  readonly #record: string;
  readonly #log: Log;
  readonly #folder: string;
  /** The host's own values, by owner and name. */
  readonly #before: Map<string, string>;

  /** `record` lives in the run directory and is there only while settings are changed. */
  constructor(record: string, log: Log, folder = SETTINGS) {
    this.#record = record;
    this.#log = log;
    this.#folder = folder;
    this.#before = new Map(readRecord(record));
  }

  /** Makes `wanted` (name below net → value) so; what `owner` wanted before and does not any more is put back. */
  apply(owner: string, wanted: ReadonlyMap<string, string>): void {
    for (const key of this.#before.keys()) {
      const [itsOwner = '', name = ''] = key.split(' ');
      if (itsOwner === owner && !wanted.has(name)) this.#restore(key, name);
    }
    for (const [name, value] of wanted) this.#set(`${owner} ${name}`, name, value);
  }

  #set(key: string, name: string, value: string): void {
    const path = join(this.#folder, name);
    try {
      const now = readFileSync(path, 'utf8').trim();
      if (now === value) return;
      if (!this.#before.has(key)) {
        this.#before.set(key, now);
        this.#write();
      }
      writeFileSync(path, value);
    } catch (error) {
      this.#log.warning(`${path} cannot be set: ${messageOf(error)}`, path);
    }
  }

  #restore(key: string, name: string): void {
    const before = this.#before.get(key) ?? '';
    const path = join(this.#folder, name);
    try {
      // An interface that is gone has taken its settings with it.
      if (existsSync(path)) writeFileSync(path, before);
    } catch (error) {
      this.#log.warning(`${path} cannot be put back to ${before}: ${messageOf(error)}`);
    }
    this.#before.delete(key);
    this.#write();
  }

  #write(): void {
    try {
      if (this.#before.size === 0) {
        rmSync(this.#record, { force: true });
        return;
      }
      mkdirSync(dirname(this.#record), { recursive: true, mode: 0o755 });
      writeFileSync(`${this.#record}.new`, JSON.stringify([...this.#before]), { mode: 0o600 });
      renameSync(`${this.#record}.new`, this.#record);
    } catch (error) {
      this.#log.warning(
        `${this.#record} cannot be written, so kernel settings may stay if tandemd is killed: ${messageOf(error)}`,
        'settings record',
      );
    }
  }
}

function readRecord(path: string): [string, string][] {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(value) ? value.filter(isEntry) : [];
  } catch {
    return [];
  }
}

/** Only names of interfaces' settings are believed: `OWNER ipv4/conf/NAME/SETTING`. */
function isEntry(entry: unknown): entry is [string, string] {
  if (!Array.isArray(entry)) return false;
  const [key, value] = entry as unknown[];
  return (
    typeof key === 'string' &&
    typeof value === 'string' &&
    /^\w+ ipv[46]\/conf\/[^/]+\/\w+$/.test(key) &&
    !key.includes('/../')
  );
}
