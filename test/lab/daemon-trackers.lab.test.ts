import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { fast } from './daemon/configurations.ts';
import { mailServer } from './daemon/mail-server.ts';
import { installPackages } from './daemon/packages.ts';
import { makeSegment, type Segment } from './daemon/segment.ts';
import { buildRelease, TandemNode } from './daemon/tandem-node.ts';

const WAIT = { timeout: 10_000, interval: 20 };

beforeAll(async () => {
  installPackages('python3-aiosmtpd');
  await buildRelease();
});

type OnTestFinished = (end: () => Promise<void>) => void;

interface Bench {
  readonly folder: string;
  readonly segment: Segment;
  /** Starts a daemon on a host. */
  readonly node: (index: number, config: string) => TandemNode;
  /** Starts a process with a name of its own, which is returned as the second one. */
  readonly service: () => [ChildProcess, string];
}

let services = 0;

async function bench(onTestFinished: OnTestFinished): Promise<Bench> {
  const segment = await makeSegment(2);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-trackers-'));
  const nodes: TandemNode[] = [];
  const children: ChildProcess[] = [];
  // Names are seen by every daemon of this machine.
  const name = `svc-${process.pid}-${services++}`;
  copyFileSync('/usr/bin/sleep', join(folder, name));
  onTestFinished(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(nodes.map(node => node.remove()));
    segment.remove();
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    segment,
    node: (index, config) => {
      const host = segment.hosts[index];
      if (!host) throw new Error('no such host');
      const made = new TandemNode(host, config);
      nodes.push(made);
      made.start();
      return made;
    },
    service: () => {
      const child = spawn(join(folder, name), ['300'], { stdio: 'ignore' });
      children.push(child);
      return [child, name];
    },
  };
}

const globals = (more = ''): string => `global_defs {\n  router_id lb\n  script_user root\n  ${more}\n}\n`;

