import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { alternate, balanced, curls, held, inventoryPath, ipvsLab, serveNames } from '../support/ipvs-lab.ts';
import { eventually } from '../support/pair.ts';
import { said, tandem } from '../support/tandem.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await ipvsLab('lvs-dr-dual-master');
  await serveNames(lab, ['web8', 'web9'], 80);
});

afterAll(async () => await lab.down());

describe('lvs-dr-dual-master', () => {
  test('is built', async () => {
    const applied = await tandem(lab, ['apply', '-i', inventoryPath('lvs-dr-dual-master')]);
    expect(applied.code, said(applied)).toBe(0);
    await held(lab, ['ka67', 'ka68'], { '10.16.8.100': 'ka67', '10.16.8.101': 'ka68' });
    await eventually('table', 20_000, async () => {
      const table = await balanced(lab, 'ka67');
      return Object.values(table).flat().length === 4;
    });
    const answers = await curls(lab, 'http://10.16.8.100/', 10);
    console.log(answers.join(' '), JSON.stringify(await balanced(lab, 'ka67')));
    expect(alternate(answers, ['web8', 'web9'])).toBe(true);
  });
});
