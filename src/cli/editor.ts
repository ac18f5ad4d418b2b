/** A text in the user's editor, where nobody else can read it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** How long an editor may take to end after a signal. */
const PATIENCE_MS = 2000;

/**
 * Opens `text` in $VISUAL, $EDITOR or vi under the name of `path`, and returns what became of it. The copy is in a
 * folder of its own (0700; in $XDG_RUNTIME_DIR, which is memory, if there is one) and is gone when this returns or
 * throws, and after SIGTERM and SIGHUP, too. Throws if the editor fails or a signal ends it.
 */
export async function editPrivately(path: string, text: Uint8Array): Promise<Uint8Array> {
  const folder = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'tandem-vault-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, basename(path));
    writeFileSync(copy, text, { mode: 0o600 });
    await runEditor(copy, remove);
    return readFileSync(copy);
  } finally {
    remove();
  }
}

async function runEditor(file: string, remove: () => void): Promise<void> {
  const editor = process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi';
  // The editor may have arguments, as git and sudoedit allow.
  const child = spawn('/bin/sh', ['-c', `exec ${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  const ended = new Promise<string | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal),
    );
  });
  const stopped = Promise.withResolvers<string>();
  const stop = (signal: NodeJS.Signals): void => {
    child.kill(signal);
    remove();
    setTimeout(() => stopped.resolve(signal), PATIENCE_MS).unref();
    void ended.then(() => stopped.resolve(signal));
  };
  // The terminal sends an interrupt to the editor as well, and that decides what it means.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore).on('SIGTERM', stop).on('SIGHUP', stop);
  try {
    const failed = await Promise.race([stopped.promise, ended]);
    if (failed !== undefined)
      throw new Error(`the editor (${editor}) ended with ${failed}: the file is as it was`);
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', stop).off('SIGHUP', stop);
  }
}
