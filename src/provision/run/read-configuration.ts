/** A host's keepalived.conf with all that it includes, read over SSH; nothing is changed there. */
import { loadStatements, type ConfigSource } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { lines, sh, type Fragment } from '#provision/model/shell.ts';
import { contextOf, type CommonOptions } from './api.ts';
import { Forks } from './forks.ts';
import type { HostAccess } from './ports.ts';
import { RemoteHost } from './remote-host.ts';

export interface RemoteConfiguration {
  readonly host: string;
  /** The node name as uname gives it. */
  readonly nodeName: string;
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
  /** NIC → addresses with prefix, virtual ones included; loopback and link-local ones are left out. */
  readonly interfaces: Readonly<Record<string, readonly string[]>>;
}

/** Inclusions of inclusions, each level one question. */
const ROUNDS = 10;

/** Reads every host's configuration. Throws RemoteError for the first host that cannot be read. */
export async function readConfigurations(
  hosts: readonly HostAccess[],
  path: string,
  options: CommonOptions,
): Promise<readonly RemoteConfiguration[]> {
  const context = contextOf(options);
  const forks = new Forks(context.settings.forks);
  return await Promise.all(
    hosts.map(access =>
      forks.run(async () => {
        const host = new RemoteHost(access, context);
        try {
          await host.connect();
          return await readOne(host, path);
        } finally {
          await host.close();
        }
      }),
    ),
  );
}

async function readOne(host: RemoteHost, path: string): Promise<RemoteConfiguration> {
  const about = new TextDecoder().decode((await host.must(ABOUT, 'ask for its addresses')).stdout);
  const [nodeName = '', ...addresses] = about.split('\n');
  const files: Record<string, string> = {};
  const asked = new Set<string>();
  let wanted = [path];
  for (let round = 0; round < ROUNDS && wanted.length > 0; round++) {
    for (const one of wanted) asked.add(one);
    const answer = await host.must(filesBelow(wanted), 'read its keepalived.conf');
    Object.assign(files, parseFiles(answer.stdout, host));
    wanted = missing(path, nodeName, files).filter(one => !asked.has(one));
  }
  if (files[path] === undefined) throw host.error('read its keepalived.conf', `there is no file ${path}`);
  return { host: host.name, nodeName, path, files, interfaces: interfacesIn(addresses) };
}

const ABOUT = sh`uname -n
command -v ip >/dev/null && ip -o address show scope global; :`;

/** Every regular file at or below the paths, each behind a line with its length and name. */
function filesBelow(paths: readonly string[]): Fragment {
  return lines([
    sh`find -L ${paths} -maxdepth 6 -type f -size -2048k 2>/dev/null | head -n 2000 | while IFS= read -r f; do`,
    sh`[ -r "$f" ] && printf '%s %s\n' $(wc -c <"$f") "$f" && cat "$f" && echo`,
    sh`done; :`,
  ]);
}

function parseFiles(bytes: Uint8Array, host: RemoteHost): Record<string, string> {
  const text = new TextDecoder();
  const files: Record<string, string> = {};
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const head = /^(\d+) (.+)$/.exec(text.decode(bytes.subarray(at, end < 0 ? undefined : end)));
    if (!head?.[2])
      throw host.error('read its keepalived.conf', 'a file changed while it was read; run again');
    const length = Number(head[1]);
    files[head[2]] = text.decode(bytes.subarray(end + 1, end + 1 + length));
    at = end + length + 2;
  }
  return files;
}

/** What the configuration wants to read beyond the files: paths, and of patterns the folder before the first wildcard. */
function missing(path: string, nodeName: string, files: Readonly<Record<string, string>>): readonly string[] {
  const wanted = new Set<string>();
  const known = memorySource(files);
  const source: ConfigSource = {
    read: file => {
      if (files[file] === undefined) wanted.add(file);
      return known.read(file);
    },
    glob: pattern => {
      const found = known.glob(pattern);
      const wildcard = pattern.search(/[*?[]/);
      if (wildcard >= 0) wanted.add(pattern.slice(0, pattern.lastIndexOf('/', wildcard)) || '/');
      else if (found.length === 0) wanted.add(pattern);
      return found;
    },
  };
  loadStatements(path, source, { hostname: nodeName });
  // All of / is never meant.
  wanted.delete('/');
  return [...wanted];
}

/** Lines of `ip -o address`. */
function interfacesIn(lines: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const interfaces: Record<string, string[]> = {};
  for (const line of lines) {
    const [, nic, address] = /^\d+:\s+(\S+?)(?:@\S+)?\s+inet6?\s+(\S+)/.exec(line) ?? [];
    if (nic === undefined || address === undefined || nic === 'lo' || !address.includes('/')) continue;
    (interfaces[nic] ??= []).push(address);
  }
  return interfaces;
}
