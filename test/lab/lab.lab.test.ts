/** The lab itself: hosts that behave as hosts, faults that are seen, snapshots that find what changed, nothing left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  compareSnapshots,
  formatDifferences,
  labUp,
  listLabs,
  openLab,
  snapshotHost,
  sweepDeadLabs,
  type Lab,
  type LabSpec,
} from '#lab/lab.ts';

const NAME = `lab-test-${process.pid}`;

const SPEC: LabSpec = {
  name: NAME,
  networks: [{ name: 'lan' }, { name: 'wan', snooping: true }],
  hosts: [host('ka67', 10, 'nftables-drop'), host('ka68', 11, 'none')],
  controller: { addresses: { lan: ['172.16.8.1/24', '2001:db8:8::1/64'], wan: ['10.16.8.1/24'] } },
};

function host(name: string, last: number, firewall: 'none' | 'nftables-drop') {
  return {
    name,
    firewall,
    layers: ['keepalived' as const],
    interfaces: [
      { name: 'eth0', network: 'lan', addresses: [`172.16.8.${last}/24`, `2001:db8:8::${last}/64`] },
      { name: 'eth1', network: 'wan', addresses: [`10.16.8.${last}/24`] },
    ],
  };
}

let lab: Lab;
let upMs: number;

beforeAll(async () => {
  await sweepDeadLabs();
  // Images are built here, once; what is measured is the boot.
  const booted: string[] = [];
  lab = await labUp(SPEC, { ephemeral: true, onProgress: line => booted.push(line) });
  upMs = Math.max(...booted.flatMap(line => Number(/up in (\d+) ms/.exec(line)?.[1] ?? [])));
});

afterAll(async () => {
  await lab?.down();
});

const ssh = (name: string, command: string) => ['ssh', '-F', lab.ssh.configFile, name, command];

async function pings(from: string, address: string): Promise<boolean> {
  const argv = ['ping', '-n', '-c', '1', '-W', '1', address];
  const result = from === 'controller' ? await lab.controllerExec(argv) : await lab.exec(from, argv);
  return result.code === 0;
}

async function eventually(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}

describe('hosts', () => {
  test('come up quickly, with nothing failed', async () => {
    expect(upMs).toBeLessThan(15_000);
    for (const { name } of SPEC.hosts) {
      const state = await lab.exec(name, ['systemctl', 'is-system-running', '--wait']);
      expect(state.stdout.trim(), await lab.journal(name)).toBe('running');
    }
  });

  test('answer over SSH, under the keys that known_hosts has', async () => {
    const hello = await lab.controllerExec(ssh('ka68', 'hostname; id -u'));
    expect(hello).toMatchObject({ code: 0, stdout: 'ka68\n0\n' });
    const options = `-F none -o UserKnownHostsFile=${lab.ssh.knownHostsFile} -o BatchMode=yes -i ${lab.ssh.keyFile}`;
    const byAddress = await lab.controllerExec(['ssh', ...options.split(' '), 'root@10.16.8.10', 'hostname']);
    expect(byAddress.stdout).toBe('ka67\n');
    const stranger = options.replace(lab.ssh.knownHostsFile, '/dev/null');
    expect((await lab.controllerExec(['ssh', ...stranger.split(' '), 'root@10.16.8.10', 'true'])).code).toBe(
      255,
    );
  });

  test('have sysctls of their own', async () => {
    const set = await lab.exec('ka67', {
      script: 'sysctl -qw net.ipv4.ip_forward=1 vm.swappiness=7 net.core.rmem_max=999 && sysctl -q --system',
    });
    expect(set).toMatchObject({ code: 0, stderr: '' });
    const read = ['sysctl', '-n', 'net.ipv4.ip_forward', 'vm.swappiness', 'net.core.rmem_max'];
    expect((await lab.exec('ka67', read)).stdout).toBe('1\n7\n999\n');
    const other = await lab.exec('ka68', read);
    expect(other.stdout.split('\n')[0]).toBe('0');
    expect(other.stdout).not.toMatch(/^(7|999)$/m);
    expect(readFileSync('/proc/sys/vm/swappiness', 'utf8').trim()).not.toBe('7');
    await lab.exec('ka67', ['sysctl', '-qw', 'net.ipv4.ip_forward=0']);
  });

  test('a firewall that drops by default lets SSH and ICMP in, and nothing else', async () => {
    const curl = (address: string) =>
      lab.controllerExec(['curl', '-s', '--max-time', '1', `http://${address}/`]);
    // 28 is a timeout, that is a drop; 7 a refusal.
    expect((await curl('172.16.8.10')).code).toBe(28);
    expect((await curl('172.16.8.11')).code).toBe(7);
  });

  test('a command is bounded, and its end is told', async () => {
    await expect(lab.exec('ka67', ['sleep', '30'], { timeoutMs: 200 })).rejects.toThrow(
      'no end within 200 ms',
    );
    expect(await lab.exec('ka67', { script: 'cat; echo oops >&2; exit 3' }, { stdin: 'in' })).toEqual({
      code: 3,
      stdout: 'in',
      stderr: 'oops\n',
    });
    await expect(lab.exec('nobody', ['true'])).rejects.toThrow('there are: ka67, ka68');
  });
});

describe('faults', () => {
  test('a cut cable is seen by the host and by the others, and heals', async () => {
    const prober = await lab.probe('controller', '172.16.8.11', { intervalMs: 10, maxMs: 20_000 });
    await prober.nextAnswer(5000);
    expect(prober.report()).toMatchObject({ lost: 0 });
    const cutAtMs = Date.now();
    await lab.cut('ka68', 'eth0');
    await eventually('NO-CARRIER', 2000, async () =>
      (await lab.exec('ka68', ['ip', 'link', 'show', 'eth0'])).stdout.includes('NO-CARRIER'),
    );
    expect(await pings('ka67', '172.16.8.11')).toBe(false);
    expect(await pings('controller', '10.16.8.11')).toBe(true);
    expect((await lab.list())[1]).toMatchObject({ name: 'ka68', state: 'running', cutNics: ['eth0'] });
    await lab.heal('ka68', 'eth0');
    await prober.nextAnswer(5000);
    const healedAtMs = Date.now();
    const report = await prober.stop();
    expect(report.lost).toBeGreaterThan(10);
    expect(report.largestGapMs).toBeGreaterThan(300);
    expect(report.largestGapMs).toBeLessThan(healedAtMs - cutAtMs + 100);
    expect(report.answeredAtMs.some(timeMs => timeMs >= cutAtMs)).toBe(true);
    expect(report.sent - report.lost).toBe(report.answeredAtMs.length);
  });

  test('a silent cut keeps the carrier', async () => {
    await lab.silentCut('ka68', 'eth0');
    expect((await lab.exec('ka68', ['ip', 'link', 'show', 'eth0'])).stdout).not.toContain('NO-CARRIER');
    expect(await pings('controller', '172.16.8.11')).toBe(false);
    await lab.heal('ka68');
    expect(await pings('controller', '172.16.8.11')).toBe(true);
  });

  test('a partition leaves the controller out', async () => {
    await lab.partition(['ka67'], ['ka68']);
    expect(await pings('ka67', '172.16.8.11')).toBe(false);
    expect(await pings('ka67', '10.16.8.11')).toBe(false);
    expect(await pings('controller', '172.16.8.10')).toBe(true);
    expect(await pings('controller', '172.16.8.11')).toBe(true);
    await lab.heal();
    expect(await pings('ka67', '172.16.8.11')).toBe(true);
  });

  test('loss of everything is loss, none is none', async () => {
    await lab.loss('ka68', 'eth0', 100);
    expect(await pings('ka67', '172.16.8.11')).toBe(false);
    await lab.loss('ka68', 'eth0', 0);
    expect(await pings('ka67', '172.16.8.11')).toBe(true);
  });

  test('a snooping switch delivers 224.0.0.0/24 and starves other groups', async () => {
    const answers = async (nic: string, group: string) => {
      const echo = 'net.ipv4.icmp_echo_ignore_broadcasts';
      await lab.exec('ka67', { script: `ip addr add ${group}/32 dev ${nic} autojoin; sysctl -qw ${echo}=0` });
      // From the host without a firewall: an answer to a group's echo is `invalid` to conntrack.
      const result = await lab.exec('ka68', [
        'ping',
        '-n',
        '-c',
        '2',
        '-i',
        '0.1',
        '-W',
        '1',
        '-I',
        nic,
        group,
      ]);
      await lab.exec('ka67', { script: `ip addr del ${group}/32 dev ${nic}; sysctl -qw ${echo}=1` });
      return result.stdout.includes('bytes from');
    };
    expect(await answers('eth1', '224.0.0.111')).toBe(true);
    expect(await answers('eth1', '239.1.1.1')).toBe(false);
    expect(await answers('eth0', '239.1.1.1')).toBe(true);
  });
});

describe('observation', () => {
  test('a sniffer on the switch sees who says what', async () => {
    const sniffer = await lab.sniff('lan', { filter: 'icmp or icmp6 or arp' });
    const mac = (await lab.exec('ka67', ['cat', '/sys/class/net/eth0/address'])).stdout.trim();
    await lab.exec('ka67', ['arping', '-U', '-c', '1', '-I', 'eth0', '172.16.8.10']);
    await lab.exec('ka67', ['ping', '-n', '-c', '1', '172.16.8.11']);
    const garp = await sniffer.waitFor(
      frame => frame.etherType === 0x0806 && frame.srcIp === frame.dstIp,
      3000,
    );
    expect(garp).toMatchObject({ srcMac: mac, srcIp: '172.16.8.10' });
    const reply = await sniffer.waitFor(frame => frame.proto === 1 && frame.dstIp === '172.16.8.10', 3000);
    expect(reply.payload[0]).toBe(0);
    expect(Math.abs(reply.timeMs - Date.now())).toBeLessThan(10_000);
    await lab.exec('ka67', ['ping', '-n', '-c', '1', '2001:db8:8::11']);
    await sniffer.waitFor(frame => frame.proto === 58 && frame.srcIp === '2001:db8:8::11', 3000);
    const frames = await sniffer.stop();
    expect(frames.every((frame, index) => frame.timeMs >= (frames[index - 1]?.timeMs ?? 0))).toBe(true);
    await expect(lab.sniff('lan', { filter: 'not a filter' })).rejects.toThrow('has ended');
  });
});

describe('power', () => {
  const bootId = async (name: string) =>
    (await lab.exec(name, ['cat', '/proc/sys/kernel/random/boot_id'])).stdout;

  test('a crash kills everything, and starting again finds the disk', async () => {
    await lab.exec('ka68', { script: 'echo kept >/root/kept; sync; systemd-run -q sleep 1000' });
    const before = await bootId('ka68');
    await lab.crash('ka68');
    expect((await lab.list())[1]).toMatchObject({ state: 'down' });
    expect(await pings('controller', '172.16.8.11')).toBe(false);
    await expect(lab.exec('ka68', ['true'])).rejects.toThrow('ka68 is down');
    await lab.start('ka68');
    expect((await lab.exec('ka68', ['cat', '/root/kept'])).stdout).toBe('kept\n');
    expect((await lab.exec('ka68', { script: 'pgrep -x sleep || echo none' })).stdout).toBe('none\n');
    expect(await bootId('ka68')).not.toBe(before);
    await lab.exec('ka68', ['rm', '/root/kept']);
  });

  test('stop is orderly, and a cut cable is still cut after the next start', async () => {
    await lab.cut('ka68', 'eth1');
    await lab.stop('ka68');
    expect(await lab.journal('ka68')).toContain('Shutting down');
    await lab.start('ka68');
    expect((await lab.exec('ka68', ['ip', 'link', 'show', 'eth1'])).stdout).toContain('NO-CARRIER');
    await lab.heal();
  });

  test('reboots, asked for from outside and from inside', async () => {
    const first = await bootId('ka68');
    await lab.reboot('ka68');
    const second = await bootId('ka68');
    expect(second).not.toBe(first);
    // SSH answers before the boot is over, and a reboot in the middle of one is another matter.
    await eventually('the end of the boot', 30_000, async () =>
      /^(running|degraded)$/m.test((await lab.exec('ka68', ['systemctl', 'is-system-running'])).stdout),
    );
    await lab.controllerExec(ssh('ka68', 'systemctl reboot'));
    // systemd kills what does not stop after 90 s, and what is left at the end after 10 more.
    await eventually('another boot', 120_000, async () => {
      const now = await lab.exec('ka68', ['cat', '/proc/sys/kernel/random/boot_id']).catch(() => undefined);
      return now?.code === 0 && now.stdout !== second;
    });
    await eventually('SSH', 20_000, async () => (await lab.controllerExec(ssh('ka68', 'true'))).code === 0);
  });
});

describe('snapshots', () => {
  test('find what was planted, and nothing on a host that was only used', async () => {
    const startedAt = performance.now();
    const before = await snapshotHost(lab, 'ka68');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await lab.controllerExec(ssh('ka68', 'systemctl restart ssh; ls /etc'))).code).toBe(0);
    await lab.reboot('ka68');
    expect(formatDifferences(compareSnapshots(before, await snapshotHost(lab, 'ka68')))).toBe('');

    const plant =
      'echo x >/etc/planted; chmod 600 /etc/hostname; sysctl -qw net.ipv4.conf.all.arp_ignore=1; useradd -M planted';
    await lab.exec(
      'ka68',
      { script: `${plant}; ip addr add 172.16.8.100/32 dev eth0; nft add table inet planted` },
      { check: true },
    );
    const found = compareSnapshots(before, await snapshotHost(lab, 'ka68'));
    expect(found.map(({ key }) => key)).toEqual(
      expect.arrayContaining([
        'address:eth0 inet 172.16.8.100/32',
        'file:/etc/hostname',
        'file:/etc/planted',
        'file:/etc/shadow',
        'group:planted',
        'nft:table inet planted',
        'sysctl:net/ipv4/conf/all/arp_ignore',
        'user:planted',
      ]),
    );
  });
});

describe('labs beside each other', () => {
  test('another process finds a lab, and one whose process was killed is swept', async () => {
    const second = `${NAME}-b`;
    const program = `
      const { labUp } = await import('#lab/lab.ts');
      const spec = JSON.parse(process.argv[1]);
      await labUp(spec, { ephemeral: true });
      console.log('up');
      setInterval(() => {}, 1000);
    `;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', program, JSON.stringify({ ...SPEC, name: second })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    expect(String(said)).toBe('up\n');
    const other = await openLab(second);
    // The same addresses in both, and neither hears the other.
    await other.exec('ka67', ['touch', '/root/other']);
    expect((await lab.exec('ka67', ['ls', '/root'])).stdout).toBe('');
    await expect(labUp({ ...SPEC, name: second })).rejects.toThrow('already there');
    expect(await sweepDeadLabs()).toEqual([]);

    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await listLabs()).toContainEqual({ name: second, hosts: 2, ephemeral: true, ownerAlive: false });
    expect(await sweepDeadLabs()).toContain(second);
    expect(traces(second, [])).toEqual([]);
    expect(await pings('controller', '172.16.8.10')).toBe(true);
  });

  test('down leaves nothing, and may be said twice', async () => {
    const pids = (await lab.list()).flatMap(({ pid }) => pid ?? []);
    expect(pids).toHaveLength(2);
    const lingering = spawn('nsenter', [`--net=/run/tandem-lab/${NAME}/controller.netns`, 'sleep', '300'], {
      stdio: 'ignore',
    });
    const namespaces = pids.map(pid => readlinkSync(`/proc/${pid}/ns/net`));
    await lab.down();
    await lab.down();
    await eventually('nothing left', 5000, () => traces(NAME, namespaces).length === 0);
    expect(lingering.signalCode ?? (await once(lingering, 'exit'))[1]).toBe('SIGKILL');
    await expect(openLab(NAME)).rejects.toThrow('no lab called');
  });
});

/** What is left of a lab: mounts, directory, cgroup, processes in its network namespaces or below its paths. */
function traces(name: string, namespaces: readonly string[]): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(`/tandem-lab/${name}/`) || line.includes(`/tandem-lab/${name} `));
  const cgroups = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].map(root => `${root}/tandem-lab-${name}`);
  const files = [...cgroups, `/run/tandem-lab/${name}`].filter(existsSync);
  const processes = readdirSync('/proc').filter(entry => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return (
        namespaces.includes(readlinkSync(`/proc/${entry}/ns/net`)) ||
        command.includes(`/run/tandem-lab/${name}/`)
      );
    } catch {
      return false;
    }
  });
  return [...mounts, ...files, ...processes];
}
