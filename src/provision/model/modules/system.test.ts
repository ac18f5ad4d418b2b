import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { packageReverter, packages } from './package.ts';
import { serviceFacts } from './service-facts.ts';
import { service, serviceReverter } from './service.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

/** A command of the host, that appends how it was called to `log`. */
function command(name: string, script: string): void {
  const text = `#!/bin/sh\ncd '${host.dir}'\necho "${name} $*" >>log\n${script}\n`;
  writeFileSync(`${host.bin}/${name}`, text, { mode: 0o755 });
}

const log = (): string[] =>
  existsSync(host.path('log')) ? readFileSync(host.path('log'), 'utf8').split('\n').filter(Boolean) : [];
const calls = (word: string): string[] => log().filter(line => line.includes(word));

describe('service', () => {
  beforeEach(() => {
    command(
      'systemctl',
      `case "$1 $*" in
show*NeedDaemonReload*) echo LoadState=loaded; echo NeedDaemonReload=yes;;
show*) echo LoadState=\${LOAD:-loaded}; echo ActiveState=$(cat active 2>/dev/null || echo inactive); echo UnitFileState=$(cat enabled 2>/dev/null || echo disabled);;
start*) [ ! -e broken ] || exit 1; echo active >active;;
stop*) rm -f active;; enable*) echo enabled >enabled;; disable*) rm -f enabled;; esac`,
    );
    command('journalctl', 'echo "tandemd: line 3: unknown keyword"');
  });

  test('enabled and started once, after a daemon-reload, and as before at teardown', async () => {
    const args = { name: 'tandemd', enabled: true, state: 'started' };
    const changes = await host.converge(service, args);
    expect(changes.map(change => [change.summary, change.effect])).toEqual([
      ['starts at boot', 'reload'],
      ['inactive → started', 'restart'],
    ]);
    expect(log().indexOf('systemctl daemon-reload')).toBeLessThan(log().indexOf('systemctl start tandemd'));
    expect(await host.plan(service, args)).toEqual([]);
    expect(await host.teardown(serviceReverter)).toEqual({
      'service:tandemd/state': 'ours',
      'service:tandemd/enabled': 'ours',
    });
    expect(existsSync(host.path('active')) || existsSync(host.path('enabled'))).toBe(false);
    expect(await host.teardown(serviceReverter)).toEqual({
      'service:tandemd/state': 'gone',
      'service:tandemd/enabled': 'gone',
    });
  });

  test('a start that fails says what the journal says', async () => {
    writeFileSync(host.path('broken'), '');
    await expect(host.converge(service, { name: 'tandemd', state: 'started' })).rejects.toThrow(
      'line 3: unknown keyword',
    );
  });

  test('a unit that runs and fails its check is restarted, and not one that passes it', async () => {
    writeFileSync(host.path('active'), 'active\n');
    const args = { name: 'tandemd', state: 'started', check: `test ! -e ${host.path('wrong')}` };
    expect(await host.plan(service, args)).toEqual([]);
    writeFileSync(host.path('wrong'), '');
    expect(await host.converge(service, args)).toMatchObject([
      { summary: 'active, but its check fails → restarted', effect: 'restart', transient: true },
    ]);
    expect(calls('restart')).toEqual(['systemctl restart tandemd']);
  });

  test('a restart is never nothing, and nothing for teardown', async () => {
    const changes = await host.converge(service, { name: 'tandemd', state: 'restarted' });
    expect(changes).toMatchObject([{ transient: true, effect: 'restart' }]);
    expect(host.ledger.entries).toEqual([]);
    expect(calls('restart')).toEqual(['systemctl restart tandemd']);
  });

  describe('in the place of another', () => {
    const UNITS = ['tandemd', 'keepalived'];
    beforeEach(() => {
      command(
        'systemctl',
        `action=$1; shift; [ "$1" = --now ] && { action=now; shift; }
case $action in
show) case "$*" in *NeedDaemonReload*) echo LoadState=loaded;; *) shift 6
for u; do echo LoadState=loaded; echo ActiveState=$(cat $u.active 2>/dev/null || echo inactive); echo UnitFileState=$(cat $u.enabled 2>/dev/null || echo disabled); echo; done;; esac;;
start|reload-or-restart) [ ! -e broken ] || exit 1; echo active >$1.active;; now) echo active >$1.active; echo enabled >$1.enabled;;
stop) rm -f $1.active;; enable) echo enabled >$1.enabled;; disable) rm -f $1.enabled;; esac`,
      );
      for (const aspect of ['active', 'enabled'])
        writeFileSync(host.path(`keepalived.${aspect}`), `${aspect}\n`);
    });
    const args = { name: 'tandemd', enabled: true, state: 'started', replaces: ['keepalived'] };
    const running = (): string[] => UNITS.filter(name => existsSync(host.path(`${name}.active`)));

    test('one that Tandem did not set up is refused unless it is to be migrated', async () => {
      await expect(host.plan(service, args)).rejects.toThrow(/keepalived runs on this host.*--migrate/);
      await host.converge(service, { ...args, migrate: true });
      expect(running()).toEqual(['tandemd']);
      expect(existsSync(host.path('keepalived.enabled'))).toBe(false);
      expect(await host.plan(service, args)).toEqual([]);
    });

    test('back again needs no word, as both are known by then, and teardown leaves what was there first', async () => {
      await host.converge(service, { ...args, migrate: true });
      const back = { name: 'keepalived', enabled: true, state: 'started', replaces: ['tandemd'] };
      const changes = await host.converge(service, back);
      expect(changes.map(({ resource, summary }) => `${resource} ${summary}`)).toEqual([
        'service:tandemd/enabled tandemd: does not start at boot any more',
        'service:tandemd/state tandemd: active → stopped: keepalived takes its place',
        'service:keepalived/enabled starts at boot',
        'service:keepalived/state inactive → started',
      ]);
      expect(running()).toEqual(['keepalived']);
      await host.converge(service, args);
      await host.teardown(serviceReverter);
      expect(running()).toEqual(['keepalived']);
      expect(existsSync(host.path('keepalived.enabled'))).toBe(true);
      expect(existsSync(host.path('tandemd.enabled'))).toBe(false);
    });

    test('the old one runs again if the new one does not start', async () => {
      writeFileSync(host.path('broken'), '');
      await expect(host.converge(service, { ...args, migrate: true })).rejects.toThrow(
        /keepalived runs again instead/,
      );
      expect(running()).toEqual(['keepalived']);
      expect(existsSync(host.path('keepalived.enabled'))).toBe(true);
    });

    test('one that does not run is only kept from starting at boot', async () => {
      writeFileSync(host.path('keepalived.active'), '');
      writeFileSync(host.path('keepalived.active'), 'inactive\n');
      const changes = await host.converge(service, args);
      expect(changes.map(({ resource }) => resource)).toContain('service:keepalived/enabled');
      expect(changes.map(({ resource }) => resource)).not.toContain('service:keepalived/state');
    });

    test('taken over as it runs, and at teardown it loads its own files again', async () => {
      const adopt = { name: 'keepalived', adopted: true };
      await expect(host.plan(service, adopt)).rejects.toThrow(/not by Tandem: --migrate/);
      expect(await host.converge(service, { ...adopt, migrate: true })).toMatchObject([
        { resource: 'service:keepalived/adopted', effect: 'none' },
      ]);
      expect(await host.plan(service, adopt)).toEqual([]);
      expect(await host.teardown(serviceReverter)).toEqual({ 'service:keepalived/adopted': 'ours' });
      expect(calls('systemctl reload-or-restart keepalived')).toHaveLength(1);
    });
  });

  test.each([
    [
      'LoadState=masked\nActiveState=inactive\nUnitFileState=masked\n',
      /tandemd is masked: systemctl unmask tandemd/,
    ],
    ['', /this host has none/],
    [
      'LoadState=loaded\nActiveState=inactive\n\nLoadState=loaded\nActiveState=active\n',
      /keepalived runs on this host/,
    ],
  ])('%j is refused', (answer, message) => {
    const args = service.schema.parse({ name: 'tandemd', state: 'started', conflicts: ['keepalived'] });
    const seen = service.parse(new TextEncoder().encode(answer), args);
    expect(() => service.diff(args, seen, host.context())).toThrow(message);
  });
});

