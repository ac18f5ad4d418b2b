import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testsInUml } from '../support/in-uml.ts';
import { CHECKED_PACKAGES } from './daemon/checker-run.ts';
import { installPackages } from './daemon/packages.ts';

installPackages('ipvsadm', 'keepalived', 'kmod', 'tcpdump', ...CHECKED_PACKAGES);

// The launcher builds the release that runs in there if sources have changed.
execFileSync(join(import.meta.dirname, '../../bin/tandemd'), ['--version']);

// A kernel with IPVS is booted once, while tests are collected, and each test that ran in it is one here.
const results = await testsInUml('ipvs', ['test/ipvs/'], 480_000);

test('tests ran in the kernel with IPVS', () => {
  expect(results.length).toBeGreaterThan(0);
});

test.each(results)('$name', ({ status, failureMessages }) => {
  expect(failureMessages).toEqual([]);
  expect(status).toBe('passed');
});
