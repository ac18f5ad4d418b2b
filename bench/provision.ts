/**
 * `node bench/provision.ts [HOSTS=2] [ROUNDS=5] [--alone]`: what it costs to build HOSTS/2 pairs and to find them built:
 * Tandem, Ansible with pipelining and Ansible with Mitogen (bench/provision/peer), each on HOSTS hosts of its own in one
 * lab, in turn, and the floor: one connection and one small script per host. `--alone`: without Ansible, on lean hosts.
 * See docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import { type Lab, labUp } from '#lab/lab.ts';
import { installPackages } from '../test/lab/daemon/packages.ts';
import { type Cost, countPackets, measured, type Run } from './provision/measure.ts';
import {
  ansibleInventory,
  CONTENDERS,
  type Contender,
  membersOf,
  siteSpec,
  tandemInventory,
} from './provision/site.ts';
import { median, row, spread } from './statistics.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const PEER = join(import.meta.dirname, 'provision', 'peer');
/** Where Debian has Mitogen's strategies. */
const MITOGEN = '/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy';
/** First runs are repeated, on fresh hosts, up to this many hosts. */
const [FEW_HOSTS, FIRST_ROUNDS] = [4, 3];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { alone: { type: 'boolean' } },
});
const [hostsText = '2', roundsText = '5'] = positionals;
const HOSTS = Number(hostsText);
const ROUNDS = Number(roundsText);
const contenders = values.alone ? (['tandem'] as const) : CONTENDERS;
const KINDS = ['first run', 'second run', 'floor'] as const;
type Kind = (typeof KINDS)[number];

const costs = new Map<string, Cost[]>();

function keep(contender: Contender, kind: Kind, { cost }: Run): void {
  const key = `${contender} ${kind}`;
  costs.set(key, [...(costs.get(key) ?? []), cost]);
  const { wallS, cpuS, connections, execs, kilobytes } = cost;
  console.error(
    `${kind}, ${contender}: ${wallS.toFixed(2)} s, CPU ${cpuS.toFixed(2)} s, ${connections} connections, ${execs} execs, ${kilobytes.toFixed(1)} KB a host`,
  );
}

const floorCosts = (): readonly Cost[] => costs.get('tandem floor') ?? [];

/** Where the inventories, the floor's bundle and Ansible's files are. */
class Controller {
  readonly #lab: Lab;
  readonly #folder: string;

  constructor(lab: Lab, folder: string) {
    this.#lab = lab;
    this.#folder = folder;
    for (const contender of contenders) {
      const text =
        contender === 'tandem' ? tandemInventory(HOSTS) : ansibleInventory(contender, HOSTS, lab.ssh);
      writeFileSync(join(folder, `${contender}.yml`), text);
    }
  }

