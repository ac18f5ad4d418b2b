/**
 * Labs inside the kernel with IPVS. What a host has is read from /proc of its init, which costs no process: one costs 20 ms
 * and more in there.
 */
import { readFileSync } from 'node:fs';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import { must0 } from '#lab/command.ts';
import { labUp, type Lab } from '#lab/lab.ts';
import type { Release } from '#lab/spec.ts';
import { eventually } from './pair.ts';
import { ROOT } from './tandem.ts';

/** Hosts may not load modules: the kernel is the machine's. */
const MODULES = ['ip_vs', 'ip_vs_rr', 'ipip'] as const;

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

/** nginx on each host, now and after every boot, that answers with the host's name on every address at `port`. */
export async function serveNames(lab: Lab, hosts: readonly string[], port: number): Promise<void> {
  const script = `set -eu
printf 'server { listen ${port}; listen [::]:${port}; return 200 "%s\\n"; }\\n' "$(cat /etc/hostname)" >/etc/nginx/sites-enabled/default
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

/** True if each of `names` answers, one after the other, time and again. */
export function alternate(answers: readonly string[], names: readonly string[]): boolean {
  const turn = names.length;
  return answers.every((answer, index) => {
    const recent = answers.slice(Math.max(0, index - turn + 1), index + 1);
    return names.includes(answer) && new Set(recent).size === recent.length;
  });
}

/** A file below /proc/PID of a host's init; empty while the host is down. */
async function procOf(lab: Lab, host: string, file: string): Promise<string> {
  const pid = (await lab.list()).find(({ name }) => name === host)?.pid;
  try {
    return pid === undefined ? '' : readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** The real servers of a host's IPVS table that have a weight, as `VIP:PORT` → `ADDRESS:PORT`s in their order. */
export async function balanced(lab: Lab, host: string): Promise<Record<string, string[]>> {
  const table: Record<string, string[]> = {};
  let service = '';
  for (const line of (await procOf(lab, host, 'net/ip_vs')).split('\n').slice(3)) {
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
    const trie = await procOf(lab, host, 'net/fib_trie');
    return new RegExp(`-- ${address.replaceAll('.', '\\.')}\\n\\s*/32 host LOCAL`).test(trie);
  }
  const rows = (await procOf(lab, host, 'net/if_inet6')).split('\n');
  return rows.some(
    row => shortened(`[${row.slice(0, 32).match(/.{4}/g)?.join(':') ?? '::'}]`) === `[${address}]`,
  );
}

/** Resolves when each VIP is on this one of `directors` and on no other. */
export async function held(
  lab: Lab,
  directors: readonly string[],
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  const now = async (vip: string): Promise<string> => {
    const holding = await Promise.all(directors.map(host => hasAddress(lab, host, vip)));
    return directors.filter((_, index) => holding[index]).join(',');
  };
  let seen: Record<string, string> = {};
  await eventually('VIPs', 20_000, async () => {
    seen = Object.fromEntries(
      await Promise.all(Object.keys(expected).map(async vip => [vip, await now(vip)] as const)),
    );
    return JSON.stringify(seen) === JSON.stringify(expected);
  }).catch((cause: unknown) => {
    throw new Error(`expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`, { cause });
  });
}
