/** The shipped LVS topologies, rehearsed in a lab inside a kernel with IPVS: each test of test/ipvs-lab is one here. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ensureImage } from '#lab/image.ts';
import { ensurePrerequisites } from '#lab/lab.ts';
import { prepareUml } from '#lab/uml.ts';
import { testsInUml } from '../support/in-uml.ts';
import { ROOT } from '../support/tandem.ts';
import { installPackages } from './daemon/packages.ts';

const onProgress = (line: string) => console.log(line);
const { quick } = await prepareUml(onProgress);

/** `all`, or names of files of test/ipvs-lab: `nat,releases`. In a kernel that is not quick, all takes half an hour. */
const WANTED = process.env['TANDEM_REHEARSE'] ?? (quick ? 'all' : 'dr,drain');
const ALL = WANTED === 'all';
const FILTERS = ALL ? ['test/ipvs-lab/'] : WANTED.split(',').map(name => `test/ipvs-lab/${name}.`);

// What cannot be fetched or built inside.
installPackages('kmod');
await ensurePrerequisites(onProgress);
await ensureImage('bookworm', ['services'], onProgress);
if (ALL || WANTED.includes('releases'))
  for (const release of ['bullseye', 'trixie'] as const) await ensureImage(release, [], onProgress);
execFileSync(`${ROOT}bin/tandem`, ['--version']);

const results = await testsInUml('ipvs-lab', FILTERS, ALL ? 3_000_000 : 1_200_000);

test('tests ran in labs inside the kernel with IPVS', () => {
  expect(results.length).toBeGreaterThan(0);
});

test.each(results)('$name', ({ status, failureMessages }) => {
  expect(failureMessages).toEqual([]);
  expect(status).toBe('passed');
});
