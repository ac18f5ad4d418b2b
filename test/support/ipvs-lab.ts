/**
 * Labs inside the kernel with IPVS. What a host has is read from /proc of its init, which costs no process: one costs 20 ms
 * and more in there.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { must } from '#base/assert.ts';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import { must0 } from '#lab/command.ts';
import { labUp, type Lab } from '#lab/lab.ts';
import type { Release } from '#lab/spec.ts';
import { eventually } from './pair.ts';
import { ROOT } from './tandem.ts';

/** Hosts may not load modules: the kernel is the machine's. */
const MODULES = ['ip_vs', 'ip_vs_rr', 'ipip'] as const;

/** Of `/slow`. */
export const SLOW_BYTES = 400 * 1024;

export const inventoryPath = (name: string): string => `${ROOT}inventory/${name}.yml`;

/**
 * Boots the hosts of a shipped inventory. Every one has nginx and more installed, and nothing of it started, but those
 * of another Debian release (`images`), which are as they come.
 */
export async function ipvsLab(
  inventory: string,
  images: Readonly<Record<string, Release>> = {},
): Promise<Lab> {
  await must0(['modprobe', '-a', ...MODULES]);
  const spec = labSpecOf([inventoryPath(inventory)]);
  const hosts = spec.hosts.map(host => {
    const image = images[host.name];
    return image ? { ...host, image } : { ...host, layers: ['services'] as const };
  });
  return await labUp({ ...spec, hosts, lean: true }, { onProgress: line => console.log(line) });
}

/**
 * Puts Node on a director where an apply would put it, so that each apply does not take 50 MB through SSH. It is not
 * Tandem's, and a teardown leaves it.
 */
export async function putNode(lab: Lab, host: string): Promise<void> {
  const root = await procOf(lab, host, 'root');
  const manifest = readFileSync(`${ROOT}dist/release/${process.arch}/manifest.json`, 'utf8');
  const { node } = JSON.parse(manifest) as { readonly node: { readonly sha256: string } };
  const directory = `${root}/opt/tandem/node/${node.sha256}`;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  copyFileSync(process.execPath, `${directory}/node`);
}

/**
 * nginx on each host, now and after every boot, at `port` of every address: `/` is the host's name, `/slow` takes 20 s.
 */
export async function serveNames(lab: Lab, hosts: readonly string[], port: number): Promise<void> {
  const script = `set -eu
cat >/etc/nginx/sites-enabled/default <<END
server {
  listen ${port};
  listen [::]:${port};
  root /var/www/html;
  access_log off;
  location = / { return 200 "$(cat /etc/hostname)\n"; }
  location = /slow { limit_rate 20k; }
}
END
head -c ${SLOW_BYTES} /dev/zero >/var/www/html/slow
ln -sf /lib/systemd/system/nginx.service /etc/systemd/system/multi-user.target.wants/nginx.service
systemctl start nginx`;
  for (const host of hosts) await lab.exec(host, { script }, { check: true });
}

/** Answers of `curl` from the controller, each over a connection of its own; an empty one where nothing answered. */
export async function curls(lab: Lab, url: string, count: number): Promise<string[]> {
  const urls = Array.from({ length: count }, () => url);
  const argv = ['curl', '-s', '-m', '2', '-H', 'Connection: close', '-w', '\\n', ...urls];
  const { stdout } = await lab.controllerExec(argv);
  const lines = stdout.split('\n').filter(line => line !== '');
  return Array.from({ length: count }, (_, index) => lines[index] ?? '');
}

/** Who gave ten answers of `curl`, by name. Throws with what came unless they come from `names` in turn. */
export async function tenAlternate(lab: Lab, url: string, names: readonly string[]): Promise<string[]> {
  const answers = await curls(lab, url, 10);
  if (!alternate(answers, names))
    throw new Error(`${url}, from ${names.join(' and ')} in turn: ${answers.join(' ')}`);
  return [...new Set(answers)].toSorted();
}

/** True if each of `names` answers, one after the other, time and again. */
export function alternate(answers: readonly string[], names: readonly string[]): boolean {
  const turn = names.length;
  return answers.every((answer, index) => {
    const recent = answers.slice(Math.max(0, index - turn + 1), index + 1);
    return names.includes(answer) && new Set(recent).size === recent.length;
  });
}

