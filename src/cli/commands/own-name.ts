import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PACKAGE_ROOT } from '#cli/site.ts';

/** What to type for this program: in a checkout it is not on the PATH. */
export function ownName(): string {
  if (!existsSync(join(PACKAGE_ROOT, 'src'))) return 'tandem';
  const path = relative(process.cwd(), join(PACKAGE_ROOT, 'bin', 'tandem'));
  return path.includes('/') ? path : `./${path}`;
}
