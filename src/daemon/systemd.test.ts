import { describe, expect, test } from 'vitest';
import { ServiceNotifier } from './systemd.ts';

function notifier(env: NodeJS.ProcessEnv) {
  const sent: string[] = [];
  const open = () => ({
    send: (path: string, bytes: Uint8Array) => sent.push(`${path}: ${Buffer.from(bytes).toString()}`),
    close: () => {},
  });
  return { sent, service: new ServiceNotifier(env, 42, open) };
}

describe('sd_notify', () => {
  test('says what systemd reads', () => {
    const { sent, service } = notifier({ NOTIFY_SOCKET: '@/run/notify' });
    service.ready('VG_1 MASTER\nx');
    service.reloading(1234.5678);
    service.alive();
    service.stopping();
    expect(sent).toEqual([
      '@/run/notify: READY=1\nSTATUS=VG_1 MASTER x',
      '@/run/notify: RELOADING=1\nMONOTONIC_USEC=1234567',
      '@/run/notify: WATCHDOG=1',
      '@/run/notify: STOPPING=1',
    ]);
  });

  test('is silent without a supervisor', () => {
    const { sent, service } = notifier({ WATCHDOG_USEC: '1000' });
    service.ready('');
    expect(sent).toEqual([]);
    expect(service.watchdogMs).toBeUndefined();
  });

  test.each([
    [{ WATCHDOG_USEC: '3000000' }, 3000],
    [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '42' }, 3000],
    [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, undefined],
    [{ WATCHDOG_USEC: 'x' }, undefined],
    [{}, undefined],
  ])('the watchdog of %j', (env, expected) => {
    expect(notifier({ NOTIFY_SOCKET: '/n', ...env }).service.watchdogMs).toBe(expected);
  });
});
