/** The user's and the system's known_hosts, read once per run, and what to do about a key that a host shows. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, type RemoteError } from '#base/errors.ts';
import {
  hostKeyAlgorithms,
  judgeHostKey,
  knownHostsLine,
  lookupName,
  parseKnownHosts,
  type KnownHost,
} from './known-hosts.ts';
import { hostKeyFailure, unreachable } from './ssh-failure.ts';
import type { SshSettings } from './ssh-settings.ts';

export class HostKeys {
  readonly #files = new Map<string, readonly KnownHost[]>();

  /** Algorithms to ask for, in order, or that node-ssh cannot check this host. */
  algorithms(settings: SshSettings): readonly string[] | 'needs-openssh' {
    return hostKeyAlgorithms(this.#entries(settings), namesOf(settings));
  }

  /** Why `key` may not be the host's; undefined if it is. Takes a new host's key up where the configuration says so. */
  refusal(settings: SshSettings, key: Buffer): RemoteError | undefined {
    const verdict = judgeHostKey(this.#entries(settings), namesOf(settings), key);
    if (verdict.status === 'known') return undefined;
    if (verdict.status !== 'revoked' && settings.strictHostKeyChecking === 'off') return undefined;
    if (verdict.status !== 'unknown' || settings.strictHostKeyChecking !== 'accept-new')
      return hostKeyFailure(settings, key, verdict);
    return this.#take(settings, key);
  }

  #entries(settings: SshSettings): readonly KnownHost[] {
    return [...settings.userKnownHosts, ...settings.globalKnownHosts].flatMap(path => this.#read(path));
  }

  #read(path: string): readonly KnownHost[] {
    let entries = this.#files.get(path);
    if (!entries) {
      entries = parseKnownHosts(path, readText(path));
      this.#files.set(path, entries);
    }
    return entries;
  }

  #take(settings: SshSettings, key: Buffer): RemoteError | undefined {
    const path = settings.userKnownHosts[0];
    if (path === undefined || path === '/dev/null') return undefined;
    const name = namesOf(settings)[0] ?? settings.host;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const separator = /(^|\n)$/.test(readText(path)) ? '' : '\n';
      appendFileSync(path, separator + knownHostsLine(name, key, settings.hashKnownHosts), { mode: 0o600 });
    } catch (error) {
      return unreachable(
        settings,
        `the new host key cannot be written to ${path}: ${messageOf(error)}`,
        error,
      );
    }
    this.#files.delete(path);
    return undefined;
  }
}

function namesOf(settings: SshSettings): string[] {
  if (settings.hostKeyAlias !== undefined) return [settings.hostKeyAlias.toLowerCase()];
  return [...new Set([lookupName(settings.host, settings.port), settings.host.toLowerCase()])];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
