import type { ConfigSource } from './source.ts';

/** Configuration files that exist only as text, such as those that are about to be written to a host. */
export function memorySource(files: Readonly<Record<string, string>>): ConfigSource {
  return {
    read: path => (Object.hasOwn(files, path) ? files[path] : undefined),
    glob: pattern => {
      const matches = globMatcher(pattern);
      return Object.keys(files).filter(matches);
    },
  };
}

/** `*`, `?` and `[…]` of glob(7), none of which matches a slash. */
function globMatcher(pattern: string): (path: string) => boolean {
  if (!/[*?[]/.test(pattern)) return path => path === pattern;
  const source = pattern.replaceAll(/\*|\?|\[!?[^\]]+\]|[^*?[]+|\[/g, part => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1 && part.startsWith('[')) return part.replace('[!', '[^').replaceAll('\\', '\\\\');
    return part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  try {
    const expression = new RegExp(`^${source}$`);
    return path => expression.test(path);
  } catch {
    return () => false;
  }
}
