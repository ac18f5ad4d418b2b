/** `tandem failover` on the pair of `inventory/two-node.yml`. Tests run in this order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { awaitHolder, eventually, holders, INSTANCE, INVENTORY, raisePair, VIP } from '../support/pair.ts';
import { eventsOf, said, tandem, totalsOf } from '../support/tandem.ts';

/** Derived priorities are 254 and 253. */
const SKEW_MS = ((256 - 253) / 256) * 1000;
/** What a busy machine and a measurement in steps of 10 ms may add. */
const MARGIN_MS = 100;
/** Where a file is tried by its daemon and reloaded beside it, on the same processors; an unplanned failover takes 3 s. */
const RELOAD_MARGIN_MS = 400;
let lab: Lab;

beforeAll(async () => {
  lab = await raisePair('failover');
  const built = await tandem(lab, ['apply', '-i', INVENTORY]);
  expect(built.code, said(built)).toBe(0);
  await awaitHolder(lab, 'ka67');
  await healthy();
});

afterAll(() => lab?.down());

async function healthy(): Promise<void> {
  await eventually('status is healthy', 15_000, async () => {
    const status = await tandem(lab, ['status', '-i', INVENTORY]);
    return status.code === 0;
  });
}

async function failover(...more: string[]) {
  const result = await tandem(lab, ['failover', INSTANCE, '-i', INVENTORY, '--json', ...more]);
  return { result, last: eventsOf(result).at(-1) };
}

/** Probes the VIP every 10 ms while `work` runs. */
async function probed<T>(what: string, work: () => Promise<T>, marginMs = MARGIN_MS): Promise<T> {
  const prober = await lab.probe('watch', VIP, { intervalMs: 10 });
  await prober.nextAnswer(5000);
  const value = await work();
  await prober.nextAnswer(5000);
  const { largestGapMs, lost } = await prober.stop();
  console.log(`${what}: ${lost} probes lost, largest gap ${largestGapMs.toFixed(0)} ms`);
  expect(lost).toBe(0);
  expect(largestGapMs).toBeLessThanOrEqual(SKEW_MS + marginMs);
  return value;
}

test('the backup takes over without a lost packet, and the former master does not preempt', async () => {
  const { result, last } = await probed('failover', async () => {
    const moved = await failover();
    expect(await holders(lab)).toEqual(['ka68']);
    return moved;
  });
  expect(result.code, said(result)).toBe(0);
  expect(last).toMatchObject({ type: 'failover', status: 'done', from: 'ka67', to: 'ka68', held: true });
  await healthy();
  const { stdout } = await lab.exec('ka67', ['/opt/tandem/current/bin/tandemd', 'status', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ instances: [{ state: 'BACKUP', handedOver: true }] });
  const plan = await tandem(lab, ['plan', '-i', INVENTORY]);
  expect(plan.code, said(plan)).toBe(0);
});

test('--to gives it back the same way, and the hold is over', async () => {
  const { result, last } = await probed('failover --to ka67', async () => {
    const moved = await failover('--to', 'ka67');
    expect(await holders(lab)).toEqual(['ka67']);
    return moved;
  });
  expect(result.code, said(result)).toBe(0);
  expect(last).toMatchObject({ status: 'done', from: 'ka68', to: 'ka67', held: false });
  for (const node of ['ka67', 'ka68']) {
    const { stdout } = await lab.exec(node, ['/opt/tandem/current/bin/tandemd', 'status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ instances: [{ handedOver: false }] });
  }
  const again = await failover('--to', 'ka67');
  expect(again.result.code, said(again.result)).toBe(0);
  expect(again.last).toMatchObject({ status: 'unchanged' });
});

test('a director that is drained gives its instance away, and does not take it back by a restart or an apply', async () => {
  const drain = await probed(
    'drain ka67',
    async () => {
      const result = await tandem(lab, ['drain', 'ka67', '-i', INVENTORY, '--json']);
      expect(await holders(lab)).toEqual(['ka68']);
      return result;
    },
    RELOAD_MARGIN_MS,
  );
  expect(drain.code, said(drain)).toBe(0);
  expect(eventsOf(drain)).toContainEqual(expect.objectContaining({ type: 'drain', status: 'yielded' }));
  await lab.exec('ka67', ['systemctl', 'restart', 'tandemd'], { check: true });
  const apply = await tandem(lab, ['apply', '-i', INVENTORY, '--json']);
  expect(apply.code, said(apply)).toBe(0);
  expect(totalsOf(apply)).toMatchObject({ changed: 0, pending: 0 });
  expect(apply.stdout).toContain('ka67 is drained: MASTER only if nobody else can be');
  await healthy();
  expect(await holders(lab)).toEqual(['ka68']);
});

test('it takes over if nobody else can, and gives it back', async () => {
  await lab.exec('ka68', ['systemctl', 'stop', 'tandemd'], { check: true });
  await awaitHolder(lab, 'ka67');
  await lab.exec('ka68', ['systemctl', 'start', 'tandemd'], { check: true });
  await awaitHolder(lab, 'ka68');
  await healthy();
  expect(await holders(lab)).toEqual(['ka68']);
});

test('undrained it is preferred again', async () => {
  const undrain = await probed(
    'undrain ka67',
    async () => {
      const result = await tandem(lab, ['undrain', 'ka67', '-i', INVENTORY, '--json']);
      expect(await holders(lab)).toEqual(['ka67']);
      return result;
    },
    RELOAD_MARGIN_MS,
  );
  expect(undrain.code, said(undrain)).toBe(0);
  await healthy();
  const plan = await tandem(lab, ['plan', '-i', INVENTORY]);
  expect(plan.code, said(plan)).toBe(0);
});

test('it is refused when the backup does not run, and nothing is disturbed', async () => {
  await lab.exec('ka68', ['systemctl', 'stop', 'tandemd'], { check: true });
  const { result, last } = await probed('refused failover', () => failover());
  expect(result.code, said(result)).toBe(1);
  expect(last).toMatchObject({ status: 'refused', from: 'ka67' });
  expect(result.stdout).toContain('ka68 runs no VRRP daemon that answers');
  expect(await holders(lab)).toEqual(['ka67']);
});

test('a backup that is down makes it exit code 3', async () => {
  await lab.crash('ka68');
  const { result, last } = await failover('--to', 'ka68');
  expect(result.code, said(result)).toBe(3);
  expect(last).toMatchObject({ status: 'refused' });
  expect(await holders(lab)).toEqual(['ka67']);
});

test('names that do not exist are wrong usage', async () => {
  for (const argv of [
    ['failover', 'VG_9'],
    ['failover', `two-node/${INSTANCE}`, '--to', 'ka99'],
  ]) {
    const result = await tandem(lab, [...argv, '-i', INVENTORY]);
    expect(result.code, said(result)).toBe(64);
    expect(result.stderr).toMatch(/expected one of two-node\/VG_1|is on ka67, ka68/);
  }
});
