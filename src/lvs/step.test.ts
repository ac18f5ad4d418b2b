import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { atOnce } from '#base/steps.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { describe, expect, test } from 'vitest';
import type { LvsAction } from './action.ts';
import { configure, type Leftover } from './configure.ts';
import { configuredTable, desiredTable } from './desired.ts';
import { destinationName } from './keys.ts';
import type { SeenService } from './ports.ts';
import { emptyState, type Opinion } from './state.ts';
import { step } from './step.ts';

const VIRTUAL = '[10.0.0.100]:tcp:80';
const UP: Opinion = { up: true, weight: undefined, weightAdded: 0 };
const DOWN: Opinion = { ...UP, up: false };
const traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

const virtual = (lines: string, ...reals: readonly string[]): string =>
  `virtual_server 10.0.0.100 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n${lines}\n${reals.join('\n')}\n}\n`;
const real = (number: number, lines = 'TCP_CHECK {\n}'): string =>
  `real_server 10.0.0.${number} 80 {\n${lines}\n}`;

/** Virtual servers, and what they asked for since the last look. */
class Bench {
  readonly state = emptyState();
  actions: LvsAction[] = [];
  nowMs = 0;

  constructor(text: string, leftover?: Leftover) {
    this.configure(text, leftover);
  }

  configure(text: string, leftover: Leftover = () => undefined): void {
    const { config } = loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
    atOnce(configure(this.state, { config, leftover }, this.nowMs, this.actions));
    const { rsInitNotifies } = config.globalDefs;
    step(this.state, { kind: 'begin', tellsReals: rsInitNotifies }, this.nowMs, this.actions);
  }

  says(checkId: number, opinion: Opinion): this {
    step(this.state, { kind: 'verdict', checkId, opinion }, this.nowMs, this.actions);
    return this;
  }

  addresses(...present: readonly string[]): void {
    const local = new Set(present.map(text => String(parseIp(text))));
    const isLocal = (address: Uint8Array): boolean => local.has(String(address));
    step(this.state, { kind: 'addresses', isLocal }, this.nowMs, this.actions);
  }

  /** `connections`: of every destination. */
  seen(connections: number): void {
    const services: SeenService[] = desiredTable(this.state.virtuals).map(({ service, destinations }) => ({
      ...service,
      traffic,
      destinations: destinations.map(each => ({
        ...each,
        activeConnections: connections,
        inactiveConnections: 0,
        persistentConnections: 0,
        traffic,
      })),
    }));
    step(this.state, { kind: 'seen', services }, this.nowMs, this.actions);
  }

  /** `10.0.0.1 80*1`: destination and weight. */
  get table(): string[] {
    const [first] = desiredTable(this.state.virtuals);
    return (first?.destinations ?? []).map(each => `${destinationName(each)}*${each.weight}`);
  }

  take(): string[] {
    const taken = this.actions.map(shown).filter(line => line !== 'table');
    this.actions = [];
    return taken;
  }
}

function shown(action: LvsAction): string {
  switch (action.kind) {
    case 'log':
      return action.line;
    case 'realServer':
      return `${action.real.label} ${action.up ? 'up' : 'down'}`;
    case 'quorum':
      return `quorum ${action.up ? 'up' : 'down'}`;
    case 'addCheck':
      return `add ${action.id}${action.initial ? (action.initial.up ? ' up' : ' down') : ''}`;
    case 'removeCheck':
      return `remove ${action.id}`;
    case 'suspendCheck':
      return `${action.suspended ? 'suspend' : 'resume'} ${action.id}`;
    case 'table':
      return 'table';
  }
}

