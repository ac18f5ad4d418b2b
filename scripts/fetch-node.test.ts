import { expect, test } from 'vitest';
import { checkIntegrity } from './fetch-node.ts';

test('only the tarball that the lock names is taken', () => {
  const bytes = new TextEncoder().encode('tarball\n');
  const integrity =
    'sha512-xsAmHC2qasijNgLA8madcByQhOLBHmWfRi48NIux2rQ//+Ci/w24HNSSTS97nGKnp0uUkT+mrEvX9bbU85jeQQ==';
  expect(() => checkIntegrity('node@1', bytes, integrity)).not.toThrow();
  expect(() => checkIntegrity('node@1', bytes.slice(1), integrity)).toThrow(
    'node@1 is not what package-lock.json names',
  );
});
