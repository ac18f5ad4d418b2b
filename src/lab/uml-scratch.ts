import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf, isAlive, type ProcessIdentity, writeJson } from './state.ts';

const PREFIX = 'tandem-uml-';
const OWNER = 'owner.json';

/** Makes a directory in `parent` for a run of this process, and removes those of processes that were killed. */
export async function makeScratch(parent: string): Promise<string> {
  for (const name of await readdir(parent)) {
    const directory = join(parent, name);
    if (name.startsWith(PREFIX) && (await isAbandoned(directory)))
      await rm(directory, { recursive: true, force: true });
  }
  const scratch = await mkdtemp(join(parent, PREFIX));
  await writeJson(join(scratch, OWNER), identityOf(process.pid));
  return scratch;
}

/** Without an owner it may be one that is just being made. */
async function isAbandoned(directory: string): Promise<boolean> {
  const text = await readFile(join(directory, OWNER), 'utf8').catch(() => undefined);
  return text !== undefined && !isAlive(JSON.parse(text) as ProcessIdentity);
}
