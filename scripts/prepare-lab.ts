import { ensureImage } from '#lab/image.ts';
import type { LayerName, Release } from '#lab/spec.ts';
import { prepareUml } from '#lab/uml.ts';
import { ensurePrerequisites, LabError, sweepDeadLabs } from '#lab/lab.ts';

/** What the tests' hosts are made of: of the tests' own release with layers, of the others as it comes. */
const IMAGES: readonly (readonly [Release, ...LayerName[]])[] = [
  ['bookworm', 'keepalived'],
  ['bookworm', 'services'],
  ['bookworm', 'firewalls'],
  ['bookworm', 'network-manager'],
  ['bookworm', 'rpm'],
  ['bullseye'],
  ['trixie'],
];

/**
 * Makes this machine able to run labs: Debian packages, base images, a kernel with IPVS; says what it does. Leftovers of
 * killed runs go. True if that kernel is quick enough for all that is rehearsed in it.
 */
export async function prepareLab(): Promise<boolean> {
  const onProgress = (line: string) => console.log(`lab: ${line}`);
  try {
    await ensurePrerequisites(onProgress);
    const removed = await sweepDeadLabs();
    if (removed.length > 0) onProgress(`removed what killed runs left behind: ${removed.join(', ')}`);
    // Two at a time: a build waits for the network and then keeps one core busy.
    await Promise.all([
      buildInTurn(
        IMAGES.filter(([release]) => release === 'bookworm'),
        onProgress,
      ),
      buildInTurn(
        IMAGES.filter(([release]) => release !== 'bookworm'),
        onProgress,
      ),
    ]);
    return (await prepareUml(onProgress)).quick;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`lab: ${error.message}`);
    process.exit(1);
  }
}

async function buildInTurn(images: typeof IMAGES, onProgress: (line: string) => void): Promise<void> {
  for (const [release, ...layers] of images) await ensureImage(release, layers, onProgress);
}