describe('real servers', () => {
  test('one that goes down is removed, and comes back', () => {
    const bench = new Bench(virtual('', real(1), real(2)));
    const start = ['add 1', 'add 2', `Gained quorum 1+0=1 <= 2 for VS ${VIRTUAL}`, 'quorum up'];
    expect(bench.take()).toEqual(start);
    expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.2 80*1']);
    bench.says(1, DOWN);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    expect(bench.take()).toEqual([
      'Removing service [10.0.0.1]:tcp:80 from VS [10.0.0.100]:tcp:80',
      '[10.0.0.1]:tcp:80 down',
    ]);
    bench.says(1, UP);
    expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.2 80*1']);
    expect(bench.take()).toEqual([
      'Adding service [10.0.0.1]:tcp:80 to VS [10.0.0.100]:tcp:80',
      '[10.0.0.1]:tcp:80 up',
    ]);
  });

  test('with two checkers it is up when both say so; without any always', () => {
    const bench = new Bench(
      virtual('', real(1, 'TCP_CHECK {\n}\nHTTP_GET {\nurl {\npath /\n}\n}'), real(2, '')),
    );
    bench.says(1, DOWN).says(2, DOWN).says(1, UP);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    bench.says(2, UP);
    expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.2 80*1']);
  });

  test('alpha: down until its first success, and told if that does not come', () => {
    const bench = new Bench(virtual('alpha', real(1), real(2)));
    expect(bench.table).toEqual([]);
    bench.take();
    bench.says(1, DOWN).says(1, DOWN);
    expect(bench.take()).toEqual(['[10.0.0.1]:tcp:80 down']);
    bench.says(2, UP);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    expect(bench.take()).toEqual([
      'Adding service [10.0.0.2]:tcp:80 to VS [10.0.0.100]:tcp:80',
      '[10.0.0.2]:tcp:80 up',
      'Gained quorum 1+0=1 <= 1 for VS [10.0.0.100]:tcp:80',
      'quorum up',
    ]);
  });

  test('inhibit_on_failure: weight 0 instead of removal', () => {
    const bench = new Bench(virtual('', real(1, 'inhibit_on_failure\nTCP_CHECK {\n}'), real(2)));
    bench.take();
    bench.says(1, DOWN);
    expect(bench.table).toEqual(['10.0.0.1 80*0', '10.0.0.2 80*1']);
    expect(bench.take()[0]).toBe('Disabling service [10.0.0.1]:tcp:80 of VS [10.0.0.100]:tcp:80');
  });

  test('weights that checkers ask for', () => {
    const bench = new Bench(
      virtual('', real(1, 'weight 10\nTCP_CHECK {\n}\nHTTP_GET {\nurl {\npath /\n}\n}')),
    );
    bench.take();
    bench.says(1, { ...UP, weight: 30 });
    expect(bench.table).toEqual(['10.0.0.1 80*30']);
    expect(bench.take()).toEqual([
      'Changing weight from 10 to 30 for active service [10.0.0.1]:tcp:80 of VS [10.0.0.100]:tcp:80',
    ]);
    bench.says(2, { ...UP, weightAdded: -50 });
    expect(bench.table).toEqual(['10.0.0.1 80*0']);
    bench.says(2, { ...UP, weightAdded: 70_000 });
    expect(bench.table).toEqual(['10.0.0.1 80*65535']);
  });
});

