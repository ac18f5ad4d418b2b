import type { FileSource } from './inventory-types.ts';

/** Files that exist only as text: a bundle's, or a test's. Paths are relative, with `/`. */
export function memoryFiles(files: Readonly<Record<string, string>>): FileSource {
  const folders = new Map<string, Set<string>>();
  for (const path of Object.keys(files)) {
    const parts = path.split('/');
    for (const [index, name] of parts.entries()) {
      const folder = parts.slice(0, index).join('/');
      const names = folders.get(folder) ?? new Set();
      folders.set(folder, names.add(name));
    }
  }
  return {
    read: path => (Object.hasOwn(files, path) ? files[path] : undefined),
    list: folder => [...(folders.get(folder) ?? [])],
    exists: path => Object.hasOwn(files, path) || folders.has(path),
  };
}
