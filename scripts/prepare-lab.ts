import { ensureImage } from '#lab/image.ts';
import type { LayerName } from '#lab/spec.ts';
import { ensurePrerequisites, LabError, sweepDeadLabs } from '#lab/lab.ts';

/** What the tests' hosts are made of. */
const LAYERS: readonly (readonly LayerName[])[] = [['keepalived'], ['services'], ['firewalls']];

/** Makes this machine able to run labs: Debian packages, base images; says what it does. Leftovers of killed runs go. */
export async function prepareLab(): Promise<void> {
  const onProgress = (line: string) => console.log(`lab: ${line}`);
  try {
    await ensurePrerequisites(onProgress);
    const removed = await sweepDeadLabs();
    if (removed.length > 0) onProgress(`removed what killed runs left behind: ${removed.join(', ')}`);
    for (const layers of LAYERS) await ensureImage('bookworm', layers, onProgress);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`lab: ${error.message}`);
    process.exit(1);
  }
}