describe('quorum', () => {
  const sorry = 'sorry_server 10.0.0.9 80\n';

  test('lost: the sorry server replaces all, and goes when it is gained, with hysteresis', () => {
    const bench = new Bench(virtual(`${sorry}quorum 2\nhysteresis 1`, real(1), real(2), real(3)));
    bench.take();
    bench.says(1, DOWN).says(2, DOWN);
    expect(bench.table).toEqual(['10.0.0.3 80*1']);
    bench.take();
    bench.says(3, DOWN);
    expect(bench.table).toEqual(['10.0.0.9 80*1']);
    expect(bench.take().slice(2)).toEqual([
      'Lost quorum 2-1=1 > 0 for VS [10.0.0.100]:tcp:80',
      'Adding sorry server [10.0.0.9]:tcp:80 to VS [10.0.0.100]:tcp:80',
      'Removing alive servers from the pool for VS [10.0.0.100]:tcp:80',
      'quorum down',
    ]);
    bench.says(1, UP).says(2, UP);
    expect(bench.table).toEqual(['10.0.0.9 80*1']);
    bench.says(3, UP);
    expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.2 80*1', '10.0.0.3 80*1']);
    expect(bench.take().at(-1)).toBe('quorum up');
  });

  test('without a sorry server what is up stays', () => {
    const bench = new Bench(virtual('quorum 2', real(1), real(2)));
    bench.says(1, DOWN);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    expect(bench.take()).toContain('quorum down');
  });

  test('sorry_server_inhibit: it waits with weight 0; inhibited real servers stay with weight 0', () => {
    const inhibited = real(1, 'inhibit_on_failure\nTCP_CHECK {\n}');
    const bench = new Bench(virtual(`${sorry}sorry_server_inhibit`, inhibited));
    expect(bench.table).toEqual(['10.0.0.9 80*0', '10.0.0.1 80*1']);
    bench.says(1, DOWN);
    expect(bench.table.toSorted()).toEqual(['10.0.0.1 80*0', '10.0.0.9 80*1']);
  });

  test('alpha with a sorry server begins with it', () => {
    const bench = new Bench(virtual(`${sorry}alpha`, real(1)));
    expect(bench.table).toEqual(['10.0.0.9 80*1']);
    expect(bench.take()).toContain('Starting with quorum down 1-0=1 > 0 for VS [10.0.0.100]:tcp:80');
  });

  test('decided for the first time when the first verdicts are in', () => {
    const bench = new Bench('');
    const text = virtual(sorry, real(1));
    const { config } = loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
    atOnce(configure(bench.state, { config, leftover: () => undefined }, 0, bench.actions));
    bench.says(1, DOWN);
    expect(bench.take().slice(1)).toEqual([
      `Removing service [10.0.0.1]:tcp:80 from VS ${VIRTUAL}`,
      '[10.0.0.1]:tcp:80 down',
    ]);
    step(bench.state, { kind: 'begin', tellsReals: false }, 0, bench.actions);
    expect(bench.take()).toContain(`Starting with quorum down 1-0=1 > 0 for VS ${VIRTUAL}`);
  });

  test('rs_init_notifies tells of real servers, then of quorum', () => {
    const globals = 'global_defs {\nrs_init_notifies\n}\n';
    const bench = new Bench(globals + virtual('', real(1), real(2, 'TCP_CHECK {\nalpha\n}')));
    expect(bench.take().slice(2)).toEqual([
      '[10.0.0.1]:tcp:80 up',
      `Gained quorum 1+0=1 <= 1 for VS ${VIRTUAL}`,
      'quorum up',
    ]);
  });

  test('omega tells what goes down with us', () => {
    const bench = new Bench(virtual('omega', real(1), real(2)));
    bench.says(1, DOWN);
    bench.take();
    step(bench.state, { kind: 'stop' }, 0, bench.actions);
    expect(bench.take()).toEqual(['[10.0.0.2]:tcp:80 down', 'quorum down']);
  });
});

test('ha_suspend: no checks while the address is elsewhere', () => {
  const bench = new Bench(virtual('ha_suspend', real(1)));
  bench.take();
  bench.addresses('10.0.0.7');
  expect(bench.take()).toEqual(['Suspending healthcheckers of VS [10.0.0.100]:tcp:80', 'suspend 1']);
  bench.addresses('10.0.0.7');
  expect(bench.take()).toEqual([]);
  bench.configure(virtual('ha_suspend', real(1), real(2)));
  expect(bench.take()).toEqual(['add 2', 'suspend 2']);
  bench.addresses('10.0.0.100');
  expect(bench.take().slice(1)).toEqual(['resume 1', 'resume 2']);
});

test('names behind a mark, and of a group, are those of keepalived', () => {
  const marked = virtual('', real(1)).replace('10.0.0.100 80', 'fwmark 8');
  const grouped = virtual('', real(2)).replace('10.0.0.100 80', 'group g');
  const bench = new Bench(`virtual_server_group g {\n10.0.0.7 80\n}\n${marked}${grouped}`);
  bench.take();
  bench.says(1, DOWN).says(2, DOWN);
  expect(bench.take().filter(line => line.startsWith('Removing'))).toEqual([
    'Removing service [10.0.0.1]:none:80 from VS FWM 8',
    'Removing service [10.0.0.2]:tcp:80 from VS [g]:0',
  ]);
});

