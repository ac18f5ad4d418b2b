/** Labs in which keepalived and tandemd take each other's place: what runs, and what an observer on the segment sees. */
import { expect } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { labUp, sweepDeadLabs, type FrameRecord, type Lab } from '#lab/lab.ts';
import { advertsOf, longestOverlapMs } from '#testing/vrrp-senders.ts';
import { ADVERT_INTERVAL_MS, NODES, pairSpec } from './pair.ts';
import { said, tandem } from './tandem.ts';

/** RFC 3768 §5.3.2 at the classic backup priority, and at the derived one. */
export const SKEW_MS = { classic: ((256 - 95) / 256) * 1000, derived: ((256 - 253) / 256) * 1000 };
/** What a busy machine and a measurement in steps of 10 ms may add. */
export const MARGIN_MS = 400;

/** ka67, ka68 and a third host; keepalived is installed on both and does not run. Their sshd logs every session. */
export async function raiseKeepalived(name: string): Promise<Lab> {
  await sweepDeadLabs();
  const spec = pairSpec(`${name}-${process.pid}`, { firewall: 'none', layers: ['keepalived'] });
  const lab = await labUp(spec, { ephemeral: true });
  const script = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  await Promise.all(NODES.map(node => lab.exec(node, { script }, { check: true })));
  return lab;
}

/** Runs a command that must succeed. */
export async function run(lab: Lab, ...argv: string[]) {
  const result = await tandem(lab, argv);
  expect(result.code, said(result)).toBe(0);
  return result;
}

export async function systemctl(lab: Lab, node: string, ...argv: string[]): Promise<string> {
  return (await lab.exec(node, ['systemctl', ...argv])).stdout.trim();
}

/** What runs of the two daemons, and starts at boot. */
export async function daemons(lab: Lab): Promise<Record<string, string>> {
  const seen = NODES.map(async node => {
    const each = ['tandemd', 'keepalived'].map(async name => {
      const [active, enabled] = [
        await systemctl(lab, node, 'is-active', name),
        await systemctl(lab, node, 'is-enabled', name),
      ];
      return active === 'active' && enabled === 'enabled' ? name : active === 'active' ? `${name}?` : '';
    });
    return [node, (await Promise.all(each)).filter(Boolean).join('+')] as const;
  });
  return Object.fromEntries(await Promise.all(seen));
}

/** Echoes every 10 ms to each VIP, and a sniffer on the segment, while `work` runs. */
export async function observed<T>(lab: Lab, what: string, vips: readonly string[], work: () => Promise<T>) {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp or arp' });
  const probers = await Promise.all(vips.map(vip => lab.probe('watch', vip, { intervalMs: 10 })));
  await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
  const value = await work();
  await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
  const reports = await Promise.all(probers.map(prober => prober.stop()));
  const frames = await sniffer.stop();
  const gapMs = Math.max(...reports.map(({ largestGapMs }) => largestGapMs));
  const overlapMs = longestOverlapMs(frames);
  console.log(`${what}: longest gap ${gapMs.toFixed(0)} ms, two senders for ${overlapMs.toFixed(0)} ms`);
  expect(advertsOf(frames).length).toBeGreaterThan(0);
  expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
  return { value, gapMs, frames };
}

/** Hosts in the order in which their gates were passed, and `FROM!` where a switchover was announced. */
export function courseOf(events: readonly RunEvent[]): string[] {
  return events.flatMap(event => {
    if (event.type === 'switchover') return `${event.from}!`;
    return event.type === 'gate' && event.status === 'passed' ? event.host : [];
  });
}

/** Gratuitous ARPs of `node` for `vip`. */
export async function announcedBy(
  lab: Lab,
  node: string,
  frames: readonly FrameRecord[],
  vip: string,
): Promise<number> {
  const mac = (await lab.exec(node, ['cat', '/sys/class/net/eth0/address'])).stdout.trim();
  return frames.filter(
    ({ etherType, srcIp, dstIp, srcMac }) =>
      etherType === 0x0806 && srcIp === vip && dstIp === vip && srcMac === mac,
  ).length;
}

export async function nothingToDo(lab: Lab, inventory: string): Promise<void> {
  const plan = await tandem(lab, ['plan', '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
}
