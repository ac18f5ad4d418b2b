import { describe, expect, test } from 'vitest';
import { baseRecipe, recipeChain, recipeHash } from './image-recipe.ts';

describe('images', () => {
  test('a layer stands on its base, once', () => {
    const [base, layer, ...rest] = recipeChain('bookworm', 'x64', ['keepalived', 'keepalived']);
    expect(rest).toEqual([]);
    expect(base).toEqual(baseRecipe('bookworm', 'x64'));
    expect(layer).toMatchObject({ packages: ['keepalived'], below: base, architecture: 'amd64' });
  });

  test('what differs has another name', () => {
    const hashes = [
      ...recipeChain('bookworm', 'x64', ['keepalived']),
      ...recipeChain('trixie', 'x64', ['keepalived']),
      baseRecipe('bookworm', 'arm64'),
    ].map(recipeHash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(recipeHash(baseRecipe('bookworm', 'x64'))).toBe(hashes[0]);
  });
});
