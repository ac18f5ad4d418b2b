import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import type { Fragment } from '#provision/model/shell.ts';
import { sh } from '#provision/model/shell.ts';
import type { Change } from '#provision/model/module.ts';
import { procPath, sysctl, sysctlReverter } from './sysctl.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function planned(answer: string, value: string | number = 1): readonly Change[] {
  const args = sysctl.schema.parse({ name: 'net.ipv4.ip_forward', value });
  return sysctl.diff(args, sysctl.parse(encode(answer), args), host.context());
}

describe('sysctl', () => {
  test.each([
    ['=1\n=1\n', 1, []],
    ['=0\n\n', 1, ['0 → 1, in /etc/sysctl.d/99-tandem.conf: nothing → 1']],
    ['=1\n\n', '1', ['in /etc/sysctl.d/99-tandem.conf: nothing → 1']],
    ['=0\n= 1\n', 1, ['0 → 1']],
    ['=4096\t87380\t6291456\n=4096 87380 6291456\n', '4096  87380 6291456', []],
  ])('%j with %j wanted: %j', (answer, value, summaries) => {
    expect(planned(answer, value).map(change => change.summary)).toEqual(summaries);
  });

  test('a kernel without the parameter is said to be one', () => {
    expect(() => planned('\n\n')).toThrow(
      /this kernel has no net\.ipv4\.ip_forward \(\/proc\/sys\/net\/ipv4\/ip_forward\)/,
    );
  });

  test('one that a module brings later is only written for the boot, where the task says so', () => {
    const args = sysctl.schema.parse({ name: 'net.ipv4.vs.sloppy_tcp', value: 1, ignore_missing: true });
    const plan = (answer: string) =>
      sysctl.diff(args, sysctl.parse(encode(answer), args), host.context()).map(change => change.summary);
    expect(plan('\n\n')).toEqual(['in /etc/sysctl.d/99-tandem.conf: nothing → 1']);
    expect(plan('\n=1\n')).toEqual([]);
    expect(plan('=0\n=1\n')).toEqual(['0 → 1']);
  });

  test.each([
    ['net.ipv4.conf.eth0/100.rp_filter', '/proc/sys/net/ipv4/conf/eth0.100/rp_filter'],
    ['net/ipv4/conf/eth0.100/rp_filter', '/proc/sys/net/ipv4/conf/eth0.100/rp_filter'],
    ['vm.swappiness', '/proc/sys/vm/swappiness'],
  ])('%s is %s', (name, path) => {
    expect(procPath(name)).toBe(path);
  });

  test('live, in the file beside other lines, and both as before at teardown', async () => {
    mkdirSync(host.path('proc'));
    writeFileSync(host.path('proc/a'), '0\n');
    writeFileSync(host.path('proc/b'), '5 \n');
    const conf = host.path('sysctl.d/99-tandem.conf');
    const moved = (fragment: Fragment): Promise<Uint8Array> => host.ask(toOwnProc(fragment));
    const entry = { owners: [], state: 'done', order: 1, previous: undefined } as const;
    const entries = [];
    for (const name of ['x.a', 'x.b']) {
      const args = sysctl.schema.parse({ name, value: 1, sysctl_file: conf });
      const read = async (): Promise<readonly Change[]> =>
        sysctl.diff(args, sysctl.parse(await moved(sysctl.probe(args)), args), host.context());
      const [change] = await read();
      if (change) await moved(sysctl.apply(change, args, host.context()));
      expect(await read()).toEqual([]);
      entries.push({
        ...entry,
        resource: `sysctl:${name}`,
        first: change?.from ?? null,
        ours: change?.to ?? null,
      });
    }
    expect(readFileSync(conf, 'utf8')).toBe('x.a = 1\nx.b = 1\n');
    for (const each of entries.reverse()) {
      expect(sysctlReverter.verdict(each, await moved(sysctlReverter.probe(each)))).toBe('ours');
      await moved(sysctlReverter.revert(each));
      expect(sysctlReverter.verdict(each, await moved(sysctlReverter.probe(each)))).toBe('gone');
    }
    expect(existsSync(conf)).toBe(false);
    expect(readFileSync(host.path('proc/a'), 'utf8')).toBe('0\n');
    writeFileSync(host.path('proc/a'), '7\n');
    const [, first] = entries;
    expect(first && sysctlReverter.verdict(first, await moved(sysctlReverter.probe(first)))).toBe('foreign');
  });

  /** The kernel's own parameters are not for tests to change. */
  function toOwnProc(fragment: Fragment): Fragment {
    const text = fragment.text.replaceAll('/proc/sys/x/', `${host.path('proc')}/`);
    return sh`eval ${text}`;
  }
});
