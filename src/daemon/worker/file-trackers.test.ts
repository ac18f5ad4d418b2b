import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FileTrackers } from './file-trackers.ts';

const WAIT = { timeout: 5000, interval: 5 };

/** A folder, and the values that a tracked file of it was told to have. */
function bench() {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-files-'));
  const values: number[] = [];
  const warnings: string[] = [];
  const trackers = new FileTrackers(
    (_, value) => void values.push(value),
    line => void warnings.push(line),
    50,
  );
  onTestFinished(() => {
    trackers.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'f');
  /** The values, once there are so many. */
  const told = (count: number) =>
    vi.waitFor(() => {
      if (values.length < count) throw new Error(`told ${values.join()} only`);
      return values;
    }, WAIT);
  return { folder, file, values, warnings, trackers, told };
}

describe('a tracked file', () => {
  test('is told at once and when it is written, replaced or deleted', async () => {
    const { file, trackers, told } = bench();
    writeFileSync(file, '5');
    trackers.track(1, file);
    expect(await told(1)).toEqual([5]);
    writeFileSync(file, '-30\n');
    expect(await told(2)).toEqual([5, -30]);
    writeFileSync(`${file}.new`, '7');
    renameSync(`${file}.new`, file);
    expect(await told(3)).toEqual([5, -30, 7]);
    rmSync(file);
    expect(await told(4)).toEqual([5, -30, 7, 0]);
    writeFileSync(file, '8');
    expect(await told(5)).toEqual([5, -30, 7, 0, 8]);
  });

  test('is not told as 0 while it is being written', async () => {
    const { file, trackers, told } = bench();
    writeFileSync(file, '5');
    trackers.track(1, file);
    expect(await told(1)).toEqual([5]);
    for (let value = 6; value < 30; value++) {
      writeFileSync(file, '');
      await new Promise(resolve => setTimeout(resolve, 12));
      writeFileSync(file, '6');
    }
    expect(await told(2)).toEqual([5, 6]);
  });

  test('one that stays empty is 0', async () => {
    const { file, trackers, told } = bench();
    writeFileSync(file, '5');
    trackers.track(1, file);
    writeFileSync(file, '');
    expect(await told(2)).toEqual([5, 0]);
  });

  test('is followed through a link', async () => {
    const { folder, file, trackers, told } = bench();
    mkdirSync(join(folder, 'real'));
    const real = join(folder, 'real', 'g');
    writeFileSync(real, '1');
    symlinkSync(real, file);
    trackers.track(1, file);
    expect(await told(1)).toEqual([1]);
    writeFileSync(real, '2');
    expect(await told(2)).toEqual([1, 2]);
  });

  test('a number that does not fit is said and the last one goes on', async () => {
    const { file, warnings, trackers, values } = bench();
    writeFileSync(file, '5');
    trackers.track(1, file);
    writeFileSync(file, '99999999999');
    await vi.waitFor(() => expect(warnings.join()).toContain('does not fit in 32 bits'), WAIT);
    expect(values).toEqual([5]);
  });

  test('its folder may come later, and go and come again', async () => {
    const { folder, warnings, trackers, told } = bench();
    const inner = join(folder, 'inner');
    trackers.track(1, join(inner, 'f'));
    expect(await told(1)).toEqual([0]);
    expect(warnings.join()).toContain('cannot be watched');
    mkdirSync(inner);
    writeFileSync(join(inner, 'f'), '4');
    expect(await told(2)).toEqual([0, 4]);
    rmSync(inner, { recursive: true });
    expect(await told(3)).toEqual([0, 4, 0]);
    mkdirSync(inner);
    writeFileSync(join(inner, 'f'), '6');
    expect(await told(4)).toEqual([0, 4, 0, 6]);
  });

  test('says nothing more once it is not tracked', async () => {
    const { file, folder, values, trackers, told } = bench();
    writeFileSync(file, '5');
    trackers.track(1, file);
    trackers.untrack(1);
    writeFileSync(file, '6');
    const other = join(folder, 'other');
    writeFileSync(other, '1');
    trackers.track(2, other);
    writeFileSync(other, '2');
    expect(await told(3)).toEqual([5, 1, 2]);
    expect(values).not.toContain(6);
  });

  test('of thousands is watched and read once; each is told what it says, for as long as it is tracked', async () => {
    const { file, trackers, values, told } = bench();
    const watches = () => process.getActiveResourcesInfo().filter(name => name === 'FSEventWrap').length;
    await vi.waitFor(() => expect(watches()).toBe(0), WAIT);
    writeFileSync(file, '5');
    for (let id = 0; id < 3000; id++) trackers.track(id, file);
    expect(values).toEqual(Array.from({ length: 3000 }, () => 5));
    expect(watches()).toBe(1);
    for (let id = 2; id < 3000; id++) trackers.untrack(id);
    values.length = 0;
    writeFileSync(file, '6');
    expect(await told(2)).toEqual([6, 6]);
    trackers.untrack(0);
    trackers.untrack(1);
    await vi.waitFor(() => expect(watches()).toBe(0), WAIT);
  });
});
