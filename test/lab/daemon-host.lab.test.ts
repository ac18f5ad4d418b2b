import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { overlapMs, record } from './daemon/adverts.ts';
import { fast } from './daemon/configurations.ts';
import { makeSegment, run, type Segment } from './daemon/segment.ts';
import { makeSyslog } from './daemon/syslog.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

/** What tandemd leaves, finds and asks for on its host, on real network namespaces. */

const WAIT = { timeout: 10_000, interval: 20 };
const SETTING = '/proc/sys/net/ipv4/conf/eth0/promote_secondaries';

beforeAll(buildRelease);

interface Bench {
  readonly segment: Segment;
  /** tandemd on a host, not started. */
  readonly stopped: (index: number, config: string) => TandemNode;
  readonly node: (index: number, config: string) => TandemNode;
}

async function bench(onTestFinished: (end: () => Promise<void>) => void): Promise<Bench> {
  const segment = await makeSegment(2);
  const nodes: TandemNode[] = [];
  onTestFinished(async () => {
    await Promise.all(nodes.map(node => node.remove()));
    segment.remove();
  });
  const stopped = (index: number, config: string): TandemNode => {
    const host = segment.hosts[index];
    if (!host) throw new Error('no such host');
    const made = new TandemNode(host, config);
    nodes.push(made);
    return made;
  };
  return {
    segment,
    stopped,
    node: (index, config) => {
      const made = stopped(index, config);
      made.start();
      return made;
    },
  };
}

