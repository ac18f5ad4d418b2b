/** What a lab offers to tests, demo, benchmarks and the `tandem lab` command. */
import type { ExecOptions, ExecResult } from './command.ts';
import type { Prober, ProbeOptions } from './probe.ts';
import type { Sniffer, SniffOptions } from './sniff.ts';
import type { LabSpec } from './spec.ts';
import type { SshAccess } from './ssh-access.ts';

/** An argv, or a script for `/bin/sh -c`. */
export type Command = readonly string[] | { readonly script: string };

export interface LabOptions {
  /** Told of each step: image builds, hosts that come up. */
  readonly onProgress?: (line: string) => void;
  /** The lab belongs to this process: once it is gone, however it ended, the next `labUp` or sweep removes the lab. */
  readonly ephemeral?: boolean;
  /** Bound for each host from boot to an SSH banner. Default 60 000. */
  readonly bootTimeoutMs?: number;
  /** Hosts that boot at the same time. Default 8. */
  readonly bootsInParallel?: number;
}

export interface HostStatus {
  readonly name: string;
  /** `down`: crashed, stopped or powered off; its disk is kept. */
  readonly state: 'running' | 'down';
  /** Process id of the host's init as this machine sees it. */
  readonly pid?: number;
  readonly cutNics: readonly string[];
}

/** A running lab. Every method may be called from another process than the one that brought the lab up. */
export interface Lab {
  readonly name: string;
  readonly spec: LabSpec;
  /** Key, known_hosts and ssh_config for logging in from the controller's namespace. */
  readonly ssh: SshAccess;

  /** Runs a command as root on a host, inside all of its namespaces. */
  exec(host: string, command: Command, options?: ExecOptions): Promise<ExecResult>;
  /** Runs a command of this machine in the controller's network namespace. */
  controllerExec(command: Command, options?: ExecOptions): Promise<ExecResult>;
  /** The argv that runs `argv` in the controller's network namespace, for callers that spawn it themselves. */
  controllerArgv(argv: readonly string[]): string[];
  /** The argv that runs `argv` on a host; with a terminal on stdin it is interactive. */
  hostArgv(host: string, argv: readonly string[]): string[];

  /** Boots a host that is down and waits for its SSH banner; its disk is what it was. */
  start(host: string): Promise<void>;
  /** Orderly power-off: units stop, then the host is gone. */
  stop(host: string): Promise<void>;
  /** Power cut: init is killed with SIGKILL and everything on the host with it. The disk is kept. */
  crash(host: string): Promise<void>;
  /** Orderly reboot, asked for from inside; returns when SSH answers again. */
  reboot(host: string): Promise<void>;

  /** Pulls the cable of a NIC at the switch: the host sees NO-CARRIER. */
  cut(host: string, nic: string): Promise<void>;
  /** The port forwards nothing, and neither side notices. */
  silentCut(host: string, nic: string): Promise<void>;
  /** Nothing passes between the two groups of hosts; the controller still reaches all. */
  partition(one: readonly string[], other: readonly string[]): Promise<void>;
  /** Drops `percent` (0–100) of the frames in both directions; 0 takes it back. */
  loss(host: string, nic: string, percent: number): Promise<void>;
  /** Takes back every cut and loss of a NIC, of a host (no `nic`), or everything, partitions included (no `host`). */
  heal(host?: string, nic?: string): Promise<void>;

  /** Records what passes a network, as the bridge sees it. */
  sniff(network: string, options?: SniffOptions): Promise<Sniffer>;
  /** Sends ICMP echoes from a host, or from `controller`, until it is stopped, and measures the gaps. */
  probe(from: string, address: string, options?: ProbeOptions): Promise<Prober>;

  /** Every host's state. */
  list(): Promise<readonly HostStatus[]>;
  /** What a host has said on its console and in its journal, the newest last. */
  journal(host: string): Promise<string>;
  /** Removes the lab and everything that is its own. Idempotent. */
  down(): Promise<void>;
}

/** A line of {@link listLabs}. */
export interface LabSummary {
  readonly name: string;
  readonly hosts: number;
  readonly ephemeral: boolean;
  /** False when an ephemeral lab's process is gone. */
  readonly ownerAlive: boolean;
}
