/** `lvs-dr-dual-master` on the other Debian releases: a director and a real server of each, in one lab. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import type { Release } from '#lab/spec.ts';
import { alternate, balanced, curls, held, inventoryPath, ipvsLab } from '../support/ipvs-lab.ts';
import { eventually, ownPaths } from '../support/pair.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

const NAME = 'lvs-dr-dual-master';
const INVENTORY = inventoryPath(NAME);
const VIPS = ['10.16.8.100', '10.16.8.101'] as const;
const DIRECTORS = ['ka67', 'ka68'];
const IMAGES: Readonly<Record<string, Release>> = {
  ka67: 'bullseye',
  ka68: 'trixie',
  web8: 'bullseye',
  web9: 'trixie',
};
const VERSIONS = { bullseye: '11', trixie: '13' } as const;

let lab: Lab;

beforeAll(async () => {
  lab = await ipvsLab(NAME, IMAGES);
  for (const [host, release] of Object.entries(IMAGES)) {
    const { stdout } = await lab.exec(host, ['cat', '/etc/os-release'], { check: true });
    expect(stdout).toContain(`VERSION_ID="${VERSIONS[release as keyof typeof VERSIONS]}"`);
  }
  for (const host of ['web8', 'web9']) await answerWithName(lab, host);
});

afterAll(async () => await lab.down());

/** These images have no web server, and every Debian has perl-base. */
async function answerWithName(lab: Lab, host: string): Promise<void> {
  const script = `cat >/root/web.pl <<'END'
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 80, Listen => 64, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) {
  while (my $line = <$client>) { last if $line =~ /^\\r?$/ }
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\n$ARGV[0]\\n";
  close $client;
}
END
systemd-run --unit=web perl /root/web.pl ${host}`;
  await lab.exec(host, { script }, { check: true });
}

/** Both addresses are balanced over both real servers by this director. */
async function balances(director: string): Promise<void> {
  await eventually(`the table of ${director}`, 40_000, async () => {
    return Object.values(await balanced(lab, director)).flat().length === 4;
  });
}

/** Addresses whose answers do not alternate, with what they answered. */
async function lopsided(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const vip of VIPS) {
    const answers = await curls(lab, `http://${vip}/`, 10);
    if (!alternate(answers, ['web8', 'web9'])) found.push(`${vip}: ${answers.join(' ')}`);
  }
  return found;
}

test('Debian 11 and 13: built, and a second apply finds nothing to do', async () => {
  const first = await tandem(lab, ['apply', '-i', INVENTORY, '--json']);
  expect(first.code, said(first)).toBe(0);
  await held(lab, DIRECTORS, { [VIPS[0]]: 'ka67', [VIPS[1]]: 'ka68' });
  const second = await tandem(lab, ['apply', '-i', INVENTORY, '--json']);
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
});

test('Debian 11 and 13: each director balances over a real server of each', async () => {
  for (const director of DIRECTORS) await balances(director);
  expect(await lopsided()).toEqual([]);
});

test.each([
  ['13', 'ka67', 'ka68'],
  ['11', 'ka68', 'ka67'],
])('Debian %s alone serves both addresses when the other director crashes', async (_version, gone, left) => {
  await lab.crash(gone);
  await held(lab, [left], { [VIPS[0]]: left, [VIPS[1]]: left });
  expect(await lopsided()).toEqual([]);
  await lab.start(gone);
  await held(lab, DIRECTORS, { [VIPS[0]]: 'ka67', [VIPS[1]]: 'ka68' });
  await balances(gone);
});

test('Debian 11 and 13: taken down without a trace of ours', async () => {
  const torn = await tandem(lab, ['teardown', '-i', INVENTORY, '--yes', NAME, '--json']);
  expect(torn.code, said(torn)).toBe(0);
  for (const host of Object.keys(IMAGES)) expect(await ownPaths(lab, host)).toEqual([]);
});