describe('the host', () => {
  test.concurrent(
    'gets its kernel settings back from the successor of a killed daemon',
    async ({ onTestFinished }) => {
      const { node } = await bench(onTestFinished);
      const a = node(0, fast({ priority: 254, more: 'promote_secondaries' }));
      const setting = (): string => run(a.host.namespace, ['cat', SETTING]).trim();
      await a.expect('VG_1=MASTER');
      expect(setting()).toBe('1');
      await a.end('SIGKILL');
      expect(setting()).toBe('1');
      a.write(fast({ priority: 254 }));
      a.start();
      await a.expect('VG_1=MASTER');
      expect(setting()).toBe('0');
    },
  );

  test.concurrent(
    'a static address of a track_group that cannot be there is a FAULT',
    async ({ onTestFinished }) => {
      const { node } = await bench(onTestFinished);
      const tracked = `track_group T {\n group {\n VG_1\n }\n}
static_ipaddress {\n 10.7.0.1/24 dev late0 track_group T\n}\n`;
      const a = node(0, tracked + fast({ priority: 254 }));
      await a.expect('VG_1=FAULT');
      expect((await a.instance()).faults.join()).toContain(
        '10.7.0.1/24 on late0 of track_group T is missing',
      );
      a.host.namespace.ip('link add late0 type veth peer name far0');
      a.host.namespace.ip('link set far0 up');
      a.host.namespace.ip('link set late0 up');
      await a.expect('VG_1=MASTER');
    },
  );

  test.concurrent('vrrp_cpu_affinity keeps tandemd on its CPU', async ({ onTestFinished }) => {
    const { node } = await bench(onTestFinished);
    const a = node(0, `global_defs {\n vrrp_cpu_affinity 0\n}\n${fast({ priority: 254 })}`);
    await a.expect('VG_1=MASTER');
    expect(readFileSync(`/proc/${a.pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m);
    expect(a.log).not.toContain('vrrp_cpu_affinity');
  });
});

describe('reload_check_config', () => {
  test.concurrent('its file says what is wrong with the new configuration', async ({ onTestFinished }) => {
    const { stopped } = await bench(onTestFinished);
    const a = stopped(0, '');
    const log = join(a.folder, 'check.log');
    const checked = `global_defs {\n reload_check_config ${log}\n}\n`;
    a.write(checked + fast({ priority: 254 }));
    a.start();
    await a.expect('VG_1=MASTER');
    a.write(checked + fast({ priority: 254, vips: ['172.16.8.300'] }));
    expect(await a.command('reload')).toMatchObject({ code: 1, stdout: 'rejected\n' });
    expect(readFileSync(log, 'utf8')).toMatch(/keepalived\.conf:11:5: error: .*172\.16\.8\.300/);
    await a.expect('VG_1=MASTER');
    a.write(checked + fast({ priority: 254 }));
    expect(await a.command('reload')).toMatchObject({ code: 0, stdout: 'loaded\n' });
    expect(readFileSync(log, 'utf8')).toBe('');
  });
});

describe('topology 16', () => {
  const returning = async (more: string, onTestFinished: (end: () => Promise<void>) => void) => {
    const { segment, node } = await bench(onTestFinished);
    const a = node(0, fast({ priority: 254, more }));
    await a.expect('VG_1=MASTER');
    const b = node(1, fast({ priority: 253 }));
    await b.expect('VG_1=BACKUP');
    await a.end();
    await b.expect('VG_1=MASTER');
    const recording = await record(segment);
    onTestFinished(() => recording.stop());
    const startedAtMs = Date.now();
    a.start();
    return { a, b, recording, startedAtMs };
  };
  const received = async (node: TandemNode) => (await node.instance()).counters.advertsReceived;

  test.concurrent('preempt_delay: the old master is back after it', async ({ onTestFinished }) => {
    const { a, b, recording, startedAtMs } = await returning('preempt_delay 2', onTestFinished);
    await a.expectLog('a lower priority is master: preempting after 2 s');
    expect((await a.command('explain', 'VG_1')).stdout).toContain('preempt_delay is not over');
    await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    await recording.caughtUp();
    const adverts = recording.adverts();
    const back = adverts.find(({ from }) => from === a.host.address);
    expect((back?.atMs ?? 0) - startedAtMs).toBeGreaterThanOrEqual(2000);
    expect(overlapMs(adverts)).toBeLessThanOrEqual(100);
  });

  test.concurrent('nopreempt: the VIP stays where it is', async ({ onTestFinished }) => {
    const { a, b, recording } = await returning('nopreempt', onTestFinished);
    await vi.waitFor(async () => expect(await received(a)).toBeGreaterThan(10), WAIT);
    await Promise.all([a.expect('VG_1=BACKUP'), b.expect('VG_1=MASTER')]);
    await recording.caughtUp();
    expect(recording.adverts().filter(({ from }) => from !== b.host.address)).toEqual([]);
    await b.end('SIGKILL');
    await a.expect('VG_1=MASTER');
  });
});

describe('topology 21', () => {
  test.concurrent(
    'one file for each cluster, and a facility in a file of its own by rsyslog',
    async ({ onTestFinished }) => {
      const { stopped } = await bench(onTestFinished);
      const a = stopped(0, '');
      const clusters = join(a.folder, 'conf.d');
      mkdirSync(clusters);
      const cluster = (name: string, vrid: number): void =>
        writeFileSync(
          join(clusters, `${name}.conf`),
          fast({ name, vrid, priority: 254, vips: [`172.16.8.${vrid}`] }),
        );
      a.write(`global_defs {\n router_id ka67\n}\ninclude ${clusters}/*.conf\n`);
      cluster('WEB', 101);
      cluster('DB', 102);
      const syslog = await makeSyslog(a.folder);
      a.around = syslog.around;
      a.start('-S', 'local6');
      await a.expect('WEB=MASTER', 'DB=MASTER');
      const logged = (...names: string[]): Promise<void> =>
        vi.waitFor(() => {
          for (const name of names) expect(syslog.local6()).toContain(`(${name}) Entering MASTER STATE`);
        }, WAIT);
      await logged('WEB', 'DB');
      expect(syslog.local6()).toMatch(/^.* Tandem_vrrp\[\d+\]: .*WEB/m);

      cluster('MAIL', 103);
      expect(await a.command('reload')).toMatchObject({ code: 0, stdout: 'loaded\n' });
      await a.expect('WEB=MASTER', 'DB=MASTER', 'MAIL=MASTER');
      await logged('MAIL');
      writeFileSync(join(clusters, 'MAIL.conf'), 'vrrp_instance MAIL {\n nonsense\n}\n');
      const refused = await a.command('reload');
      expect(refused.stderr).toMatch(/conf\.d\/MAIL\.conf:2:2: error: .*nonsense/);
      await a.expect('WEB=MASTER', 'DB=MASTER', 'MAIL=MASTER');
      expect(syslog.others()).not.toContain('Tandem');
    },
  );
});

describe('topology 24', () => {
  test.concurrent('one VLAN of three goes down, and all three VIPs move', async ({ onTestFinished }) => {
    const { segment, node } = await bench(onTestFinished);
    const vlans = [10, 20, 30];
    for (const [index, { namespace, name }] of segment.hosts.entries())
      for (const vlan of vlans) {
        const { switchNamespace } = segment;
        if (index === 0) {
          switchNamespace.ip(`link add brv${vlan} type bridge mcast_snooping 0 stp_state 0 forward_delay 0`);
          switchNamespace.ip(`link set brv${vlan} up`);
        }
        switchNamespace.ip(
          `link add ${name}v${vlan} type veth peer name bond0.${vlan} netns ${namespace.holderPid}`,
        );
        switchNamespace.ip(`link set ${name}v${vlan} master brv${vlan} up`);
        namespace.ip(`addr add 10.${vlan}.0.${index + 1}/24 dev bond0.${vlan}`);
        namespace.ip(`link set bond0.${vlan} addrgenmode none up`);
      }
    const config = (priority: number): string =>
      vlans
        .map(vlan =>
          fast({ name: `VLAN_${vlan}`, vrid: vlan, priority, vips: [`10.${vlan}.0.100`] }).replace(
            'eth0',
            `bond0.${vlan}`,
          ),
        )
        .join('') +
      `vrrp_sync_group ALL {\n group {\n ${vlans.map(vlan => `VLAN_${vlan}`).join('\n ')}\n }\n}\n`;
    const all = (state: string): string[] => vlans.map(vlan => `VLAN_${vlan}=${state}`);
    const a = node(0, config(254));
    await a.expectLog('Entering BACKUP STATE');
    const b = node(1, config(253));
    await Promise.all([a.expect(...all('MASTER')), b.expect(...all('BACKUP'))]);
    segment.switchNamespace.ip('link set host1v20 down');
    await Promise.all([a.expect(...all('FAULT')), b.expect(...all('MASTER'))]);
    await vi.waitFor(() => expect(a.host.namespace.ip('-4 addr show')).not.toMatch(/10\.\d0\.0\.100/), WAIT);
    segment.switchNamespace.ip('link set host1v20 up');
    await Promise.all([a.expect(...all('MASTER')), b.expect(...all('BACKUP'))]);
  });
});
