import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { fast } from './daemon/configurations.ts';
import { makeSegment, type Segment } from './daemon/segment.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

const WAIT = { timeout: 10_000, interval: 10 };

beforeAll(buildRelease);

type OnTestFinished = (end: () => Promise<void>) => void;

/** A segment and a scratch folder of the test's own. */
async function bench(onTestFinished: OnTestFinished): Promise<{
  folder: string;
  segment: Segment;
  node: (index: number, config: string) => TandemNode;
}> {
  const segment = await makeSegment(2);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-scripts-'));
  const nodes: TandemNode[] = [];
  onTestFinished(async () => {
    await Promise.all(nodes.map(node => node.remove()));
    segment.remove();
    rmSync(folder, { recursive: true });
  });
  const node = (index: number, config: string): TandemNode => {
    const host = segment.hosts[index];
    if (!host) throw new Error('no such host');
    const made = new TandemNode(host, config);
    nodes.push(made);
    made.start();
    return made;
  };
  return { folder, segment, node };
}

/** A script that succeeds while the file exists, every 100 ms. */
function check(file: string, more = ''): string {
  return `global_defs {\n  script_user root\n}\nvrrp_script chk {\n  script "/usr/bin/test -e ${file}"\n  interval 0.1\n  ${more}\n}\n`;
}

describe('scripts', () => {
  test.concurrent('a tracked script decides between FAULT and MASTER', async ({ onTestFinished }) => {
    const { folder, node } = await bench(onTestFinished);
    const file = join(folder, 'up');
    const tracked = check(file) + fast({ priority: 254, more: 'track_script {\n chk\n }' });
    const a = node(0, tracked);
    await a.expect('VG_1=FAULT');
    const b = node(1, fast({ priority: 253 }));
    await b.expect('VG_1=MASTER');
    writeFileSync(file, '');
    await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    rmSync(file);
    await Promise.all([a.expect('VG_1=FAULT'), b.expect('VG_1=MASTER')]);
    expect((await a.instance()).faults.join()).toContain('chk');
    expect(a.log).toContain('Script `chk` exited with 1');
  });

  test.concurrent('a weighted one moves the priority, and explain says so', async ({ onTestFinished }) => {
    const { folder, node } = await bench(onTestFinished);
    const file = join(folder, 'up');
    writeFileSync(file, '');
    const a = node(
      0,
      check(file, 'weight -10\n fall 2') + fast({ priority: 100, more: 'track_script {\n chk\n }' }),
    );
    const b = node(1, fast({ priority: 95 }));
    await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    rmSync(file);
    await Promise.all([a.expect('VG_1=BACKUP'), b.expect('VG_1=MASTER')]);
    expect(await a.instance()).toMatchObject({ priority: 100, effectivePriority: 90 });
    const { stdout } = await a.command('explain', 'VG_1');
    expect(stdout).toContain('95 is above its own priority 90.');
    expect(stdout).toContain('script chk contributes -10.');
  });

  test.concurrent('a worker that is killed costs no VIP: verdicts are held', async ({ onTestFinished }) => {
    const { folder, node } = await bench(onTestFinished);
    const file = join(folder, 'up');
    writeFileSync(file, '');
    const a = node(0, check(file) + fast({ priority: 254, more: 'track_script {\n chk\n }' }));
    await a.expect('VG_1=MASTER');
    const { worker } = await a.status();
    expect(worker.state).toBe('running');
    process.kill(Number(worker.pid), 'SIGKILL');
    await vi.waitFor(async () => {
      expect((await a.status()).worker).toMatchObject({
        state: 'running',
        restarts: 1,
        lastLoss: 'ended by SIGKILL',
      });
    }, WAIT);
    expect((await a.instance()).counters).toMatchObject({ becomeMaster: 1, releaseMaster: 0 });
    rmSync(file);
    await a.expect('VG_1=FAULT');
    const successor = Number((await a.status()).worker.pid);
    await a.end('SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(successor, 0)).toThrow('ESRCH'), WAIT);
  });

  test.concurrent(
    'notifications come once each, in order, with their arguments',
    async ({ onTestFinished }) => {
      const { folder, node } = await bench(onTestFinished);
      const log = join(folder, 'log');
      const script = join(folder, 'notify.sh');
      writeFileSync(script, `#!/bin/sh\necho "$*" >>${log}\n`, { mode: 0o755 });
      const globals = 'global_defs {\n script_user root\n}\n';
      const more = [
        `notify "${script} all"`,
        ...['master', 'backup', 'fault', 'stop'].map(state => `notify_${state} "${script} ${state}"`),
      ].join('\n  ');
      const a = node(0, globals + fast({ priority: 254, more }));
      await a.expect('VG_1=MASTER');
      expect(await a.end()).toBe(0);
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      expect(lines).toEqual([
        'backup',
        'all INSTANCE VG_1 BACKUP 254',
        'master',
        'all INSTANCE VG_1 MASTER 254',
        'stop',
        'all INSTANCE VG_1 STOP 254',
      ]);
    },
  );

  test.concurrent('a sync group moves as one', async ({ onTestFinished }) => {
    const { segment, node } = await bench(onTestFinished);
    const [one, other] = segment.hosts;
    one?.namespace.ip(`link add eth1 type veth peer name eth1 netns ${other?.namespace.holderPid}`);
    for (const [i, host] of segment.hosts.entries()) {
      host.namespace.ip('link set eth1 up');
      host.namespace.ip(`addr add 10.16.8.${10 + i}/24 dev eth1`);
    }
    const group = 'vrrp_sync_group G {\n group {\n OUT\n IN\n }\n}\n';
    const pair = (priority: number): string =>
      group +
      fast({ name: 'OUT', vrid: 171, priority, vips: ['172.16.8.100'] }) +
      fast({ name: 'IN', vrid: 191, priority, vips: ['10.16.8.100'] }).replace(
        'interface eth0',
        'interface eth1',
      );
    const a = node(0, pair(254));
    const b = node(1, pair(253));
    await Promise.all([a.expect('OUT=MASTER', 'IN=MASTER'), b.expect('OUT=BACKUP', 'IN=BACKUP')]);
    one?.cable(false);
    await Promise.all([a.expect('OUT=FAULT', 'IN=FAULT'), b.expect('OUT=MASTER', 'IN=MASTER')]);
    expect((await b.status()).syncGroups).toEqual([{ name: 'G', state: 'MASTER', members: ['OUT', 'IN'] }]);
    one?.cable(true);
    await Promise.all([a.expect('OUT=MASTER', 'IN=MASTER'), b.expect('OUT=BACKUP', 'IN=BACKUP')]);
    expect(await a.command('handover', 'OUT', '--timeout', '5')).toMatchObject({ code: 0 });
    await Promise.all([a.expect('OUT=BACKUP', 'IN=BACKUP'), b.expect('OUT=MASTER', 'IN=MASTER')]);
  });
});
