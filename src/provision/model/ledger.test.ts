import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compactLedger, foldLedger, type Ledger, record } from './ledger.ts';

const A = 'file:/a';

/** What a ledger means, without how it was written. */
function meaning({ entries, handlers, gates }: Ledger): unknown {
  return { entries: entries.map(({ order: _order, ...entry }) => entry), handlers, gates };
}

describe('the ledger', () => {
  test('what was first stays first, what we want now is ours, and what we wanted before may still be found', () => {
    const text = [
      record.intend(A, 'vrrp', 'theirs', 'ours 1'),
      record.done(A),
      record.intend(A, 'firewall', 'ours 1', 'ours 2'),
    ].join('\n');
    const [entry] = foldLedger(text).entries;
    expect(entry).toEqual({
      resource: A,
      owners: ['vrrp', 'firewall'],
      first: 'theirs',
      ours: 'ours 2',
      previous: 'ours 1',
      state: 'intended',
      order: 1,
    });
    const [done] = foldLedger(`${text}\n${record.done(A)}`).entries;
    expect(done).toMatchObject({ state: 'done', previous: undefined, first: 'theirs' });
  });

  test('entries come in the order of their first records', () => {
    const text = ['b', 'a', 'b', 'c'].map(name => record.intend(`file:/${name}`, 'x', null, null)).join('\n');
    expect(foldLedger(text).entries.map(entry => entry.resource)).toEqual(['file:/b', 'file:/a', 'file:/c']);
  });

  test('what is taken back is gone, an owner that leaves is not counted', () => {
    const text = [
      record.intend(A, 'x', null, null),
      record.intend(A, 'y', null, null),
      record.disown(A, 'x'),
      record.intend('file:/b', 'x', null, null),
      record.gone('file:/b'),
    ].join('\n');
    expect(foldLedger(text).entries).toMatchObject([{ resource: A, owners: ['y'] }]);
  });

  test('handlers and gates are owed until they have run and held', () => {
    const owed = [
      record.notify(['r : reload', 'r : restart'], ['serves']),
      record.notify(['r : reload'], []),
    ];
    expect(foldLedger(owed.join('\n'))).toMatchObject({
      handlers: ['r : reload', 'r : restart'],
      gates: ['serves'],
    });
    const stopped = [...owed, record.stopped('serves')];
    expect(foldLedger(stopped.join('\n')).stopped).toBe('serves');
    expect(foldLedger(compactLedger(foldLedger(stopped.join('\n')))).stopped).toBe('serves');
    for (const after of [record.notify([], []), record.held('serves')])
      expect(foldLedger([...stopped, after].join('\n')).stopped).toBeUndefined();
    const paid = [...owed, record.ran('r : reload'), record.ran('r : restart'), record.held('serves')];
    expect(foldLedger(paid.join('\n'))).toMatchObject({ handlers: [], gates: [] });
  });

  test.each([
    '',
    '{"t":"intend","r":"file:/a"',
    '{"t":"done"}',
    '{"t":"later"}',
    'null',
    '{}',
    '\u0000\u0001',
    '{"t":"intend","r":1,"o":[],"f":0,"w":0}',
  ])('the line %j counts for nothing', line => {
    const text = `${record.intend(A, 'x', null, 1)}\n${line}\n${record.done(A)}`;
    expect(foldLedger(text)).toMatchObject({ records: 2, entries: [{ resource: A, state: 'done' }] });
  });

  const name = fc.constantFrom('file:/a', 'file:/b', "sysctl:it's", 'service:x/state');
  const owner = fc.constantFrom('vrrp', 'firewall');
  const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<null>;
  const anyRecord = fc.oneof(
    fc.tuple(name, owner, json, json).map(args => record.intend(...args)),
    name.map(record.done),
    name.map(record.gone),
    fc.tuple(name, owner).map(args => record.disown(...args)),
    fc.tuple(fc.array(owner), fc.array(owner)).map(args => record.notify(...args)),
    owner.map(record.ran),
    owner.map(record.held),
  );

  test('compaction keeps the meaning, and compacting again keeps the text', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), records => {
        const folded = foldLedger(records.join('\n'));
        const compact = compactLedger(folded);
        expect(meaning(foldLedger(compact))).toEqual(meaning(folded));
        expect(compactLedger(foldLedger(compact))).toBe(compact);
      }),
    );
  });

  test('cut off anywhere, all whole records before the cut count', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 10 }), fc.nat(), (records, where) => {
        const text = records.map(each => `\n${each}\n`).join('');
        const cut = text.slice(0, where % text.length);
        const whole = records.filter(
          (_, index) => cut.length >= records.slice(0, index + 1).join('\n\n').length + 1,
        );
        expect(meaning(foldLedger(`${cut}\n${record.ran('later')}\n`))).toEqual(
          meaning(foldLedger(whole.join('\n'))),
        );
      }),
    );
  });
});
