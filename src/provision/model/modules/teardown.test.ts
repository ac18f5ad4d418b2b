import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { record } from '#provision/model/ledger.ts';
import { copy } from './copy.ts';
import { file } from './file.ts';
import { REVERTERS } from './registry.ts';
import { teardownModule } from './teardown.ts';

const teardown = teardownModule(REVERTERS);
let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

async function setUp(): Promise<void> {
  writeFileSync(host.path('kept'), 'original\n');
  await host.converge(file, { path: host.path('dir'), state: 'directory' });
  await host.converge(copy, { dest: host.path('dir/new'), content: 'ours\n' });
  await host.converge(copy, { dest: host.path('kept'), content: 'ours\n' });
}

describe('teardown', () => {
  test('last first, to the byte, and nothing of ours stays', async () => {
    await setUp();
    const changes = await host.converge(teardown, {});
    expect(changes.map(change => change.resource.replace(host.dir, ''))).toEqual([
      'file:/kept',
      'file:/dir/new',
      'file:/dir',
      'tandem:state',
    ]);
    expect(readFileSync(host.path('kept'), 'utf8')).toBe('original\n');
    expect(readdirSync(host.dir).filter(name => !name.startsWith('.'))).toEqual(['kept']);
    expect(existsSync(host.paths.state)).toBe(false);
  });

  test('what somebody changed is left, and the original put beside it', async () => {
    await setUp();
    writeFileSync(host.path('kept'), 'theirs\n');
    const [left] = await host.converge(teardown, {});
    expect(left?.summary).toBe('left: somebody changed it since (--force reverts it)');
    expect(readFileSync(host.path('kept'), 'utf8')).toBe('theirs\n');
    expect(readFileSync(host.path('kept.before-tandem'), 'utf8')).toBe('original\n');
  });

  test('with force it is saved beside and reverted', async () => {
    await setUp();
    writeFileSync(host.path('kept'), 'theirs\n');
    await host.converge(teardown, { force: true });
    expect(readFileSync(host.path('kept'), 'utf8')).toBe('original\n');
    expect(readFileSync(host.path('kept.tandem-saved'), 'utf8')).toBe('theirs\n');
  });

  test('killed in the middle, it goes on where it was', async () => {
    await setUp();
    const [first] = await host.plan(teardown, {});
    const args = teardown.schema.parse({});
    if (first) await host.ask(teardown.apply(first, args, host.context()));
    expect((await host.plan(teardown, {})).map(change => change.resource.replace(host.dir, ''))).toEqual([
      'file:/dir/new',
      'file:/dir',
      'tandem:state',
    ]);
  });

  test('killed between intention and change, there is nothing to take back', async () => {
    mkdirSync(host.paths.state);
    const lines = [
      record.intend(`file:${host.path('x')}`, 'r', { type: 'absent' }, { type: 'file', sha256: 'a' }),
    ];
    writeFileSync(`${host.paths.state}/ledger`, `${lines.join('\n')}\n{"t":"inte`);
    expect((await host.plan(teardown, {})).map(change => change.resource)).toEqual(['tandem:state']);
  });

  test('a host that Tandem never touched, and one whose ledger is of a later version', async () => {
    expect(await host.plan(teardown, {})).toEqual([]);
    mkdirSync(host.paths.state);
    writeFileSync(`${host.paths.state}/ledger`, record.intend('quantum:x', 'r', null, null));
    await expect(host.plan(teardown, {})).rejects.toThrow(
      /lists quantum:x, which this version of Tandem does not know/,
    );
  });

  test('without a ledger, but with traces, it refuses', () => {
    const args = teardown.schema.parse({});
    const seen = teardown.parse(new TextEncoder().encode('traces\n'), args);
    expect(() => teardown.diff(args, seen, host.context())).toThrow(/what Tandem changed here is not known/);
  });
});
