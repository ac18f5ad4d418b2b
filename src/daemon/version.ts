import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The release's manifest as far as the daemon reads it. */
interface Manifest {
  readonly id: string;
}

/** Of the package; replaced by the build. */
export const VERSION = '0.1.0';

/** The id of the release that this file is part of; null in a checkout. */
export function releaseId(): string | null {
  try {
    const text = readFileSync(join(import.meta.dirname, 'manifest.json'), 'utf8');
    return (JSON.parse(text) as Manifest).id;
  } catch {
    return null;
  }
}
