/** What rehearsals of the shipped LVS inventories have in common. */
import { expect } from 'vitest';
import { must } from '#base/assert.ts';
import { EXCLUSIONS, type Exclusion } from '#lab/exclusions.ts';
import { compareSnapshots, formatDifferences, snapshotHost, type Lab, type Snapshot } from '#lab/lab.ts';
import { diskDifferences, diskOf } from './host-disk.ts';
import { startWebProber, type WebAnswer } from './http-prober.ts';
import { balances, held, inventoryPath, ipvsLab, putNode, serveNames } from './ipvs-lab.ts';
import { said, tandem, totalsOf } from './tandem.ts';

/** The kernel is a process that has one CPU at best: what all hosts do together waits for it, the prober as well. */
const LATE_MS = 1500;

/** delay_loop + retry × (connect_timeout + delay_before_retry) of the shipped inventories. */
export const OUT_WITHIN_MS = (3 + 3 * (1 + 1)) * 1000 + LATE_MS;

/** From a crash to new connections: three advertisements, the skew of priority 253, half a second to announce. */
export const VRRP_BOUND_MS = Math.ceil(3000 + (3 * 1000) / 256 + 500) + LATE_MS;

/** A shipped inventory whose hosts are booted, and what is put on them. */
interface LvsHosts {
  readonly inventory: string;
  readonly directors: readonly string[];
  /** Have nginx, which says their name. */
  readonly web: readonly string[];
  readonly port: number;
  /** Of these a teardown must leave nothing, and execs on them are counted. */
  readonly watched: readonly string[];
}

/** Booted hosts, before anything of Tandem's is on them. */
export class LvsRehearsal {
  readonly lab: Lab;
  readonly #hosts: LvsHosts;
  readonly #clean: readonly Seen[];

  private constructor(lab: Lab, hosts: LvsHosts, clean: readonly Seen[]) {
    this.lab = lab;
    this.#hosts = hosts;
    this.#clean = clean;
  }

  static async boot(hosts: LvsHosts): Promise<LvsRehearsal> {
    const lab = await ipvsLab(hosts.inventory);
    await serveNames(lab, hosts.web, hosts.port);
    for (const host of hosts.directors) await putNode(lab, host);
    for (const host of hosts.watched) await tellExecs(lab, host);
    return new LvsRehearsal(lab, hosts, await seen(lab, hosts.watched));
  }

  /** Resolves when all directors balance each service (`VIP:PORT`) over these real servers. */
  async balance(services: readonly string[], servers: readonly string[]): Promise<void> {
    for (const service of services) await balances(this.lab, this.#hosts.directors, service, servers);
  }

  /** Resolves when each VIP is on this director, and on no other. */
  async held(expected: Readonly<Record<string, string>>): Promise<void> {
    await held(this.lab, this.#hosts.directors, expected);
  }

  /** A second apply that finds nothing to do, then a teardown: what it left behind. */
  async takenDown(inventory: string): Promise<string> {
    await idleApply(this.lab, inventory, this.#hosts.watched);
    await teardown(this.lab, inventory);
    return await tracesOf(this.lab, this.#clean);
  }
}

/** `tandem apply` that must succeed. */
export async function apply(lab: Lab, inventory: string): Promise<void> {
  const applied = await tandem(lab, ['apply', '-i', inventoryPath(inventory)]);
  expect(applied.code, said(applied)).toBe(0);
}

/** `tandem plan` that must find nothing to do. */
export async function nothingToDo(lab: Lab, inventory: string): Promise<void> {
  const planned = await tandem(lab, ['plan', '-i', inventoryPath(inventory)]);
  expect(planned.code, said(planned)).toBe(0);
}

/** Has sshd of a host tell each exec, for {@link execs}. */
async function tellExecs(lab: Lab, host: string): Promise<void> {
  const script = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  await lab.exec(host, { script }, { check: true });
}

/** How many execs a host's sshd has served since its boot. */
async function execs(lab: Lab, host: string): Promise<number> {
  const script = 'journalctl --sync; journalctl -b -o cat -t sshd | grep -c "^Starting session"';
  return Number((await lab.exec(host, { script })).stdout);
}

/** A second apply changes nothing, with one exec on each of `hosts` (see {@link tellExecs}). */
async function idleApply(lab: Lab, inventory: string, hosts: readonly string[]): Promise<void> {
  const counted = () => Promise.all(hosts.map(host => execs(lab, host)));
  const before = await counted();
  const second = await tandem(lab, ['apply', '-i', inventoryPath(inventory), '--json']);
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
  expect(await counted()).toEqual(before.map(count => count + 1));
}

/** `tandem teardown` of everything. */
async function teardown(lab: Lab, inventory: string): Promise<void> {
  const torn = await tandem(lab, ['teardown', '-i', inventoryPath(inventory), '--yes', inventory]);
  expect(torn.code, said(torn)).toBe(0);
}

/** All of a host that a role could change. */
interface Seen {
  readonly host: string;
  readonly disk: ReturnType<typeof diskOf>;
  readonly state: Snapshot;
}

async function seen(lab: Lab, hosts: readonly string[]): Promise<readonly Seen[]> {
  const all: Seen[] = [];
  for (const host of hosts)
    all.push({ host, disk: diskOf(lab, host), state: await snapshotHost(lab, host, { files: false }) });
  return all;
}

/** Not what was changed, but what follows from having been in use. */
const USED: readonly Exclusion[] = [
  ...EXCLUSIONS,
  {
    keys: /^sysctl:net\/ipv6\/(conf|neigh)\/tunl0\//,
    reason: 'made by the kernel when a device without IPv6 addresses is first up; there until the next boot',
  },
  { keys: /^file:\/var\/(lib|log)\/nginx(\/|$)/, reason: 'made by nginx when it first starts' },
];

/** What is not as it was, as text. */
async function tracesOf(lab: Lab, before: readonly Seen[]): Promise<string> {
  const after = await seen(
    lab,
    before.map(({ host }) => host),
  );
  const texts = await Promise.all(
    before.map(async ({ host, disk, state }, index) => {
      const now = must(after[index], host);
      const changed = compareSnapshots(state, now.state, USED);
      const files = await diskDifferences(lab, host, disk, now.disk, USED);
      return [formatDifferences(changed), ...files].filter(Boolean).map(line => `${host}: ${line}`);
    }),
  );
  return texts.flat().join('\n');
}

/** Requests `url` fifty times a second, each over a connection of its own, while `work` runs. */
export async function underLoad(
  lab: Lab,
  url: string,
  work: () => Promise<unknown>,
): Promise<readonly WebAnswer[]> {
  const prober = startWebProber(lab, url, 20);
  try {
    await prober.nextAnswer(10_000);
    await work();
  } finally {
    await prober.stop();
  }
  return prober.answers;
}

export async function stopped(lab: Lab, host: string, unit: string): Promise<void> {
  await lab.exec(host, ['systemctl', 'stop', unit], { check: true });
}

export async function started(lab: Lab, host: string, unit: string): Promise<void> {
  await lab.exec(host, ['systemctl', 'start', unit], { check: true });
}
