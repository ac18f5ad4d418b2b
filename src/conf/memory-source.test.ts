import { expect, test } from 'vitest';
import { memorySource } from './memory-source.ts';

test('files in memory', () => {
  const source = memorySource({ '/a/1.conf': '', '/a/x/2.conf': '', '/a/[': '' });
  expect(source.glob('/a/*.conf')).toEqual(['/a/1.conf']);
  expect(source.glob('/a/?/[!1].con[f]')).toEqual(['/a/x/2.conf']);
  expect(source.glob('/a/[')).toEqual(['/a/[']);
  expect(source.read('toString')).toBeUndefined();
});