/** A path below /proc/PID of a host's init. @throws while the host is down. */
async function procOf(lab: Lab, host: string, file: string): Promise<string> {
  const pid = (await lab.list()).find(({ name }) => name === host)?.pid;
  return `/proc/${must(pid, `${host} is up`)}/${file}`;
}

/** A file below /proc/PID of a host's init; empty while the host is down. */
async function readProc(lab: Lab, host: string, file: string): Promise<string> {
  try {
    return readFileSync(await procOf(lab, host, file), 'utf8');
  } catch {
    return '';
  }
}

/** The real servers of a host's IPVS table that have a weight, as `VIP:PORT` → `ADDRESS:PORT`s in their order. */
export async function balanced(lab: Lab, host: string): Promise<Record<string, string[]>> {
  const table: Record<string, string[]> = {};
  let service = '';
  for (const line of (await readProc(lab, host, 'net/ip_vs')).split('\n').slice(3)) {
    const [first = '', second = '', , weight = '0'] = line.trim().split(/\s+/);
    if (first === '->') {
      if (weight !== '0') table[service]?.push(endpoint(second));
    } else if (first !== '') {
      service = endpoint(second);
      table[service] = [];
    }
  }
  for (const servers of Object.values(table)) servers.sort();
  return table;
}

/** `0A100864:0050` or `[fd00:…]:0050` as people write it. */
function endpoint(text: string): string {
  const colon = text.lastIndexOf(':');
  const port = parseInt(text.slice(colon + 1), 16);
  const address = text.slice(0, colon);
  return address.startsWith('[') ? `${shortened(address)}:${port}` : `${dotted(address)}:${port}`;
}

function dotted(hex: string): string {
  return [0, 2, 4, 6].map(at => parseInt(hex.slice(at, at + 2), 16)).join('.');
}

function shortened(address: string): string {
  return `[${new URL(`http://${address}/`).hostname.slice(1, -1)}]`;
}

/** True if the host has this address on any interface. */
async function hasAddress(lab: Lab, host: string, address: string): Promise<boolean> {
  if (!address.includes(':')) {
    const trie = await readProc(lab, host, 'net/fib_trie');
    return new RegExp(`-- ${address.replaceAll('.', '\\.')}\\n\\s*/32 host LOCAL`).test(trie);
  }
  const rows = (await readProc(lab, host, 'net/if_inet6')).split('\n');
  return rows.some(
    row => shortened(`[${row.slice(0, 32).match(/.{4}/g)?.join(':') ?? '::'}]`) === `[${address}]`,
  );
}

/** Resolves when each of `directors` balances this service (`ADDRESS:PORT`) over these real servers, in their order. */
export async function balances(
  lab: Lab,
  directors: readonly string[],
  service: string,
  servers: readonly string[],
): Promise<void> {
  for (const director of directors)
    await becomes(
      `${service} of ${director}`,
      servers,
      async () => (await balanced(lab, director))[service] ?? [],
    );
}

/** Resolves when each VIP is on this one of `directors` and on no other. */
export async function held(
  lab: Lab,
  directors: readonly string[],
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  const holders = async (vip: string): Promise<readonly [string, string]> => {
    const holding = await Promise.all(directors.map(host => hasAddress(lab, host, vip)));
    return [vip, directors.filter((_, index) => holding[index]).join(',')];
  };
  await becomes('holders of the VIPs', expected, async () =>
    Object.fromEntries(await Promise.all(Object.keys(expected).map(holders))),
  );
}

/** Resolves when `look` gives what is expected, or throws with what it gave last. */
export async function becomes<T>(
  what: string,
  expected: T,
  look: () => Promise<T>,
  timeoutMs = 20_000,
): Promise<void> {
  let seen: T | undefined;
  await eventually(what, timeoutMs, async () => {
    seen = await look();
    return isDeepStrictEqual(seen, expected);
  }).catch((cause: unknown) => {
    const values = `expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`;
    throw new Error(`${what}: ${values}`, { cause });
  });
}