describe('another configuration', () => {
  test('keeps the verdicts of checkers that stay', () => {
    const bench = new Bench(virtual('', real(1), real(2)));
    bench.says(1, DOWN);
    bench.take();
    bench.configure(`\n\n${virtual('', real(2), real(1), real(3))}`);
    expect(bench.take()).toEqual(['add 3']);
    expect(bench.table).toEqual(['10.0.0.2 80*1', '10.0.0.3 80*1']);
  });

  test('a checker that changed goes on from the state of its real server', () => {
    const bench = new Bench(virtual('', real(1), real(2)));
    bench.says(1, DOWN);
    bench.take();
    const changed = 'TCP_CHECK {\nconnect_timeout 9\n}';
    bench.configure(virtual('', real(1, changed), real(2, changed)));
    expect(bench.take()).toEqual(['add 3 down', 'remove 1', 'add 4 up', 'remove 2']);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
  });

  test('a checker whose password alone changed is another one', () => {
    const ssl = (password: string) =>
      `SSL {\npassword ${password}\ncertificate /c\nkey /k\n}\n` +
      virtual('', real(1, 'SSL_GET {\nurl {\npath /\n}\n}'));
    const bench = new Bench(ssl('first')).says(1, UP);
    bench.take();
    bench.configure(ssl('first'));
    expect(bench.take()).toEqual([]);
    bench.configure(ssl('second'));
    expect(bench.take()).toEqual(['add 2 up', 'remove 1']);
    bench.configure(ssl('second').replace('/c\n', '/other\n'));
    expect(bench.take()).toEqual(['add 3 up', 'remove 2']);
  });

  test('removes real servers at once, and virtual servers with their checkers', () => {
    const bench = new Bench(virtual('', real(1), real(2)));
    bench.take();
    bench.configure(virtual('', real(2)));
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    expect(bench.take()).toEqual([
      'remove 1',
      'service [10.0.0.1]:tcp:80 no longer exist',
      `Removing service [10.0.0.1]:tcp:80 from VS ${VIRTUAL}`,
      '[10.0.0.1]:tcp:80 down',
    ]);
    bench.configure('');
    expect(bench.take()).toEqual([
      `Removing Virtual Server ${VIRTUAL}`,
      'remove 2',
      `Removing service [10.0.0.2]:tcp:80 from VS ${VIRTUAL}`,
      '[10.0.0.2]:tcp:80 down',
      'quorum down',
    ]);
    expect(desiredTable(bench.state.virtuals)).toEqual([]);
  });

  test('drain_timeout: weight 0 until the connections are gone, or for that long', () => {
    const before = virtual('drain_timeout 10', real(1), real(2));
    const after = virtual('drain_timeout 10', real(2));
    const bench = new Bench(before);
    bench.configure(after);
    expect(bench.table).toEqual(['10.0.0.1 80*0', '10.0.0.2 80*1']);
    expect(must(configuredTable(bench.state)[0], 'a service').destinations).toHaveLength(2);
    bench.nowMs = 9000;
    bench.seen(1);
    expect(bench.table).toHaveLength(2);
    bench.seen(0);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    bench.configure(before);
    bench.configure(after);
    bench.nowMs = 19_001;
    bench.seen(1);
    expect(bench.table).toEqual(['10.0.0.2 80*1']);
    bench.configure(before);
    bench.configure(after);
    bench.configure(before);
    expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.2 80*1']);
  });
});

test('what a killed predecessor left goes on: present is up, absent was down', () => {
  const there = new Map([
    [1, 1],
    [2, 0],
  ]);
  const bench = new Bench(virtual('', real(1), real(2), real(3)), (_, { address }) =>
    there.get(address[3] ?? 0),
  );
  expect(bench.take().slice(0, 3)).toEqual(['add 1 up', 'add 2 down', 'add 3']);
  expect(bench.table).toEqual(['10.0.0.1 80*1', '10.0.0.3 80*1']);
});
