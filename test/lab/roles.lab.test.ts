/** Roles beside VRRP, on hosts that have the real programs: rsyslog, nginx, haproxy, a real server's unit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { Lab, Snapshot } from '#lab/lab.ts';
import { loadInventory } from '#provision/model/inventory.ts';
import { memoryFiles } from '#provision/model/inventory-memory.ts';
import { parseYaml } from '#provision/model/yaml.ts';
import { renderTemplate } from '#provision/model/template.ts';
import { emptyHostTopology, type HostTopology } from '#provision/model/topology.ts';
import { hostVariables } from '#provision/model/variables.ts';
import { differences, eventually, INVENTORY, NODES, raisePair, snapshots } from '../support/pair.ts';
import { countSshUse } from '../support/sessions.ts';
import { ROOT, said, tandem, totalsOf } from '../support/tandem.ts';

let lab: Lab;
let directory: string;
let before: ReadonlyMap<string, Snapshot>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-roles-'));
  lab = await raisePair('roles', { layers: ['services'] });
  before = await snapshots(lab);
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const ASKED = ['-e', 'logging_facility=local6'];
const apply = (...more: string[]) => tandem(lab, ['apply', '-i', INVENTORY, '--json', ...ASKED, ...more]);
const on = async (host: string, script: string): Promise<string> =>
  (await lab.exec(host, { script }, { check: true })).stdout;

describe('logs in a file of their own', () => {
  test('rsyslog writes the daemon’s facility there, and a second apply finds nothing to do in one exec', async () => {
    const first = await apply();
    expect(first.code, said(first)).toBe(0);
    await eventually('the log says who is master', 15_000, async () => {
      const log = await lab.exec('ka67', ['cat', '/var/log/tandem/tandemd.log']);
      return /VG_1.*MASTER/.test(log.stdout);
    });
    expect(await on('ka67', 'logrotate -d /etc/logrotate.d/tandem 2>&1')).toContain('tandemd.log');
    const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
    const second = await apply();
    expect(second.code, said(second)).toBe(0);
    expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
    for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
  });

  test('after a reboot everything is as it was', async () => {
    await lab.reboot('ka68');
    await eventually('plan finds nothing to do', 30_000, async () => {
      return (await tandem(lab, ['plan', '-i', INVENTORY, ...ASKED])).code === 0;
    });
    expect((await on('ka68', 'systemctl is-active rsyslog tandemd')).trim()).toBe('active\nactive');
  });

  test('teardown leaves what was there, but for logs and sockets of rsyslog itself', async () => {
    const torn = await tandem(lab, ['teardown', '-i', INVENTORY, '--yes', 'two-node']);
    expect(torn.code, said(torn)).toBe(0);
    const left = differences(before, await snapshots(lab));
    expect(
      left
        .split('\n')
        .filter(
          line =>
            /^[-+]/.test(line) &&
            !/ file:\/(var\/(log|spool|lib\/haproxy\/dev)\/|run\/systemd\/journal\/syslog:)/.test(line),
        ),
    ).toEqual([]);
  });
});

/** A role's template as a host with these duties gets it. */
function rendered(role: string, template: string, duties: Partial<HostTopology>): string {
  const files = memoryFiles({ 'one.yml': 'all: { hosts: { ka67: {} } }' });
  const { inventory } = loadInventory(['one.yml'], files);
  const path = `${ROOT}roles/${role}/`;
  const defaults = parseYaml(readFileSync(`${path}defaults/main.yml`, 'utf8'), 'defaults').value;
  const tandemOf = JSON.parse(JSON.stringify({ ...emptyHostTopology('ka67'), ...duties })) as unknown;
  const scope = hostVariables(inventory, 'ka67', {
    roleDefaults: defaults as Record<string, never>,
    magic: { tandem: tandemOf },
  });
  return renderTemplate(readFileSync(`${path}templates/${template}`, 'utf8'), scope, { file: template });
}

/** Puts a text on ka67 and returns its path there. */
async function put(name: string, text: string): Promise<string> {
  writeFileSync(join(directory, name), text);
  await lab.exec(
    'ka67',
    { script: `cat >/run/${name}; chmod 755 /run/${name}` },
    { check: true, stdin: text },
  );
  return `/run/${name}`;
}

const upstreams = [
  { host: 'web8', address: '10.16.8.8', port: 80, weight: 1 },
  { host: 'web9', address: '2001:db8::9', port: 8080, weight: 3 },
];
const frontend = {
  name: 'web',
  cluster: 'one',
  mode: 'http',
  binds: [
    { address: '172.16.8.100', port: 80, family: 4 },
    { address: '2001:db8::100', port: 80, family: 6 },
  ],
  upstreams,
  balance: undefined,
  check_path: '/',
  respond: undefined,
  keywords: [],
} as const;
const sorry = {
  ...frontend,
  name: 'sorry',
  upstreams: [],
  respond: { status: 503, body: 'sorry "you"' },
} as const;

