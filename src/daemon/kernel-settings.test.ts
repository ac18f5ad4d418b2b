import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KernelSettings } from './kernel-settings.ts';
import { Log } from './log.ts';

const ARP = 'ipv4/conf/eth0/arp_ignore';
let folder = '';
let lines: string[] = [];
const path = (name: string): string => join(folder, 'net', name);
const record = (): string => join(folder, 'run', 'settings.json');
const valueOf = (name: string): string => readFileSync(path(name), 'utf8').trim();

function settings(): KernelSettings {
  const log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
  return new KernelSettings(record(), log, join(folder, 'net'));
}

beforeEach(() => {
  lines = [];
  folder = mkdtempSync(join(tmpdir(), 'tandem-settings-'));
  mkdirSync(join(folder, 'net/ipv4/conf/eth0'), { recursive: true });
  writeFileSync(path(ARP), '0\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('kernel settings', () => {
  test('are set while they are wanted, and put back', () => {
    const used = settings();
    used.apply('arp', new Map([[ARP, '1']]));
    expect(valueOf(ARP)).toBe('1');
    used.apply('other', new Map());
    expect(valueOf(ARP)).toBe('1');
    used.apply('arp', new Map());
    expect(valueOf(ARP)).toBe('0');
    expect(existsSync(record())).toBe(false);
  });

  test('a successor of a killed daemon puts back what the host had', () => {
    settings().apply('arp', new Map([[ARP, '1']]));
    const next = settings();
    next.apply('arp', new Map([[ARP, '1']]));
    next.apply('arp', new Map());
    expect(valueOf(ARP)).toBe('0');
  });

  test('a successor that does not want them puts them back at once', () => {
    settings().apply('arp', new Map([[ARP, '1']]));
    settings().apply('arp', new Map());
    expect(valueOf(ARP)).toBe('0');
    expect(existsSync(record())).toBe(false);
  });

  test('an interface that is gone needs nothing, one that comes again is set again', () => {
    const used = settings();
    used.apply('arp', new Map([[ARP, '1']]));
    writeFileSync(path(ARP), '0\n');
    used.apply('arp', new Map([[ARP, '1']]));
    expect(valueOf(ARP)).toBe('1');
    rmSync(path(ARP));
    used.apply('arp', new Map());
    expect(lines).toEqual([]);
    expect(existsSync(path(ARP))).toBe(false);
  });

  test.each(['{', '[["arp ipv4/conf/../../../etc/x","1"]]', '[["arp etc/x","1"]]', '[[1,2],3]'])(
    'a record that makes no sense is no record: %s',
    text => {
      mkdirSync(join(folder, 'run'));
      writeFileSync(record(), text);
      settings().apply('arp', new Map());
      expect(lines).toEqual([]);
    },
  );

  test('a setting that is not there is told', () => {
    settings().apply('arp', new Map([['ipv4/conf/eth9/arp_ignore', '1']]));
    expect(lines.join()).toContain('eth9/arp_ignore cannot be set');
  });
});
