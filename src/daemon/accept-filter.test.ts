import { expect, test } from 'vitest';
import { FakeClock } from '#testing/clock.ts';
import { masterRig } from '#testing/engine-rig.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { instance, vip } from '#testing/scenario-config.ts';
import { AcceptFilter } from './accept-filter.ts';
import { Log } from './log.ts';

function rig() {
  const kernel = new FakeKernel(new FakeClock());
  const lines: string[] = [];
  const log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
  const engine = masterRig({ accept: false });
  return { kernel, lines, engine, filter: new AcceptFilter(kernel, log, 'keepalived') };
}

test('drops while told to, and follows the addresses', () => {
  const { kernel, engine, filter } = rig();
  const dropped = (): [string, number][] => [...kernel.dropped];
  filter.follow(engine.router());
  expect(dropped()).toEqual([]);
  filter.set(engine.router(), true);
  filter.set(engine.router(), true);
  expect(dropped()).toEqual([['192.0.2.100', 1]]);
  engine.reload([instance({ accept: false, virtualAddresses: [vip('192.0.2.100'), vip('192.0.2.101')] })]);
  filter.follow(engine.router());
  expect(dropped()).toEqual([
    ['192.0.2.100', 1],
    ['192.0.2.101', 1],
  ]);
  filter.set(engine.router(), false);
  expect(dropped()).toEqual([]);
});

test('what the kernel refuses is told, and tried again', () => {
  const { kernel, lines, engine, filter } = rig();
  kernel.refusal = call => (call === 'nft table inet keepalived' ? 1 : undefined);
  filter.set(engine.router(), true);
  expect(lines.join()).toContain('traffic to VIPs cannot be dropped (no_accept)');
  kernel.refusal = call => (call.startsWith('nft add') ? 1 : undefined);
  filter.set(engine.router(), false);
  filter.set(engine.router(), true);
  expect(lines.join()).toContain('(VI_1) no_accept: nft add table inet keepalived: EPERM');
  kernel.refusal = () => undefined;
  filter.set(engine.router(), false);
  filter.set(engine.router(), true);
  expect(kernel.dropped.size).toBe(1);
  filter.close();
  expect(kernel.dropped.size).toBe(0);
});
