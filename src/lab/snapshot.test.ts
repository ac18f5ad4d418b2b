import { describe, expect, test } from 'vitest';
import { EXCLUSIONS } from './exclusions.ts';
import { compareSnapshots, formatDifferences, parseSnapshot } from './snapshot.ts';

const DIGEST = 'a'.repeat(64);

const TEXT = [
  'noise before\n',
  `\u0001files\nf 644 0:0 \t/etc/a b\0l 777 0:0 b\t/etc/link\0d 755 0:0 \t/etc\0`,
  `\u0001contents\n${DIGEST}  /etc/a b\0`,
  '\u0001sysctl\nnet/ipv4/tcp_rmem:4096\t131072\nnet/ipv4/ip_forward:0\n',
  '\u0001address\n2: eth0    inet 10.0.0.1/8 brd 10.255.255.255 scope global eth0\\       valid_lft 59sec preferred_lft forever\n',
  '\u0001link\n2: eth0@if5: <UP> mtu 1500 \\    link/ether 02:00:00:00:00:01 link-netnsid 0\n',
  '\u0001nft\ntable inet a {\n\tchain c {\n\t}\n}\ntable ip b {\n}\n',
  '\u0001unit\nssh.service loaded active running OpenBSD Secure Shell server\n',
  '\u0001user\nroot:x:0:0:root:/root:/bin/bash\n',
].join('');

describe('snapshots', () => {
  test('sections become keys', () => {
    expect(Object.fromEntries(parseSnapshot(TEXT))).toEqual({
      'file:/etc/a b': `f 644 0:0\n${DIGEST}`,
      'file:/etc/link': 'l 777 0:0 b',
      'file:/etc': 'd 755 0:0',
      'sysctl:net/ipv4/tcp_rmem': '4096\t131072',
      'sysctl:net/ipv4/ip_forward': '0',
      'address:eth0 inet 10.0.0.1/8':
        'brd 10.255.255.255 scope global eth0 valid_lft finite preferred_lft forever',
      'link:eth0': '<UP> mtu 1500 link/ether 02:00:00:00:00:01',
      'nft:table inet a': 'table inet a {\n\tchain c {\n\t}\n}',
      'nft:table ip b': 'table ip b {\n}',
      'unit:ssh.service': 'loaded active running',
      'user:root': 'root:x:0:0:root:/root:/bin/bash',
    });
  });

  test('what was added, removed and changed is told apart', () => {
    const before = new Map([['file:/a', '1'], ['file:/b', '1'], ['file:/c', '1']]); // prettier-ignore
    const after = new Map([['file:/b', '2'], ['file:/c', '1'], ['file:/d', '1']]); // prettier-ignore
    expect(formatDifferences(compareSnapshots(before, after))).toBe(
      '- file:/a: 1\n- file:/b: 1\n+ file:/b: 2\n+ file:/d: 1',
    );
  });

  test.each([
    'file:/etc/passwd',
    'file:/etc/systemd/system/tandemd.service',
    'file:/run/tandemd',
    'file:/run/systemd/system/tandemd.service',
    'file:/tmp/left',
    'file:/var/log/tandem.log',
    'file:/var/lib/tandem/ledger',
    'unit:tandemd.service',
    'sysctl:net/ipv4/ip_forward',
    'sysctl:net/ipv4/conf/eth0/arp_ignore',
    'route:172.16.8.0/24 dev eth0',
    'nft:table inet filter',
  ])('no exclusion hides %s', key => {
    expect(compareSnapshots(new Map(), new Map([[key, 'x']]))).toHaveLength(1);
  });

  test('every exclusion gives its reason and is anchored', () => {
    for (const { keys, reason } of EXCLUSIONS) {
      expect(reason).not.toBe('');
      expect(keys.source.startsWith('^')).toBe(true);
    }
  });
});
