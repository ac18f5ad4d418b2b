import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { Director, close, listen, tableIs } from './director.ts';
import { ipvsadm } from './table.ts';

const VIP = '10.9.0.1:80';
const SERVICE = `-A -t ${VIP} -s rr`;
const member = (number: number, weight = 1): string =>
  `-a -t ${VIP} -r 127.0.1.${number}:8080 -m -w ${weight}`;
const FOREIGN = '-A -t 10.9.0.99:99 -s rr';

const real = (number: number, lines = ''): string =>
  `real_server 127.0.1.${number} 8080 {\n${lines}\nTCP_CHECK {\nconnect_timeout 1\n}\n}`;
const config = (lines: string, ...reals: readonly string[]): string =>
  `virtual_server 10.9.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\ndelay_loop 0.2\nwarmup 0\n` +
  `delay_before_retry 0.1\n${lines}\n${reals.join('\n')}\n}\n`;

let director: Director;
beforeEach(() => {
  ipvsadm('-C');
  director = new Director();
});
afterEach(() => director.remove());

test('a director: checks, mending, reload, a killed worker, a killed daemon, a clean stop', async () => {
  const [first, second] = await Promise.all([listen('127.0.1.1', 8080), listen('127.0.1.2', 8080)]);
  ipvsadm('-A', '-t', '10.9.0.99:99', '-s', 'rr');
  const both = [FOREIGN, SERVICE, member(1), member(2)];
  const text = config('', real(1), real(2));
  director.start(text);
  await tableIs(...both);
  await director.said('10.9.0.99');

  await close(first);
  await tableIs(FOREIGN, SERVICE, member(2));
  await director.said('Removing service [127.0.1.1]:tcp:8080 from VS [10.9.0.1]:tcp:80');
  const report = director.ask('status');
  expect(report).toContain('[127.0.1.1]:tcp:8080 is down');
  expect(report).toMatch(/TCP_CHECK: connection refused by 127\.0\.1\.1:8080/);
  expect(director.ask('stats')).toContain(
    'keepalived_lvs_rs_up{vs="[10.9.0.1]:tcp:80",rs="[127.0.1.1]:tcp:8080"} 0',
  );
  const again = await listen('127.0.1.1', 8080);
  await tableIs(...both);
  await director.said('Adding service [127.0.1.1]:tcp:8080 to VS [10.9.0.1]:tcp:80');

  ipvsadm('-C');
  await tableIs(SERVICE, member(1), member(2));
  await director.said('was changed by somebody else');

  director.configure(config('', real(1, 'weight 5'), real(2)));
  director.reload();
  await tableIs(SERVICE, member(1, 5), member(2));

  const worker = must(director.status().worker.pid, 'a worker');
  await close(second);
  await tableIs(SERVICE, member(1, 5));
  process.kill(worker, 'SIGKILL');
  await director.said('the worker process is gone');
  expect(ipvsadm('-Sn')).toEqual([SERVICE, member(1, 5)]);
  const back = await listen('127.0.1.2', 8080);
  await tableIs(SERVICE, member(1, 5), member(2));

  await director.kill();
  expect(ipvsadm('-Sn').toSorted()).toEqual([SERVICE, member(1, 5), member(2)].toSorted());
  director.start(config('', real(1)));
  await tableIs(SERVICE, member(1));

  await director.stop();
  expect(ipvsadm('-Sn')).toEqual([]);
  expect(existsSync(join(director.folder, 'virtual-servers.json'))).toBe(false);
  await Promise.all([close(again), close(back)]);
});

test('the sorry server stands in, and notifications run', async () => {
  const told = join(director.folder, 'told');
  const script = (word: string): string => `"/bin/sh -c 'echo ${word} >> ${told}'"`;
  const lines = [
    'sorry_server 127.0.1.9 8080',
    `quorum_up ${script('quorum-up')} root`,
    `quorum_down ${script('quorum-down')} root`,
    'alpha',
  ].join('\n');
  director.start(
    config(lines, real(3, `notify_up ${script('up')} root\nnotify_down ${script('down')} root`)),
  );
  await tableIs(SERVICE, member(9));
  const words = () => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []);
  await expect.poll(words, { timeout: 20_000 }).toContain('down');
  const server = await listen('127.0.1.3', 8080);
  await tableIs(SERVICE, member(3));
  await close(server);
  await tableIs(SERVICE, member(9));
  await director.said('Lost quorum 1-0=1 > 0 for VS [10.9.0.1]:tcp:80');
  await director.stop();
  // Each server's and each virtual server's come in their order.
  expect(words().filter(word => !word.startsWith('quorum'))).toEqual(['down', 'up', 'down']);
  expect(words().filter(word => word.startsWith('quorum'))).toEqual([
    'quorum-down',
    'quorum-up',
    'quorum-down',
  ]);
});

test('the synchronisation daemon follows an instance', async () => {
  execFileSync('ip', ['link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1']);
  for (const name of ['d0', 'd1']) execFileSync('ip', ['link', 'set', name, 'up']);
  execFileSync('ip', ['address', 'add', '10.9.1.1/24', 'dev', 'd0']);
  const instance =
    'global_defs {\nlvs_sync_daemon d0 V\n}\nvrrp_instance V {\nstate BACKUP\ninterface d0\nvirtual_router_id 7\n' +
    'priority 100\nadvert_int 0.1\nvirtual_ipaddress {\n10.9.0.1/32\n}\n}\n';
  director.start(instance + config('', real(4)));
  await director.said('Entering MASTER STATE');
  await expect
    .poll(() => ipvsadm('-l', '--daemon').join('\n'), { timeout: 20_000 })
    .toMatch(/master sync daemon .*mcast=d0.*syncid=7/);
  await director.stop();
  expect(ipvsadm('-l', '--daemon').join('\n')).not.toContain('sync daemon');
});