  /** @throws {Error} when it fails, or finds something to do in a second run. */
  async build(contender: Contender, kind: Kind): Promise<void> {
    const run = await (contender === 'tandem' ? this.#tandem() : this.#ansible(contender));
    const changed =
      contender === 'tandem' ? !/\b0 changed\b/.test(run.output) : /changed=[1-9]/.test(run.output);
    if (run.code !== 0 || changed !== (kind === 'first run')) throw new Error(`${contender}: ${run.output}`);
    keep(contender, kind, run);
  }

  async floor(): Promise<void> {
    const addresses = membersOf('tandem', HOSTS).map(({ address }) => address);
    const argv = [process.execPath, join(this.#folder, 'floor.mjs'), this.#lab.ssh.keyFile, ...addresses];
    const run = await measured(this.#lab, 'tandem', HOSTS, argv, {});
    if (run.code !== 0) throw new Error(run.output);
    keep('tandem', 'floor', run);
  }

  #tandem(): Promise<Run> {
    const inventory = join(this.#folder, 'tandem.yml');
    const argv = [
      join(CHECKOUT, 'bin', 'tandem'),
      'apply',
      '-i',
      inventory,
      '--ssh-config',
      this.#lab.ssh.configFile,
    ];
    return measured(this.#lab, 'tandem', HOSTS, argv, { HOME: this.#folder });
  }

  #ansible(contender: Contender): Promise<Run> {
    const argv = ['ansible-playbook', '-i', join(this.#folder, `${contender}.yml`), join(PEER, 'site.yml')];
    const mitogen = { ANSIBLE_STRATEGY: 'mitogen_linear', ANSIBLE_STRATEGY_PLUGINS: MITOGEN };
    return measured(this.#lab, contender, HOSTS, argv, {
      HOME: this.#folder,
      LANG: 'C.UTF-8',
      ANSIBLE_CONFIG: join(PEER, 'ansible.cfg'),
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(this.#folder, 'cp'),
      ...(contender === 'mitogen' ? mitogen : {}),
    });
  }
}

async function raise(folder: string): Promise<{ readonly lab: Lab; readonly controller: Controller }> {
  const spec = {
    ...siteSpec(`bench-${process.pid}`, contenders, HOSTS),
    ...(values.alone ? { lean: true } : {}),
  };
  const lab = await labUp(spec, { ephemeral: true, onProgress: line => console.error(line) });
  const script = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  for (const { name } of spec.hosts) await lab.exec(name, { script }, { check: true });
  await countPackets(lab);
  return { lab, controller: new Controller(lab, folder) };
}

/** The contenders, another one first each time. */
function inTurn(round: number): Contender[] {
  const first = round % contenders.length;
  return [...contenders.slice(first), ...contenders.slice(0, first)];
}

/** Second runs that do not count: files are read for the first time, keepalived's start settles. */
async function warmUp(controller: Controller): Promise<void> {
  for (const contender of contenders) await controller.build(contender, 'second run');
  for (const contender of contenders) costs.delete(`${contender} second run`);
}

async function measureAll(folder: string): Promise<void> {
  const firstRounds = HOSTS > FEW_HOSTS ? 1 : Math.min(FIRST_ROUNDS, ROUNDS);
  for (let round = 1; round <= firstRounds; round++) {
    const { lab, controller } = await raise(folder);
    try {
      for (const contender of inTurn(round)) await controller.build(contender, 'first run');
      if (round < firstRounds) continue;
      if (HOSTS <= FEW_HOSTS) await warmUp(controller);
      for (let again = 1; again <= ROUNDS; again++) {
        for (const contender of inTurn(again)) await controller.build(contender, 'second run');
        await controller.floor();
      }
    } finally {
      await lab.down();
    }
  }
}

function report(): void {
  const walls = (key: string): number[] => (costs.get(key) ?? []).map(({ wallS }) => wallS);
  console.log(
    row(['run', 'who', 'n', 'wall s', 'CPU s', 'connections', 'execs', 'KB a host', '× Tandem', '× floor']),
  );
  for (const kind of KINDS)
    for (const contender of contenders) {
      const those = costs.get(`${contender} ${kind}`);
      if (!those) continue;
      const times = (base: readonly number[]): string =>
        (median(those.map(({ wallS }) => wallS)) / median(base)).toFixed(2);
      console.log(
        row([
          kind,
          kind === 'floor' ? 'floor' : contender,
          those.length,
          spread(
            those.map(({ wallS }) => wallS),
            2,
          ),
          spread(
            those.map(({ cpuS }) => cpuS),
            2,
          ),
          Math.max(...those.map(({ connections }) => connections)),
          Math.max(...those.map(({ execs }) => execs)),
          median(those.map(({ kilobytes }) => kilobytes)).toFixed(1),
          times(walls(`tandem ${kind === 'floor' ? 'second run' : kind}`)),
          kind === 'first run' ? '–' : times(floorCosts().map(({ wallS }) => wallS)),
        ]),
      );
    }
}

function versions(): string {
  const first = (argv: readonly [string, ...string[]]): string =>
    execFileSync(argv[0], argv.slice(1), { encoding: 'utf8' }).split('\n')[0] ?? '';
  const ansible = () => [
    first(['ansible-playbook', '--version']),
    `Mitogen ${first(['dpkg-query', '-W', '-f', '${Version}', 'ansible-mitogen'])}`,
  ];
  return [`Node ${process.version}`, ...(values.alone ? [] : ansible())].join(', ');
}

async function main(): Promise<void> {
  if (!(HOSTS >= 2 && HOSTS <= 254 && HOSTS % 2 === 0))
    throw new Error(`hosts come in pairs, 2–254: ${HOSTS}`);
  if (!values.alone) installPackages('ansible', 'ansible-mitogen', 'openssh-client');
  execFileSync(process.execPath, ['scripts/build.ts', '--if-changed'], { cwd: CHECKOUT });
  const folder = mkdtempSync(join(tmpdir(), 'bench-provision-'));
  mkdirSync(join(folder, 'cp'));
  try {
    await build({
      cwd: CHECKOUT,
      platform: 'node',
      external: [/\.node$/],
      logLevel: 'warn',
      input: join(import.meta.dirname, 'provision', 'floor.ts'),
      // ssh2 is CommonJS and asks where it is.
      output: {
        file: join(folder, 'floor.mjs'),
        format: 'esm',
        banner: 'var __dirname = import.meta.dirname, __filename = import.meta.filename;',
      },
    });
    const load = () => `load ${loadavg()[0]?.toFixed(1)}`;
    console.log(`${new Date().toISOString().slice(0, 10)}, ${HOSTS} hosts, ${versions()}, ${load()}`);
    await measureAll(folder);
    report();
    console.log(load());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
