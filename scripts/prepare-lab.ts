import { ensureImage } from '#lab/image.ts';
import { ensurePrerequisites, LabError, sweepDeadLabs } from '#lab/lab.ts';

/** Makes this machine able to run labs: Debian packages, base images; says what it does. Leftovers of killed runs go. */
export async function prepareLab(): Promise<void> {
  const onProgress = (line: string) => console.log(`lab: ${line}`);
  try {
    await ensurePrerequisites(onProgress);
    const removed = await sweepDeadLabs();
    if (removed.length > 0) onProgress(`removed what killed runs left behind: ${removed.join(', ')}`);
    await ensureImage('bookworm', ['keepalived'], onProgress);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`lab: ${error.message}`);
    process.exit(1);
  }
}
