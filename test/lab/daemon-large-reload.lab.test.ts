import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { askOnce } from '#control/client.ts';
import { gaps, record, type Recording } from './daemon/adverts.ts';
import { fast } from './daemon/configurations.ts';
import { makeSegment, type Segment } from './daemon/segment.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

/** A reload of 30,000 real servers beside a master that sends adverts every 0.1 s. */

const WAIT = { timeout: 60_000, interval: 100 };
const [VIRTUALS, REALS] = [300, 100];
/** An advert that comes later than this was held up; reading the file in one piece takes some 0.5 s. */
const GAP_MS = 195;

let folder = '';
let segment: Segment;
let node: TandemNode;
let recording: Recording | undefined;

beforeAll(async () => {
  await buildRelease();
  folder = mkdtempSync(join(tmpdir(), 'tandem-large-'));
  writeFileSync(join(folder, 'health'), '0\n');
  segment = await makeSegment(1);
  const [host] = segment.hosts;
  if (!host) throw new Error('no host');
  node = new TandemNode(host, configuration(REALS));
  node.start();
  await node.expect('VG_1=MASTER');
  await served(VIRTUALS * REALS);
});

afterAll(async () => {
  await recording?.stop();
  await node.remove();
  segment.remove();
  rmSync(folder, { recursive: true });
});

/** Real servers are files, so that nothing connects. `last`: lines of the last virtual server. */
function configuration(reals: number, last = ''): string {
  const check = 'FILE_CHECK {\n   track_file health\n  }';
  const lines = Array.from({ length: reals }, (_, i) => ` real_server 10.1.0.${i + 1} 80 {\n  ${check}\n }`);
  const head = ' protocol TCP\n lvs_sched wrr\n lvs_method NAT\n';
  const virtuals = Array.from(
    { length: VIRTUALS },
    (_, i) =>
      `virtual_server 10.9.${i >> 8}.${i & 255} 80 {\n${head}${lines.join('\n')}\n${i === VIRTUALS - 1 ? last : ''}}`,
  );
  return `${fast({ priority: 254 })}track_file health {\n file ${folder}/health\n}\n${virtuals.join('\n')}\n`;
}

async function served(count: number): Promise<void> {
  await vi.waitFor(async () => {
    const { virtualServers } = await askOnce(join(node.runDir, 'control.sock'), 'servers', {});
    expect(virtualServers.reduce((sum, each) => sum + each.realServers.length, 0)).toBe(count);
  }, WAIT);
}

/** What a reload, and a report after it, do to the adverts. */
async function reloaded(config: string): Promise<{ outcome: string; longestGapMs: number; adverts: number }> {
  recording = await record(segment);
  node.write(config);
  const { stdout } = await node.command('reload');
  await askOnce(join(node.runDir, 'control.sock'), 'servers', {});
  await askOnce(join(node.runDir, 'control.sock'), 'stats', {});
  await recording.caughtUp();
  const own = recording.adverts();
  await recording.stop();
  recording = undefined;
  return { outcome: stdout.trim(), longestGapMs: Math.max(...gaps(own)), adverts: own.length };
}

test('no advert waits for the reading of a large file, or for a report', async () => {
  const { outcome, longestGapMs, adverts } = await reloaded(configuration(REALS - 1));
  expect(outcome).toBe('loaded');
  expect(adverts).toBeGreaterThan(5);
  expect(longestGapMs).toBeLessThan(GAP_MS);
  await served(VIRTUALS * (REALS - 1));
});

test('a mistake in the last of them rejects the file for both processes', async () => {
  const { outcome, longestGapMs } = await reloaded(configuration(REALS, ' quorum many\n'));
  expect(outcome).toBe('rejected');
  expect(longestGapMs).toBeLessThan(GAP_MS);
  await served(VIRTUALS * (REALS - 1));
  expect((await node.status()).worker.restarts).toBe(0);
});