describe('what the programs themselves say', () => {
  test('nginx takes its configuration, by the command of the role, which refuses a wrong one', async () => {
    const text = rendered('nginx', 'tandem.conf.njk', {
      nginx: {
        frontends: [frontend, { ...sorry, binds: [{ address: '10.0.0.1', port: 81, family: 4 }] }],
        stats: undefined,
      },
    });
    expect(text).toContain('server [2001:db8::9]:8080 weight=3');
    const tasks = parseYaml(readFileSync(`${ROOT}roles/nginx/tasks/main.yml`, 'utf8'), 'tasks').value;
    const validate = (tasks as { template?: { validate: string } }[]).find(task => task.template)?.template
      ?.validate;
    // It binds what it listens on, as the sysctl that comes before it in site.yml allows.
    await on(
      'ka67',
      'echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind; echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind',
    );
    const good = await put('good.conf', text);
    await on('ka67', String(validate).replace('%s', good));
    const bad = await put('bad.conf', text.replace('proxy_pass', 'proxy_past'));
    const refused = await lab.exec('ka67', { script: String(validate).replace('%s', bad) });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('unknown directive "proxy_past"');
    expect(await on('ka67', 'ls /run/*.whole 2>/dev/null; ls /run/nginx.pid 2>/dev/null || :')).toBe('');
  });

  test('haproxy takes its configuration', async () => {
    const text = rendered('haproxy', 'haproxy.cfg.njk', {
      haproxy: { frontends: [frontend, sorry], stats: { port: 9999, uri: '/' } },
    });
    const path = await put('haproxy.cfg', text);
    const checked = await lab.exec('ka67', ['haproxy', '-c', '-f', path]);
    expect(`${checked.code} ${checked.stdout}${checked.stderr}`).toMatch(/^0 .*Configuration file is valid/s);
  });
});

describe('a real server', () => {
  const vip = {
    family: 4,
    method: 'DR',
    port: 80,
    protocol: 'TCP',
    prefix: 32,
    interface: 'lo',
    options: '',
  } as const;
  const duties: Partial<HostTopology> = {
    real_server: {
      methods: ['DR', 'NAT'],
      modules: [],
      directors: [],
      vips: [
        { ...vip, address: '10.16.8.100' },
        { ...vip, address: '2001:db8::100', family: 6, prefix: 128, options: 'nodad preferred_lft 0' },
      ],
      sysctls: [
        { key: 'net.ipv4.conf.eth0.arp_ignore', value: '1', reason: 'DR' },
        { key: 'net.ipv4.conf.eth0.arp_announce', value: '2', reason: 'DR' },
      ],
      gateways: [
        {
          family: 4,
          from: '172.16.8.10',
          subnet: '172.16.8.0/24',
          interface: undefined,
          address: '172.16.8.100',
          instance: 'one/VG_1',
          table: 191,
          default_route: false,
          services: [{ protocol: 'TCP', port: 8080 }],
        },
      ],
    },
  };

  test('DR: settings and addresses come and go, twice over, and a check says whether they are there', async () => {
    const script = await put('real-server.sh', rendered('real_server', 'real-server.sh.njk', duties));
    const check = async () => (await lab.exec('ka67', [script, 'check'])).code;
    expect(await check()).not.toBe(0);
    await on('ka67', `${script} start && ${script} start`);
    expect(await check()).toBe(0);
    expect(await on('ka67', 'ip -o address show dev lo')).toMatch(/10\.16\.8\.100\/32[^]*2001:db8::100\/128/);
    expect(await on('ka67', 'cat /proc/sys/net/ipv4/conf/eth0/arp_ignore')).toBe('1\n');
    await on('ka67', 'ip address del 10.16.8.100/32 dev lo');
    expect(await check()).not.toBe(0);
    await on('ka67', `${script} start && ${script} stop`);
    expect(await on('ka67', 'ip -o address show dev lo')).not.toMatch(/10\.16\.8\.100|2001:db8/);
  });

  test('DR: nobody hears of the address from it', async () => {
    const asked = async () =>
      (await lab.exec('watch', ['arping', '-c', '2', '-w', '2', '-I', 'eth0', '172.16.8.77'])).stdout;
    const one = {
      ...duties,
      real_server: { ...must(duties.real_server, 'duties'), vips: [{ ...vip, address: '172.16.8.77' }] },
    };
    const script = await put('quiet.sh', rendered('real_server', 'real-server.sh.njk', one));
    await on('ka67', `${script} start`);
    expect(await asked()).toContain('Received 0 response');
    await on('ka67', 'echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_ignore');
    expect(await asked()).toMatch(/Received [12] response/);
    await on('ka67', `${script} stop`);
  });

  test('NAT: answers from the service’s port go through the director, all else as before', async () => {
    const script = await put('routes.sh', rendered('real_server', 'real-server-routes.sh.njk', duties));
    await on('ka67', `${script} start && ${script} start && ${script} check`);
    const route = (more: string) => on('ka67', `ip route get 192.0.2.1 from 172.16.8.10 ${more} 2>&1 || :`);
    expect(await route('ipproto tcp sport 8080')).toContain('via 172.16.8.100 dev eth0');
    expect(await route('ipproto tcp sport 22')).not.toContain('via 172.16.8.100');
    expect((await on('ka67', 'ip rule show pref 1000')).trim().split('\n')).toHaveLength(1);
    await on('ka67', `${script} stop`);
    expect(
      (await on('ka67', 'ip rule show pref 1000; ip route show table 191 2>/dev/null || :')).trim(),
    ).toBe('');
    expect((await lab.exec('ka67', [script, 'check'])).code).not.toBe(0);
  });
});
