import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { record } from './daemon/adverts.ts';
import { fast, twoNode } from './daemon/configurations.ts';
import { KeepalivedNode } from './daemon/keepalived-node.ts';
import { installPackages } from './daemon/packages.ts';
import { makeSegment, run, type Segment, start } from './daemon/segment.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

const WAIT = { timeout: 10_000, interval: 20 };
const VIP = '172.16.8.100/32';

/** What a pair must agree on, written once for both programs. */
const DIALECTS: readonly { readonly name: string; readonly config: (priority: number) => string }[] = [
  { name: 'version 2, PASS, every second', config: twoNode },
  { name: 'version 3, ten times a second', config: priority => fast({ priority }) },
  {
    name: 'version 2, AH',
    config: priority => twoNode(priority).replace('auth_type PASS', 'auth_type AH'),
  },
  {
    name: 'version 3, unicast',
    config: priority =>
      fast({
        priority,
        more: priority > 200 ? unicast('172.16.8.10', '172.16.8.11') : unicast('172.16.8.11', '172.16.8.10'),
      }),
  },
  {
    name: 'version 3, IPv6',
    config: priority => fast({ priority, vips: ['fe80::6464/64', '2001:db8::64/64'] }),
  },
];

function unicast(own: string, peer: string): string {
  return `unicast_src_ip ${own}\n  unicast_peer {\n    ${peer}\n  }`;
}

beforeAll(async () => {
  installPackages('keepalived', 'tshark');
  await buildRelease();
}, 300_000);

type OnTestFinished = (end: () => Promise<void>) => void;

/** Both programs on a segment of their own, with what they are to run; nothing is started. Tests run beside each other. */
async function pair(
  onTestFinished: OnTestFinished,
  configs: { readonly tandem: string; readonly keepalived: string },
  first: 'tandem' | 'keepalived',
): Promise<{ segment: Segment; tandem: TandemNode; keepalived: KeepalivedNode }> {
  const segment = await makeSegment(2);
  const [one, other] = segment.hosts;
  if (!one || !other) throw new Error('two hosts are needed');
  const tandem = new TandemNode(first === 'tandem' ? one : other, configs.tandem);
  const keepalived = new KeepalivedNode(first === 'tandem' ? other : one, configs.keepalived);
  onTestFinished(async () => {
    await Promise.all([tandem.remove(), keepalived.remove()]);
    segment.remove();
  });
  return { segment, tandem, keepalived };
}

function refusals(counters: Readonly<Record<string, number>>): string[] {
  return Object.entries(counters).flatMap(([rung, count]) => (count > 0 ? [`${rung} ${count}`] : []));
}

describe.each(DIALECTS)('with Debian’s keepalived: $name', ({ config }) => {
  test.concurrent(
    'tandemd is preferred: elected, stops with priority 0, preempts, crashes',
    async ({ onTestFinished }) => {
      const configs = { tandem: config(254), keepalived: config(100) };
      const { tandem, keepalived } = await pair(onTestFinished, configs, 'tandem');
      tandem.start();
      keepalived.start();
      await Promise.all([tandem.expect('VG_1=MASTER'), keepalived.expectState('BACKUP')]);

      await tandem.end();
      await keepalived.expectState('MASTER');
      let said = keepalived.log.length;
      tandem.start();
      await Promise.all([tandem.expect('VG_1=MASTER'), keepalived.expectState('BACKUP', said)]);
      expect(refusals((await tandem.instance()).counters.refused)).toEqual([]);

      said = keepalived.log.length;
      await tandem.end('SIGKILL');
      await keepalived.expectState('MASTER', said);
      expect(keepalived.log).not.toMatch(/invalid|mismatch|wrong|dropp|bogus|expected/i);
    },
  );

  test.concurrent(
    'keepalived is preferred: tandemd yields, takes over, yields again, takes over after a crash',
    async ({ onTestFinished }) => {
      const configs = { tandem: config(100), keepalived: config(254) };
      const { tandem, keepalived } = await pair(onTestFinished, configs, 'keepalived');
      keepalived.start();
      tandem.start();
      await Promise.all([keepalived.expectState('MASTER'), tandem.expect('VG_1=BACKUP')]);

      await keepalived.end();
      await tandem.expect('VG_1=MASTER');
      expect((await tandem.instance()).counters.priorityZeroReceived).toBeGreaterThan(0);
      keepalived.start();
      await Promise.all([keepalived.expectState('MASTER'), tandem.expect('VG_1=BACKUP')]);
      expect(refusals((await tandem.instance()).counters.refused)).toEqual([]);

      await keepalived.end('SIGKILL');
      await tandem.expect('VG_1=MASTER');
    },
  );
});

describe('on the wire', () => {
  const dialects = DIALECTS.filter(({ name }) => !name.includes('AH'));
  test.concurrent.for(dialects)('tshark has no complaint: $name', async ({ config }, { onTestFinished }) => {
    const configs = { tandem: config(255), keepalived: config(100) };
    const { segment, tandem } = await pair(onTestFinished, configs, 'tandem');
    const folder = mkdtempSync(join(tmpdir(), 'tandem-pcap-'));
    const file = join(folder, 'vrrp.pcap');
    const filter = 'ip proto 112 or ip6 proto 112';
    const argv = ['tcpdump', '-i', 'br0', '-U', '--immediate-mode', '-c', '3', '-w', file, filter];
    const capture = start(segment.switchNamespace, argv);
    await vi.waitFor(() => expect(capture.said()).toContain('listening on'), WAIT);
    const done = new Promise(resolve => capture.process.once('exit', resolve));
    tandem.start();
    await done;
    const decoded = run(segment.switchNamespace, ['tshark', '-r', file, '-V']);
    expect(decoded.match(/Virtual Rtr ID: 103/g)).toHaveLength(3);
    expect(decoded.match(/Checksum Status: Good/g)?.length).toBeGreaterThanOrEqual(3);
    expect(decoded).not.toMatch(/Severity level: (Warning|Error)|Malformed|incorrect/);
    rmSync(folder, { recursive: true });
  });

  test.concurrent('a new MASTER is announced five times', async ({ onTestFinished }) => {
    const configs = { tandem: fast({ priority: 255 }), keepalived: '' };
    const { segment, tandem } = await pair(onTestFinished, configs, 'tandem');
    const recording = await record(segment);
    onTestFinished(() => recording.stop());
    tandem.start();
    await tandem.expect('VG_1=MASTER');
    const announced = () => recording.arps().filter(({ address }) => `${address}/32` === VIP);
    await vi.waitFor(() => expect(announced()).toHaveLength(5), WAIT);
    const ours = recording.adverts();
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.every(({ from, priority }) => from === '172.16.8.10' && priority === 255)).toBe(true);
  });
});
