/** What rehearsals of shipped inventories have in common. */
import { expect } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { eventually } from './pair.ts';
import { said, tandem, totalsOf } from './tandem.ts';

/** VIP → the host that alone holds it. */
export type Placement = Readonly<Record<string, string>>;

/** Every VIP with the hosts that hold it, joined by commas; a host that is down holds nothing. */
export async function placement(lab: Lab, vips: readonly string[]): Promise<Placement> {
  const addresses = await Promise.all(
    lab.spec.hosts.map(async ({ name }) => {
      const shown = await lab.exec(name, ['ip', '-o', 'addr']).catch(() => undefined);
      return [name, shown?.stdout ?? ''] as const;
    }),
  );
  const holders = (vip: string) =>
    addresses.filter(([, text]) => text.includes(` ${vip}/`)).map(([name]) => name);
  return Object.fromEntries(vips.map(vip => [vip, holders(vip).join(',')]));
}

/** Resolves when every VIP is where it should be and nowhere else. */
export async function placed(lab: Lab, expected: Placement, timeoutMs = 20_000): Promise<void> {
  let last: Placement = {};
  await eventually(`VIPs at ${JSON.stringify(expected)}`, timeoutMs, async () => {
    last = await placement(lab, Object.keys(expected));
    return JSON.stringify(last) === JSON.stringify(expected);
  }).catch(() => expect(last).toEqual(expected));
}

/**
 * The longest time, milliseconds, for which one of `vips` gave the controller no answer while `work` ran: an echo every
 * 10 ms, from before it to the first answer after it.
 */
export async function outageOf(
  lab: Lab,
  vips: readonly string[],
  work: () => Promise<unknown>,
): Promise<number> {
  const probers = await Promise.all(vips.map(vip => lab.probe('controller', vip)));
  try {
    await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
    await work();
    await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
  } finally {
    await Promise.all(probers.map(prober => prober.stop()));
  }
  return Math.max(...probers.map(prober => prober.report().largestGapMs));
}

/** The VIPs that two placements have on different hosts. */
export function moved(from: Placement, to: Placement): string[] {
  return Object.keys(from).filter(vip => from[vip] !== to[vip]);
}

/** A placement in words, by host. */
export function inWords(at: Placement): string {
  const byHost = Map.groupBy(Object.keys(at), vip => at[vip] ?? '');
  return [...byHost].map(([host, vips]) => `${host} has ${vips.join(', ')}`).join('; ');
}

/** Resolves when `tandem status` has nothing to complain about. */
export async function healthy(lab: Lab, inventory: string): Promise<void> {
  await eventually('status is healthy', 20_000, async () => {
    return (await tandem(lab, ['status', '-i', inventory])).code === 0;
  });
}

/** All hosts crash at once and start again: everything is where it was, and `plan` finds nothing to do. */
export async function rebooted(lab: Lab, inventory: string, built: Placement): Promise<void> {
  const hosts = lab.spec.hosts.map(({ name }) => name);
  await Promise.all(hosts.map(host => lab.crash(host)));
  await Promise.all(hosts.map(host => lab.start(host)));
  await placed(lab, built, 40_000);
  await healthy(lab, inventory);
  const plan = await tandem(lab, ['plan', '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
}

/** A second apply finds nothing to do; then everything is taken down. */
export async function idleAndDown(lab: Lab, inventory: string, clusters: readonly string[]): Promise<void> {
  const second = await tandem(lab, ['apply', '-i', inventory, '--json']);
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
  const agreed = clusters.flatMap(cluster => ['--yes', cluster]);
  const torn = await tandem(lab, ['teardown', '-i', inventory, ...agreed]);
  expect(torn.code, said(torn)).toBe(0);
}

/** So many pieces of work at a time: most of a rehearsal is waiting, and the rest is uploads. */
export function slots(count: number): (index: number, work: () => Promise<void>) => Promise<void> {
  const busy = Array.from({ length: count }, () => Promise.resolve());
  return (index, work) => {
    const slot = index % busy.length;
    const done = (busy[slot] ?? Promise.resolve()).then(work);
    busy[slot] = done.catch(() => undefined);
    return done;
  };
}
