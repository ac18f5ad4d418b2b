import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { Change } from '#provision/model/module.ts';
import { ModuleHost } from '#testing/module-host.ts';
import { modprobe, modprobeReverter } from './modprobe.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function planned(answer: string, more: object = {}): readonly Change[] {
  const host = new ModuleHost();
  try {
    const args = modprobe.schema.parse({ name: 'ip_vs', ...more });
    return modprobe.diff(args, modprobe.parse(encode(answer), args), host.context());
  } finally {
    host.remove();
  }
}

describe('modprobe', () => {
  test.each([
    ['loaded yes\n', {}, []],
    ['loaded no\n', {}, ['loaded at boot']],
    ['available no\n', {}, ['loaded, loaded at boot']],
    ['available no\n', { persistent: false }, ['loaded']],
    ['built-in no\n', {}, []],
    ['missing no\n', { required: false }, []],
  ])('%j with %j: %j', (answer, more, summaries) => {
    expect(planned(answer, more).map(change => change.summary)).toEqual(summaries);
  });

  test.each([
    ['loaded no\n', false],
    ['available no\n', true],
  ])('%j: modprobe is run: %s', (answer, runs) => {
    const host = new ModuleHost();
    const args = modprobe.schema.parse({ name: 'ip_vs' });
    const [change] = planned(answer);
    const { text } = modprobe.apply(must(change, 'a change'), args, host.context());
    expect(text.includes('modprobe ip_vs')).toBe(runs);
    host.remove();
  });

  test('a kernel without the module is said to be one', () => {
    expect(() => planned('missing no\n')).toThrow(/this kernel has no module ip_vs/);
  });

  test('a module that nobody has is seen as missing by the real probe', async () => {
    const host = new ModuleHost();
    const args = modprobe.schema.parse({ name: 'no_such_module' });
    expect(modprobe.parse(await host.ask(modprobe.probe(args)), args)).toEqual({
      state: 'missing',
      persistent: false,
    });
    host.remove();
  });

  test.each([
    ['loaded yes\n', 'ours'],
    ['loaded no\n', 'ours'],
    ['available no\n', 'gone'],
  ] as const)('teardown of what was not loaded first, and is %j: %s', (answer, verdict) => {
    const entry = {
      resource: 'module:ip_vs',
      owners: [],
      first: { state: 'available', persistent: false },
      ours: { state: 'loaded', persistent: true },
      previous: undefined,
      state: 'done',
      order: 1,
    } as const;
    expect(modprobeReverter.verdict(entry, encode(answer))).toBe(verdict);
    expect(modprobeReverter.revert(entry).text).toContain('modprobe -r ip_vs');
  });
});
