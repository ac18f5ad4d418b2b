/** The user's ssh configuration as files, read once per run; `ssh -G` where only ssh can tell what applies. */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, RemoteError } from '#base/errors.ts';
import type { HostAccess } from './ports.ts';
import {
  beyondNodeSsh,
  optionsFor,
  parseResolved,
  parseSshConfig,
  type Directive,
  type SshConfig,
  type SshOptions,
} from './ssh-config.ts';
import { settingsFor, type LocalUser, type SshSettings } from './ssh-settings.ts';

const runFile = promisify(execFile);

/** Whoever runs this program. */
function localUser(): LocalUser {
  const { username, uid } = userInfo();
  return { name: username, home: homedir(), uid, hostname: hostname(), environment: process.env };
}

/** Resolves hosts against `file` alone (`ssh -F`), or against the user's and the system's configuration. */
export class SshConfiguration {
  readonly #local: LocalUser;
  readonly #file: string | undefined;
  readonly #directives: readonly Directive[];
  readonly #needsSsh: boolean;

  /** Throws RangeError if `file` cannot be read. */
  constructor(file: string | undefined, local: LocalUser = localUser()) {
    this.#local = local;
    this.#file = file;
    const parts =
      file === undefined
        ? [
            readConfig(join(local.home, '.ssh/config'), false, local.home),
            readConfig('/etc/ssh/ssh_config', true, local.home),
          ]
        : [readConfig(file, false, local.home)];
    if (file !== undefined && !parts[0]) throw new RangeError(`ssh configuration ${file}: cannot be read`);
    const found = parts.filter(part => part !== undefined);
    this.#directives = found.flatMap(part => part.directives);
    this.#needsSsh = found.some(part => part.needsSsh);
  }

  /** Throws RemoteError if the configuration has to be asked from ssh, and ssh refuses it. */
  async resolve(access: HostAccess): Promise<SshSettings> {
    const target = access.address ?? access.name;
    const options = this.#needsSsh
      ? await askSsh(access, target, this.#file)
      : optionsFor(this.#directives, target);
    return settingsFor(access, options, beyondNodeSsh(this.#directives, options, target), this.#local);
  }
}

function readConfig(path: string, system: boolean, home: string): SshConfig | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const base = system ? '/etc/ssh' : join(home, '.ssh');
  const include = (pattern: string): string[] => {
    const expanded = pattern.replace(/^~(?=\/)/, home);
    const absolute = expanded.startsWith('/') ? expanded : join(base, expanded);
    return globSync(absolute)
      .toSorted()
      .flatMap(file => readText(file) ?? []);
  };
  return parseSshConfig(text, system, include);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function askSsh(access: HostAccess, target: string, file: string | undefined): Promise<SshOptions> {
  const argv = ['-G', ...(file === undefined ? [] : ['-F', file])];
  if (access.user !== undefined) argv.push('-l', access.user);
  if (access.port !== undefined) argv.push('-p', String(access.port));
  try {
    const { stdout } = await runFile('ssh', [...argv, '--', target]);
    return parseResolved(stdout);
  } catch (error) {
    throw new RemoteError({
      host: access.name,
      step: 'read the ssh configuration',
      message: 'its Match or CanonicalizeHostname lines need `ssh -G`, which failed',
      said: messageOf(error),
      unreachable: true,
      cause: error,
    });
  }
}
