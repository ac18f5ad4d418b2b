import { expect, test } from 'vitest';
import { FakeClock } from '#testing/clock.ts';
import { FakeKernel } from '#testing/kernel.ts';
import { LinkDelays } from './link-delays.ts';

const POSITION = { file: 'a.conf', line: 1, column: 1 };

function rig() {
  const clock = new FakeClock();
  const delays = new LinkDelays(new FakeKernel(clock), [
    { interface: 'eth0', downDelayMs: 100, upDelayMs: 300, position: POSITION },
  ]);
  const told: string[] = [];
  const settle = (name: string, up: boolean): void =>
    delays.settle(name, up, state => told.push(`${name} ${state ? 'up' : 'down'}`));
  return { clock, delays, told, settle };
}

test('a change is told when it has lasted, the first state and other interfaces at once', () => {
  const { clock, told, settle } = rig();
  settle('eth0', true);
  settle('eth1', true);
  settle('eth1', false);
  settle('eth0', false);
  expect(told.splice(0)).toEqual(['eth0 up', 'eth1 up', 'eth1 down']);
  clock.runUntil(clock.nowMs + 50);
  settle('eth0', true);
  expect(told.splice(0)).toEqual(['eth0 up']);
  clock.runUntil(clock.nowMs + 500);
  expect(told).toEqual([]);
  settle('eth0', false);
  clock.runUntil(clock.nowMs + 60);
  settle('eth0', false);
  clock.runUntil(clock.nowMs + 60);
  expect(told.splice(0)).toEqual(['eth0 down']);
  settle('eth0', true);
  clock.runUntil(clock.nowMs + 299);
  expect(told).toEqual([]);
  clock.runUntil(clock.nowMs + 1);
  expect(told).toEqual(['eth0 up']);
});

test('what is gone is not waited for', () => {
  const { clock, delays, told, settle } = rig();
  settle('eth0', true);
  settle('eth0', false);
  delays.forget('eth0');
  clock.runUntil(clock.nowMs + 1000);
  expect(told).toEqual(['eth0 up']);
  settle('eth0', false);
  expect(told).toEqual(['eth0 up', 'eth0 down']);
});
