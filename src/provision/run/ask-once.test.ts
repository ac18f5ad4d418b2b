import { expect, test } from 'vitest';
import { Secret } from '#provision/model/shell.ts';
import { askOnce } from './ask-once.ts';
import type { Question } from './ports.ts';

test('many hosts, few questions, one at a time', async () => {
  const asked: string[] = [];
  let open = 0;
  const ask = askOnce(async (question: Question) => {
    open += 1;
    expect(open).toBe(1);
    asked.push(`${question.kind} ${question.about}`);
    await Promise.resolve();
    open -= 1;
    return new Secret(question.about);
  });
  const hosts = ['ka67', 'ka68', 'ka69'];
  const answers = await Promise.all([
    ...hosts.map(host => ask({ kind: 'become-password', host, about: `ann@${host}` })),
    ...hosts.map(host => ask({ kind: 'passphrase', host, about: '/home/ann/.ssh/id_ed25519' })),
    ask({ kind: 'become-password', host: 'web8', about: 'bob@web8' }),
  ]);
  expect(asked).toEqual([
    'become-password ann@ka67',
    'passphrase /home/ann/.ssh/id_ed25519',
    'become-password bob@web8',
  ]);
  expect(answers.map(answer => answer?.reveal())).toEqual([
    'ann@ka67',
    'ann@ka67',
    'ann@ka67',
    '/home/ann/.ssh/id_ed25519',
    '/home/ann/.ssh/id_ed25519',
    '/home/ann/.ssh/id_ed25519',
    'bob@web8',
  ]);
});
