/** `inventory/two-node.yml` on the other Debian releases: from nothing to a pair that fails over, and back to nothing. */
import { describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import type { Release } from '#lab/spec.ts';
import {
  ADVERT_INTERVAL_MS,
  awaitHolder,
  differences,
  eventually,
  INVENTORY,
  NODES,
  ownPaths,
  raisePair,
  snapshots,
  VIP,
} from '../support/pair.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

/** With the version that Debian gives each. */
const RELEASES: readonly { readonly release: Release; readonly version: string }[] = [
  { release: 'bullseye', version: '11' },
  { release: 'trixie', version: '13' },
];

/** RFC 3768 §5.3.2 for the derived priority of the backup, 253, and what a busy machine adds. */
const OUTAGE_MS_MAX = 3 * ADVERT_INTERVAL_MS + ((256 - 253) / 256) * 1000 + 400;

async function settled(lab: Lab): Promise<void> {
  await awaitHolder(lab, 'ka67');
  await eventually('status is healthy', 15_000, async () => {
    return (await tandem(lab, ['status', '-i', INVENTORY])).code === 0;
  });
}

async function crashMaster(lab: Lab): Promise<number> {
  const prober = await lab.probe('watch', VIP, { intervalMs: 10 });
  await prober.nextAnswer(5000);
  await lab.crash('ka67');
  await awaitHolder(lab, 'ka68', 10_000);
  await prober.nextAnswer(10_000);
  return (await prober.stop()).largestGapMs;
}

/** From nothing to a pair that has failed over and booted. */
async function rehearse(lab: Lab, version: string): Promise<void> {
  const first = await tandem(lab, ['apply', '-i', INVENTORY, '--json']);
  expect(first.code, said(first)).toBe(0);
  await settled(lab);
  const second = await tandem(lab, ['apply', '-i', INVENTORY, '--json']);
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });

  const gapMs = await crashMaster(lab);
  console.log(`Debian ${version}: a crash of the master cost ${gapMs.toFixed(0)} ms`);
  expect(gapMs).toBeLessThanOrEqual(OUTAGE_MS_MAX);
  await lab.start('ka67');
  await settled(lab);
  const plan = await tandem(lab, ['plan', '-i', INVENTORY]);
  expect(plan.code, said(plan)).toBe(0);
}

describe.each(RELEASES)('Debian $version ($release)', ({ release, version }) => {
  test('a pair is built, fails over, survives a boot and is taken down', async ({ onTestFinished }) => {
    const lab = await raisePair(release, { image: release });
    onTestFinished(() => lab.down());
    for (const node of NODES) {
      const { stdout } = await lab.exec(node, ['cat', '/etc/os-release'], { check: true });
      expect(stdout).toContain(`VERSION_ID="${version}"`);
    }
    const before = await snapshots(lab);
    await rehearse(lab, version);
    const torn = await tandem(lab, ['teardown', '-i', INVENTORY, '--yes', 'two-node', '--json']);
    expect(torn.code, said(torn)).toBe(0);
    for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
    expect(differences(before, await snapshots(lab))).toBe('');
  });
});
