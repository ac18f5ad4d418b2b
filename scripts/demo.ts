/**
 * `npm run demo`: a highly available pair from nothing to nothing, on this machine. Two Debian hosts and a third that
 * watches; apply, fail over, drift, mend, tear down, and proof that no trace is left. Fails loudly if anything it
 * claims does not hold.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { compareSnapshots, labUp, snapshotHost, type ExecResult, type Lab, type Snapshot } from '#lab/lab.ts';
import { DRIFT } from '../test/support/drift.ts';
import { awaitHolder, INVENTORY, NODES, pairSpec, VIP } from '../test/support/pair.ts';
import { tandem } from '../test/support/tandem.ts';
import { prepareLab } from './prepare-lab.ts';

const startedAtMs = performance.now();
let step = 0;

function say(text: string): void {
  const elapsedS = ((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(5);
  console.log(`\n[${elapsedS} s] ${(step += 1)}. ${text}`);
}

function claim(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the demo's claim does not hold: ${what}`);
  console.log(`  ✓ ${what}`);
}

async function run(lab: Lab, argv: readonly string[], expected: number): Promise<ExecResult> {
  console.log(`  $ tandem ${argv.join(' ')}`);
  const result = await tandem(lab, argv, { onLine: line => console.log(`    ${line}`) });
  claim(
    result.code === expected,
    `exit code ${expected}${result.code === expected ? '' : ` (it was ${result.code})`}`,
  );
  return result;
}

async function snapshots(lab: Lab): Promise<Snapshot[]> {
  return await Promise.all(NODES.map(node => snapshotHost(lab, node)));
}

async function showcase(lab: Lab): Promise<void> {
  const before = await snapshots(lab);
  const inventory = ['-i', INVENTORY];

  say('One command builds the pair: the daemon, its configuration, the firewall, sysctls, the service.');
  await run(lab, ['apply', ...inventory], 0);
  await awaitHolder(lab, 'ka67');
  await run(lab, ['status', ...inventory], 0);

  say('The master is crashed (its init is killed). A third host probes the virtual address every 10 ms.');
  const prober = await lab.probe('watch', VIP, { intervalMs: 10 });
  await prober.nextAnswer(5000);
  await lab.crash('ka67');
  await awaitHolder(lab, 'ka68').catch(() => undefined);
  await prober.nextAnswer(10_000);
  const crash = await prober.stop();
  claim(
    crash.largestGapMs < 4000,
    `${VIP} was away for ${Math.round(crash.largestGapMs)} ms (${crash.lost} of ${crash.sent} probes lost), now on ka68`,
  );

  say('The crashed host comes back and, being preferred, takes over again.');
  const back = await lab.probe('watch', VIP, { intervalMs: 10 });
  await back.nextAnswer(5000);
  await lab.start('ka67');
  await awaitHolder(lab, 'ka67', 30_000);
  await sleep(100);
  const preempted = await back.stop();
  claim(true, `back on ka67; largest gap while it took over: ${Math.round(preempted.largestGapMs)} ms`);

  say('The same command again finds nothing to do.');
  const second = await run(lab, ['apply', ...inventory], 0);
  claim(/\b0 changed/.test(second.stdout), '0 changed');

  say('Somebody changes things by hand.');
  for (const drift of DRIFT) {
    await lab.exec(drift.host, { script: drift.script }, { check: true });
    console.log(`  ${drift.host}: ${drift.what}`);
  }
  await run(lab, ['plan', ...inventory], 2);

  say('Apply mends it, host by host, verifying each.');
  await run(lab, ['apply', ...inventory], 0);
  await run(lab, ['plan', ...inventory], 0);
  await awaitHolder(lab, 'ka67');

  say('Teardown leaves the hosts as they were.');
  await run(lab, ['teardown', ...inventory, '--yes', 'two-node'], 0);
  const after = await snapshots(lab);
  const left = before.flatMap((snapshot, i) => compareSnapshots(snapshot, after[i] ?? snapshot));
  for (const difference of left) console.log(`  left behind: ${JSON.stringify(difference)}`);
  claim(
    left.length === 0,
    'no trace: files, sysctls, addresses, routes, firewall, units, users and packages compared',
  );
}

await prepareLab();
say(
  'Three Debian hosts boot on this machine (namespaces, their own systemd and sshd): ka67, ka68, and one that watches.',
);
const lab = await labUp(pairSpec(`demo-${process.pid}`), {
  ephemeral: true,
  onProgress: line => console.log(`  ${line}`),
});
try {
  await showcase(lab);
} finally {
  await lab.down();
}
console.log(`\nDone in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s.`);
