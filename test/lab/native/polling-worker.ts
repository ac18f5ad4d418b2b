import { parentPort } from 'node:worker_threads';
import { openKernel } from '#linux/kernel.ts';

const kernel = openKernel();
if (!kernel.ok) throw new Error(kernel.failure.message);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
const timer = kernel.value.timer(() => parentPort?.postMessage('polling'));
kernel.value.tables.watch(() => {});
timer.arm(0);
