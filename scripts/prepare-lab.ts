import { ensureImage } from '#lab/image.ts';
import type { LayerName, Release } from '#lab/spec.ts';
import { ensurePrerequisites, LabError, sweepDeadLabs } from '#lab/lab.ts';
import { prepareUml } from '#lab/uml.ts';

type Image = readonly [Release, ...LayerName[]];

/** What the tests' hosts are made of: of the tests' own release with layers, of the others as it comes. */
const TEST_IMAGES: readonly Image[] = [
  ['bookworm', 'keepalived'],
  ['bookworm', 'services'],
  ['bookworm', 'firewalls'],
  ['bookworm', 'network-manager'],
  ['bookworm', 'rpm'],
  ['bullseye'],
  ['trixie'],
];

const onProgress = (line: string): void => console.log(`lab: ${line}`);

/** Makes this machine able to run labs of these images: Debian packages, images; says what it does. Leftovers of killed runs go. */
export async function prepareLab(images: readonly Image[] = [['bookworm']]): Promise<void> {
  await orEnd(async () => {
    await ensurePrerequisites(onProgress);
    const removed = await sweepDeadLabs();
    if (removed.length > 0) onProgress(`removed what killed runs left behind: ${removed.join(', ')}`);
    // Two at a time: a build waits for the network and then keeps one core busy.
    const own = images.filter(([release]) => release === 'bookworm');
    const others = images.filter(([release]) => release !== 'bookworm');
    await Promise.all([own, others].map(buildInTurn));
  });
}

/** The same for all tests. True if the kernel with IPVS is quick enough for all that is rehearsed in it. */
export async function prepareTests(): Promise<boolean> {
  await prepareLab(TEST_IMAGES);
  return await orEnd(async () => (await prepareUml(onProgress)).quick);
}

async function buildInTurn(images: readonly Image[]): Promise<void> {
  for (const [release, ...layers] of images) await ensureImage(release, layers, onProgress);
}

/** Ends this process with the words of an error that a machine causes. */
async function orEnd<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`lab: ${error.message}`);
    process.exit(1);
  }
}
