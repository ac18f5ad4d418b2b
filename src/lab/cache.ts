import { open, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { awaitCondition } from './await-condition.ts';
import { identityOf, isAlive, type ProcessIdentity } from './state.ts';

/** Where things of one kind are kept that are costly to get again; outside of any checkout. */
export function cacheDirectory(kind: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tandem', kind);
}

/** Holds `file` for this process; waits while another living process does. Returns what lets it go. */
export async function lockFile(
  file: string,
  timeoutMs: number,
  onProgress: (line: string) => void,
): Promise<() => Promise<void>> {
  let told = false;
  await awaitCondition(
    `another build of ${file}`,
    timeoutMs,
    async () => {
      if (await claim(file)) return true;
      const holder = await readFile(file, 'utf8').then(
        text => JSON.parse(text) as ProcessIdentity,
        () => undefined,
      );
      const abandoned = holder ? !isAlive(holder) : (await ageMs(file)) > 10_000;
      if (abandoned) await rm(file, { force: true });
      else if (!told) onProgress(`waiting for the build of process ${holder?.pid ?? 'unknown'}`);
      told ||= !abandoned;
      return undefined;
    },
    200,
  );
  return async () => await rm(file, { force: true });
}

async function claim(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(JSON.stringify(identityOf(process.pid)));
    await handle.close();
    return true;
  } catch {
    return false;
  }
}

async function ageMs(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}
