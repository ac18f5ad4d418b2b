/** Changes that may cut our own connection, on a host with systemd and a real firewall. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { labUp, sweepDeadLabs, type Lab } from '#lab/lab.ts';

let lab: Lab;
beforeAll(async () => {
  await sweepDeadLabs();
  const interfaces = [{ name: 'eth0', network: 'lan', addresses: ['172.16.8.10/24'] }];
  const spec = {
    name: `guarded-${process.pid}`,
    networks: [{ name: 'lan' }],
    hosts: [{ name: 'ka67', interfaces }],
    controller: { addresses: { lan: ['172.16.8.2/24'] } },
  };
  lab = await labUp(spec, { ephemeral: true });
});
afterAll(async () => {
  await lab?.down();
});

/** Drops a port on ka67 by a guarded change, through a run in the controller's namespace. */
async function drop(port: number) {
  const driver = new URL('../support/guarded-run.ts', import.meta.url).pathname;
  const argv = [process.execPath, driver, lab.ssh.configFile, 'ka67', String(port)];
  const { code, stdout, stderr } = await lab.controllerExec(argv, { timeoutMs: 60_000 });
  const events = stdout.split('\n').filter(line => line.startsWith('{'));
  return { code, events: events.map(line => JSON.parse(line) as RunEvent), stderr };
}
const on = async (script: string): Promise<string> => (await lab.exec('ka67', { script })).stdout.trim();
const tables = (): Promise<string> => on('nft list tables');
/** What arming a timer leaves; the lock of the run that has just ended is stale by itself. */
const timers = (): Promise<string> =>
  on('systemctl list-units --all --no-legend "tandem-revert*"; ls /run/tandem | grep -v "^lock"');

test('one that leaves SSH alone stays, and the timer is gone', async () => {
  const { code, stderr } = await drop(8080);
  expect(code, stderr).toBe(0);
  expect(await tables()).toContain('tandem_test');
  expect(await timers()).toBe('');
  await lab.exec('ka67', ['nft', 'delete', 'table', 'inet', 'tandem_test']);
});

test('one that cuts SSH off is taken back by the host itself, and the run says so', async () => {
  const { code, events } = await drop(22);
  expect(code).toBe(1);
  const failures = events.filter(event => event.type === 'host-failed').map(event => event.message);
  // Which of the two depends on whether our last attempt outlives the timer.
  expect(failures).toEqual([
    expect.stringMatching(/takes the change back by itself|has taken the change back by itself/),
  ]);
  await expect.poll(tables, { timeout: 20_000 }).not.toContain('tandem_test');
  expect((await lab.controllerExec(['ssh', '-F', lab.ssh.configFile, 'ka67', 'true'])).code).toBe(0);
  await expect.poll(timers, { timeout: 10_000 }).toBe('');
});