/** Waits until the instance has the priority. */
async function priority(node: TandemNode, expected: number): Promise<void> {
  await vi.waitFor(async () => expect((await node.instance()).effectivePriority).toBe(expected), WAIT);
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');

/** A script that appends its first arguments, then what it is given, to `log`. */
function appender(folder: string, log: string): string {
  const script = join(folder, 'append.sh');
  writeFileSync(script, `#!/bin/sh\necho "$*" >>${log}\n`, { mode: 0o755 });
  return script;
}

describe('trackers', () => {
  test.concurrent(
    'topology 17: all of them add up, and the best one is MASTER',
    async ({ onTestFinished }) => {
      const { folder, segment, node, service } = await bench(onTestFinished);
      segment.hosts[0]?.namespace.ip('link add eth1 type veth peer name far1');
      segment.hosts[0]?.namespace.ip('link set eth1 up');
      segment.hosts[0]?.namespace.ip('link set far1 up');
      const [process, name] = service();
      const [value, ping, down] = ['value', 'ping', 'down'].map(each => join(folder, each)) as [
        string,
        string,
        string,
      ];
      writeFileSync(value, '5');
      writeFileSync(ping, '');
      const a = node(
        0,
        `${globals()}
vrrp_track_process httpd {
  process ${name}
  weight 10
}
vrrp_track_file value {
  file ${value}
  weight 1
}
vrrp_script ping {
  script "/usr/bin/test -e ${ping}"
  interval 0.1
  timeout 5
  rise 3
  fall 3
  weight 4
}
vrrp_script down {
  script "/usr/bin/test ! -e ${down}"
  interval 0.1
  weight -30
}
${fast({
  priority: 200,
  more: `track_process {\n httpd\n }
  track_file {\n value\n }
  track_interface {\n eth1 weight 5\n }
  track_script {\n ping\n down\n }`,
})}`,
      );
      const b = node(1, fast({ priority: 210 }));
      await priority(a, 224);
      await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
      process.kill('SIGKILL');
      await priority(a, 214);
      writeFileSync(value, '-10');
      await priority(a, 199);
      await Promise.all([a.expect('VG_1=BACKUP'), b.expect('VG_1=MASTER')]);
      expect((await a.command('explain', 'VG_1')).stdout).toContain('file value contributes -10.');
      service();
      await priority(a, 209);
      writeFileSync(value, '5\n');
      await priority(a, 224);
      await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
      writeFileSync(down, '');
      await priority(a, 194);
      await Promise.all([a.expect('VG_1=BACKUP'), b.expect('VG_1=MASTER')]);
      rmSync(ping);
      await priority(a, 190);
      rmSync(down);
      segment.hosts[0]?.namespace.ip('link set eth1 down');
      await priority(a, 215);
      await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    },
  );

  test.concurrent(
    'a file without weight, and one far below zero, mean FAULT from the start',
    async ({ onTestFinished }) => {
      const { folder, node } = await bench(onTestFinished);
      const file = join(folder, 'fault');
      const tracking = (weight: string): string =>
        `vrrp_track_file fault {\n file ${file}\n weight ${weight}\n init_file 1\n}\n` +
        fast({ priority: 254, more: 'track_file {\n fault\n }' });
      const a = node(0, tracking('0'));
      await a.expect('VG_1=FAULT');
      expect(readFileSync(file, 'utf8')).toBe('1\n');
      expect(a.log).not.toContain('Entering BACKUP STATE');
      expect((await a.instance()).faults).toEqual(['file fault says 1']);
      writeFileSync(file, '0');
      await a.expect('VG_1=MASTER');
      // The worker holds no state that is missed when it is replaced.
      process.kill(Number((await a.status()).worker.pid), 'SIGKILL');
      await vi.waitFor(
        async () => expect((await a.status()).worker).toMatchObject({ state: 'running', restarts: 1 }),
        WAIT,
      );
      writeFileSync(file, '-254');
      await a.expect('VG_1=FAULT');
      a.write(tracking('1'));
      expect(await a.command('reload')).toMatchObject({ code: 0 });
      await a.expect('VG_1=FAULT');
      writeFileSync(file, '-253');
      await priority(a, 1);
      await a.expect('VG_1=MASTER');
      a.write(fast({ priority: 254 }));
      expect(await a.command('reload')).toMatchObject({ code: 0 });
      await priority(a, 254);
      expect((await a.instance()).counters.releaseMaster).toBe(1);
    },
  );

  test.concurrent(
    'a process without weight: its end is FAULT, its return is not',
    async ({ onTestFinished }) => {
      const { node, service } = await bench(onTestFinished);
      const [process, name] = service();
      const tracked = `vrrp_track_process httpd {\n process ${name}\n}\n`;
      const a = node(0, tracked + fast({ priority: 254, more: 'track_process {\n httpd\n }' }));
      const b = node(1, fast({ priority: 253 }));
      await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
      process.kill('SIGKILL');
      await Promise.all([a.expect('VG_1=FAULT'), b.expect('VG_1=MASTER')]);
      await a.expectLog('Process `httpd` does not have its quorum (0 running)');
      expect((await a.instance()).faults).toEqual(['process httpd is down']);
      service();
      await Promise.all([a.expect('VG_1=MASTER'), b.expect('VG_1=BACKUP')]);
    },
  );
});

describe('what the outside world is told', () => {
  test.concurrent(
    'topology 18: each transition once, by script, FIFO and mail',
    async ({ onTestFinished }) => {
      const { folder, segment, node } = await bench(onTestFinished);
      const server = await mailServer(segment);
      const log = join(folder, 'log');
      const read = join(folder, 'read');
      const status = join(folder, 'status');
      const append = appender(folder, log);
      const reader = join(folder, 'reader.sh');
      writeFileSync(reader, `#!/bin/sh\nwhile read -r line; do echo "$line" >>${read}; done <"$1"\n`, {
        mode: 0o755,
      });
      const config = `${globals(`smtp_server ${server.address} ${server.port}
  notification_email {\n    ops@example.com\n    second@example.com\n  }
  notification_email_from lb@example.com
  smtp_helo_name lb.example.com
  vrrp_notify_fifo ${join(folder, 'fifo')}
  vrrp_notify_fifo_script ${reader}
  vrrp_notify_priority_changes
  fifo_write_vrrp_states_on_reload`)}
vrrp_track_file value {\n  file ${join(folder, 'value')}\n}
${fast({
  priority: 200,
  more: [
    'smtp_alert',
    'track_file {\n value\n }',
    ...['master', 'backup', 'fault', 'stop'].map(state => `notify_${state} "${append} ${state}"`),
    `notify "/bin/sh -c 'echo $3 >${status}; exec ${append} all $1 $2 $3 $4' sh"`,
  ].join('\n  '),
})}`;
      const a = node(0, config);
      await a.expect('VG_1=MASTER');
      writeFileSync(join(folder, 'value'), '5');
      await priority(a, 205);
      expect(await a.command('reload')).toMatchObject({ code: 0 });
      segment.hosts[0]?.cable(false);
      await a.expect('VG_1=FAULT');
      segment.hosts[0]?.cable(true);
      await a.expect('VG_1=MASTER');
      expect(await a.end()).toBe(0);
      const states = ['BACKUP 200', 'MASTER 200', 'FAULT 205', 'BACKUP 205', 'MASTER 205', 'STOP 205'];
      expect(linesOf(log)).toEqual(
        states.flatMap(each => [each.split(' ')[0]?.toLowerCase(), `all INSTANCE VG_1 ${each}`]),
      );
      expect(readFileSync(status, 'utf8')).toBe('STOP\n');
      expect(linesOf(read)).toEqual([
        ...states.slice(0, 2).map(each => `INSTANCE "VG_1" ${each}`),
        'INSTANCE "VG_1" MASTER_PRIORITY 205',
        'INSTANCE "VG_1" MASTER 205',
        ...states.slice(2).map(each => `INSTANCE "VG_1" ${each}`),
      ]);
      expect(server.subjects(), a.log).toEqual(
        states.map(each => {
          const [state = ''] = each.split(' ');
          return `[lb] VRRP Instance VG_1 - ${state === 'STOP' ? 'Stopping' : `Entering ${state} state`}`;
        }),
      );
      expect(server.text()).toContain('From: lb@example.com');
      expect(server.text()).toContain('To: ops@example.com, second@example.com');
      expect(server.text()).toContain('=> VRRP Instance is now owning VRRP VIPs <=');
      server.stop();
    },
  );

  test.concurrent(
    'startup_script runs before everything, shutdown_script after it',
    async ({ onTestFinished }) => {
      const { folder, node } = await bench(onTestFinished);
      const log = join(folder, 'log');
      const append = appender(folder, log);
      const slow = join(folder, 'slow.sh');
      writeFileSync(slow, `#!/bin/sh\necho slow >>${log}\nexec sleep 60\n`, { mode: 0o755 });
      const config = `${globals(`startup_script "${append} startup"
  shutdown_script ${slow}
  shutdown_script_timeout 1`)}
${fast({ priority: 254, more: `notify "${append}"` })}`;
      const a = node(0, config);
      await a.expect('VG_1=MASTER');
      expect(await a.end()).toBe(0);
      expect(linesOf(log)).toEqual([
        'startup',
        'INSTANCE VG_1 BACKUP 254',
        'INSTANCE VG_1 MASTER 254',
        'INSTANCE VG_1 STOP 254',
        'slow',
      ]);
      expect(a.log).toContain('shutdown_script');
      expect(a.log).toContain('ran for more than 1000 ms and was killed');
    },
  );
});
