/** A DR real server is torn down alone, put back, drained and undrained, and clients do not notice. Tests run in this order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult, Lab } from '#lab/lab.ts';
import { balanced, held, inventoryPath, ipvsLab } from '../support/ipvs-lab.ts';
import { eventually } from '../support/pair.ts';
import { requests, type Requested } from '../support/requests.ts';
import { eventsOf, said, tandem } from '../support/tandem.ts';

const INVENTORY = inventoryPath('lvs-dr-dual-master');
const DIRECTORS = ['ka67', 'ka68'] as const;
const VIPS = ['10.16.8.100', '10.16.8.101'] as const;
const URLS = VIPS.map(vip => `http://${vip}/`);
const PER_SECOND = 50;
const BOTH = ['10.16.8.8:80', '10.16.8.9:80'];
const ONLY_WEB9 = ['10.16.8.9:80'];
const SLOW_BYTES = 400_000;
/** Long enough that a download is still going on when its real server has got weight 0. */
const SLOW_BYTES_PER_SECOND = 10_000;
const ARP = 'net.ipv4.conf.eth1.arp_ignore net.ipv4.conf.eth1.arp_announce';
const FIRST = '2\n1\n';
let lab: Lab;

const SERVE = `set -eu
cat >/etc/nginx/sites-enabled/default <<EOF
server {
  listen 80;
  location = / { return 200 "$(cat /etc/hostname)\\n"; }
  location /slow { root /var/www; limit_rate ${SLOW_BYTES_PER_SECOND}; }
}
EOF
head -c ${SLOW_BYTES} /dev/zero >/var/www/slow
ln -sf /lib/systemd/system/nginx.service /etc/systemd/system/multi-user.target.wants/nginx.service
systemctl start nginx`;

beforeAll(async () => {
  lab = await ipvsLab('lvs-dr-dual-master');
  for (const host of ['web8', 'web9']) await on(host, SERVE);
  await on('web8', 'sysctl -qw net.ipv4.conf.eth1.arp_ignore=2 net.ipv4.conf.eth1.arp_announce=1');
  const applied = await ours('apply');
  expect(applied.code, said(applied)).toBe(0);
  await held(lab, DIRECTORS, { '10.16.8.100': 'ka67', '10.16.8.101': 'ka68' });
  await tables('both serve', BOTH);
});

afterAll(async () => await lab?.down());

const on = async (host: string, script: string): Promise<string> =>
  (await lab.exec(host, { script }, { check: true })).stdout;

const ours = (...argv: string[]): Promise<ExecResult> => tandem(lab, [...argv, '-i', INVENTORY, '--json']);

/** Both directors' tables have these real servers with a weight, for both addresses. */
async function tables(what: string, expected: readonly string[]): Promise<void> {
  await eventually(what, 20_000, async () => {
    const seen = await Promise.all(
      DIRECTORS.map(async director => Object.values(await balanced(lab, director))),
    );
    return seen.flat().length === 4 && seen.flat().every(servers => servers.join() === expected.join());
  });
}

/** Runs `work` while requests go to both addresses, none of which may fail. */
async function unnoticed(what: string, work: () => Promise<unknown>): Promise<Requested> {
  const stop = await requests(lab, URLS, PER_SECOND);
  await work();
  const requested = await stop();
  const { sent, failed, answers, lately, elapsedMs } = requested;
  const seconds = elapsedMs / 1000;
  console.log(
    `${what}: ${sent} requests in ${seconds.toFixed(1)} s, ${failed.length} failed, answers ${JSON.stringify(answers)}, in the last second ${JSON.stringify(lately)}`,
  );
  expect(failed).toEqual([]);
  expect(sent / seconds).toBeGreaterThan(PER_SECOND * 0.95);
  return requested;
}

const drained = (result: ExecResult) => eventsOf(result).filter(event => event.type === 'drain');

/** Two at once through one address, of which one each is on web8 and on web9: what came of them, in bytes. */
async function downloads(): Promise<string> {
  const url = `http://${VIPS[0]}/slow`;
  const each = ['-o', '/dev/null', url];
  const argv = ['curl', '-sS', '-m', '250', '-w', '%{size_download} ', '--parallel', '--parallel-immediate'];
  return (await lab.controllerExec([...argv, ...each, ...each], { timeoutMs: 250_000 })).stdout.trim();
}

const STATE = 'ip -o addr; sysctl -a --pattern arp_; cat /var/lib/tandem/ledger';

test('torn down alone it is drained, forgotten and as it was before, while a download ends in peace', async () => {
  const web9 = await on('web9', STATE);
  let slow: Promise<string> | undefined;
  const { lately } = await unnoticed('teardown --limit web8', async () => {
    const argv = ['teardown', '--limit', 'web8', '--drain-timeout', '200', '-i', INVENTORY, '--json'];
    const torn = await tandem(lab, argv, {
      // Nothing has been changed yet, and soon will be.
      onLine: line => {
        if (line.includes('"phase":"staging"')) slow ??= downloads();
      },
    });
    expect(torn.code, said(torn)).toBe(0);
    const events = drained(torn);
    console.log(JSON.stringify(events));
    expect(events[0]).toMatchObject({ status: 'draining' });
    expect(events.slice(-2)).toMatchObject([{ status: 'drained', connections: 0 }, { status: 'removed' }]);
    await tables('web9 serves', ONLY_WEB9);
  });
  expect(Object.keys(lately)).toEqual(['web9']);
  expect(await slow).toBe(`${SLOW_BYTES} ${SLOW_BYTES}`);
  expect(await on('web8', 'grep -c "GET /slow" /var/log/nginx/access.log')).toBe('1\n');
  await held(lab, ['web8', 'web9'], { [VIPS[0]]: 'web9', [VIPS[1]]: 'web9' });
  expect(await on('web8', `sysctl -n ${ARP}`)).toBe(FIRST);
  expect(await on('web8', 'ls -d /etc/tandem /var/lib/tandem /opt/tandem 2>/dev/null || :')).toBe('');
  expect(await on('web9', STATE)).toBe(web9);
});

test('an apply of all puts it back', async () => {
  await unnoticed('apply', async () => {
    const all = await ours('apply');
    expect(all.code, said(all)).toBe(0);
    await tables('both serve', BOTH);
  });
  await held(lab, ['web8', 'web9'], { [VIPS[0]]: 'web8,web9', [VIPS[1]]: 'web8,web9' });
});

test('drained and undrained', async () => {
  const drain = await ours('drain', 'web8');
  expect(drain.code, said(drain)).toBe(0);
  expect(drained(drain).at(-1)).toMatchObject({ status: 'drained', connections: 0 });
  await tables('web9 serves', ONLY_WEB9);
  const undrain = await ours('undrain', 'web8');
  expect(undrain.code, said(undrain)).toBe(0);
  await tables('both serve', BOTH);
});