describe('package', () => {
  beforeEach(() => {
    writeFileSync(host.path('installed'), 'base\n');
    // `dpkg-query -W -f FORMAT [NAME…]`; `apt-get … install … NAME` brings `lib-NAME` along.
    command(
      'dpkg-query',
      `shift 3; for n in \${*:-$(cat installed)}; do grep -qx "$n" installed && echo "$n installed"; done`,
    );
    command(
      'apt-get',
      `[ "$1" = update ] && { touch updated; exit 0; }
[ -e updated ] || { echo "E: Unable to locate package" ; exit 100; }
for n; do :; done; [ "$n" = missing ] && { echo "E: Unable to locate package missing"; exit 100; }; printf '%s\\n' "$n" "lib-$n" >>installed`,
    );
    command('dpkg', `shift; for n; do grep -vx "$n" installed >x; mv x installed; done`);
  });

  test('installed with a fresh index, and exactly what came along goes at teardown', async () => {
    const changes = await host.converge(packages, { name: ['base', 'nginx'] });
    expect(changes.map(change => change.resource)).toEqual(['package:nginx']);
    expect(await host.plan(packages, { name: 'nginx' })).toEqual([]);
    expect(readFileSync(host.path('installed'), 'utf8')).toBe('base\nnginx\nlib-nginx\n');
    expect(await host.teardown(packageReverter)).toEqual({ 'package:nginx': 'ours' });
    expect(readFileSync(host.path('installed'), 'utf8')).toBe('base\n');
  });

  test('its service is kept from starting while it is installed, and no longer', async () => {
    command('systemctl', 'exit 0');
    await host.converge(packages, { name: 'keepalived', start: false });
    const order = log().filter(line => /^(?:systemctl|apt-get install)/.test(line));
    expect(order.map(line => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'systemctl mask',
      'apt-get install',
      'apt-get install',
      'systemctl unmask',
    ]);
    await expect(host.converge(packages, { name: 'missing', start: false })).rejects.toThrow(
      'Unable to locate package missing',
    );
    expect(log().at(-1)).toBe('systemctl unmask --runtime -q missing');
  });

  test('a package that does not exist is said to be one', async () => {
    await expect(host.converge(packages, { name: 'missing' })).rejects.toThrow(
      'Unable to locate package missing',
    );
  });
});

test('service_facts says which units run and which start at boot, by the names that were asked for', () => {
  const args = serviceFacts.schema.parse({ services: ['a', 'b', 'c'] });
  const answer =
    'ActiveState=active\nUnitFileState=enabled\n\nActiveState=inactive\nUnitFileState=enabled\n\nActiveState=activating\nUnitFileState=\n';
  const seen = serviceFacts.parse(new TextEncoder().encode(answer), args);
  expect(serviceFacts.predict(args, seen, [])).toEqual({
    running: ['a', 'c'],
    enabled: ['a', 'b'],
    changed: false,
  });
});
