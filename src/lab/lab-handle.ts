import type { HostStatus, Lab } from './api.ts';
import { run } from './command.ts';
import { argvOf, controllerArgv, hostArgv } from './exec.ts';
import { applyFaults, cableLines, NO_FAULTS, portNamed, readFaults, type Faults } from './faults.ts';
import {
  awaitDown,
  awaitListening,
  boot,
  initPid,
  journalOf,
  pathsOfHost,
  writeBatches,
  type LabContext,
} from './host.ts';
import { LabError } from './lab-error.ts';
import { hostNamed, portsOf, type Port } from './layout.ts';
import { startProber } from './probe.ts';
import { removeLab } from './remove.ts';
import { startSniffer } from './sniff.ts';
import { sshAccess } from './ssh-access.ts';
import { batch } from './switch.ts';

const BOOT_TIMEOUT_MS = 60_000;
/** systemd gives a unit 90 s to stop; a lab's units need far less. */
const STOP_TIMEOUT_MS = 100_000;

/** The {@link Lab} of a directory that {@link LabContext} describes. It holds no state of its own. */
export function labHandle(lab: LabContext): Lab {
  return {
    name: lab.spec.name,
    spec: lab.spec,
    ssh: sshAccess(lab.paths),
    ...commands(lab),
    ...power(lab),
    ...cables(lab),
    ...partitions(lab),
    sniff: async (network, options) => await startSniffer(lab, network, options),
    probe: async (from, address, options) => await startProber(lab, from, address, options),
    list: async () => await list(lab),
    journal: async host => await journalOf(lab, host),
    down: async () => await removeLab(lab.spec.name, lab.cgroupRoot),
  };
}

function commands(lab: LabContext): Pick<Lab, 'exec' | 'controllerExec' | 'controllerArgv' | 'hostArgv'> {
  return {
    exec: async (host, command, options) => await run(hostArgv(lab, host, argvOf(command)), options),
    controllerExec: async (command, options) => await run(controllerArgv(lab, argvOf(command)), options),
    controllerArgv: argv => controllerArgv(lab, argv),
    hostArgv: (host, argv) => hostArgv(lab, host, argv),
  };
}

function power(lab: LabContext): Pick<Lab, 'start' | 'stop' | 'crash' | 'reboot'> {
  return {
    start: async host => await boot(lab, host, BOOT_TIMEOUT_MS),
    stop: async host => {
      await run(hostArgv(lab, host, ['systemctl', '--no-block', 'poweroff']), { check: true });
      await awaitDown(lab, host, STOP_TIMEOUT_MS);
    },
    crash: async host => {
      const pid = runningPid(lab, host);
      // From outside the host vanishes at one moment, before its processes go one by one.
      const ports = portsOf(lab.spec).filter(port => port.host === host);
      await ipInSwitch(
        lab,
        ports.map(({ port }) => `link set ${port} nomaster`),
      );
      process.kill(pid, 'SIGKILL');
      await awaitDown(lab, host, STOP_TIMEOUT_MS);
    },
    reboot: async host => {
      const pid = runningPid(lab, host);
      await writeBatches(lab, host);
      await run(hostArgv(lab, host, ['systemctl', '--no-block', 'reboot']), { check: true });
      await awaitListening(lab, host, STOP_TIMEOUT_MS, pid);
    },
  };
}

function runningPid(lab: LabContext, host: string): number {
  const pid = initPid(pathsOfHost(lab, host));
  if (pid === undefined) throw new LabError(`${host} is down`, { hint: `tandem lab start ${host}` });
  return pid;
}

function cables(lab: LabContext): Pick<Lab, 'cut' | 'silentCut' | 'loss'> {
  return {
    cut: async (host, nic) => await setCable(lab, portNamed(lab.spec, host, nic), 'cut'),
    silentCut: async (host, nic) => await setCable(lab, portNamed(lab.spec, host, nic), 'silent'),
    loss: async (host, nic, percent) => {
      if (!(percent >= 0 && percent <= 100)) throw new LabError(`loss is 0–100 percent, not ${percent}`);
      const { port } = portNamed(lab.spec, host, nic);
      const faults = await readFaults(lab.paths);
      const { [port]: _, ...others } = faults.loss;
      const loss = percent === 0 ? others : { ...others, [port]: percent };
      await applyFaults(lab.paths, lab.spec, { ...faults, loss });
    },
  };
}

async function setCable(lab: LabContext, port: Port, state: 'cut' | 'silent'): Promise<void> {
  const faults = await readFaults(lab.paths);
  await change(lab, [port], { ...faults, cables: { ...faults.cables, [port.port]: state } });
}

function partitions(lab: LabContext): Pick<Lab, 'partition' | 'heal'> {
  return {
    partition: async (one, other) => {
      for (const host of [...one, ...other]) pathsOfHost(lab, host);
      const faults = await readFaults(lab.paths);
      await applyFaults(lab.paths, lab.spec, { ...faults, partitions: [...faults.partitions, [one, other]] });
    },
    heal: async (host, nic) => {
      if (host === undefined) return await change(lab, portsOf(lab.spec), NO_FAULTS);
      pathsOfHost(lab, host);
      const ports =
        nic === undefined
          ? portsOf(lab.spec).filter(port => port.host === host)
          : [portNamed(lab.spec, host, nic)];
      const healed = new Set(ports.map(({ port }) => port));
      const faults = await readFaults(lab.paths);
      const rest = <T>(of: Readonly<Record<string, T>>) =>
        Object.fromEntries(Object.entries(of).filter(([port]) => !healed.has(port)));
      await change(lab, ports, { ...faults, cables: rest(faults.cables), loss: rest(faults.loss) });
    },
  };
}

/** Records the faults, and moves the cables of those ports whose host is running. */
async function change(lab: LabContext, ports: readonly Port[], faults: Faults): Promise<void> {
  await applyFaults(lab.paths, lab.spec, faults);
  const plugged = ports.filter(port => initPid(pathsOfHost(lab, port.host)) !== undefined);
  await ipInSwitch(
    lab,
    plugged.flatMap(port => cableLines(port, faults)),
  );
  // A host that reboots by itself finds its cables in these.
  for (const host of new Set(ports.map(port => port.host))) await writeBatches(lab, host);
}

async function ipInSwitch(lab: LabContext, lines: readonly string[]): Promise<void> {
  const argv = ['nsenter', `--net=${lab.paths.switchNamespace}`, 'ip', '-batch', '-'];
  await run(argv, { stdin: batch(lines), check: true });
}

async function list(lab: LabContext): Promise<HostStatus[]> {
  const faults = await readFaults(lab.paths);
  return lab.spec.hosts.map(({ name }) => {
    const pid = hostNamed(lab.spec, name) && initPid(pathsOfHost(lab, name));
    const cutNics = portsOf(lab.spec)
      .filter(port => port.host === name && faults.cables[port.port] !== undefined)
      .map(port => port.nic.name);
    return {
      name,
      state: pid === undefined ? 'down' : 'running',
      ...(pid === undefined ? {} : { pid }),
      cutNics,
    };
  });
}
