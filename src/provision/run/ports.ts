/** What the runner needs of the world: a way to hosts, a user to ask, and a planner that decides what is to be done. */
import type { Readable, Writable } from 'node:stream';
import type { DepartureOrders } from '#provision/model/departures.ts';
import type { Frame } from '#provision/model/frames.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import type { Item } from '#provision/model/program.ts';
import type { Secret } from '#provision/model/shell.ts';

/** How to log in to one host, as the inventory says; what it leaves open is decided by the user's ssh configuration. */
export interface HostAccess {
  /** The inventory's name; what `ssh NAME` would look up. */
  readonly name: string;
  /** `ansible_host`: takes the place of the name. */
  readonly address?: string;
  /** `ansible_user`. */
  readonly user?: string;
  /** `ansible_port`, 1–65535. */
  readonly port?: number;
  /** `ansible_ssh_private_key_file`. */
  readonly privateKeyFile?: string;
  /** `ansible_password` or `ansible_ssh_pass`. */
  readonly password?: Secret;
  /** `ansible_ssh_common_args` and `ansible_ssh_extra_args`, split into words; any makes the system's ssh the transport. */
  readonly sshArguments?: readonly string[];
  /** `ansible_connection`: `ssh` (or absent) leaves the choice to us, `openssh` asks for the system's ssh. */
  readonly connection?: 'ssh' | 'openssh';
  /** `ansible_host_key_checking` (also of `ansible_ssh_…`): false takes any key, as Ansible does then. */
  readonly hostKeyChecking?: boolean;
  /** `ansible_become`: root by sudo, unless the remote user is root already. */
  readonly become?: { readonly password?: Secret };
}

/** Something only the user knows. Undefined as the answer: there is nobody to ask. */
export interface Question {
  readonly kind: 'passphrase' | 'password' | 'become-password';
  readonly host: string;
  /** The key file, or user@host: for the prompt. */
  readonly about: string;
}
export type Ask = (question: Question) => Promise<Secret | undefined>;

/** How a remote command ended; a code of `undefined` means that the channel broke before it did. */
export interface ChannelEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Why the channel broke, in the transport's words. */
  readonly lost?: string;
}

/** One remote command with its three streams. */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once, never rejects. */
  readonly ended: Promise<ChannelEnd>;
  /** Gives the channel up at once. */
  destroy(): void;
}

/** One authenticated connection to one host. */
export interface Connection {
  /** For people: `node-ssh`, `openssh`. */
  readonly transport: string;
  /** The user that was logged in as. */
  readonly user: string;
  /** Runs a constant command, quoted for the login shell by the transport. Throws RemoteError. */
  open(argv: readonly string[]): Promise<Channel>;
  /** Closes cleanly; a second call does nothing. */
  close(): Promise<void>;
}

/** A way to hosts. Throws RemoteError with `unreachable` from `connect`. */
export interface Transport {
  connect(access: HostAccess): Promise<Connection>;
}

/** A program's answers by frame id, in the order of arrival; `end` is not among them. */
export type Answers = ReadonlyMap<string, Frame>;

/**
 * Decides for one host, round after round: what to read, and from the answers what to do. A plan with `barrier` is
 * followed by another round: at once if it is empty, else when all of it has been applied.
 */
export interface HostPlanner {
  /** What is to be read from the host, all of it in one round trip. */
  probe(): { readonly parts: readonly Item[] };
  /** Throws RemoteError where an answer says that a probe failed, InputError where the variables cannot be used. */
  plan(answers: Answers): HostPlan;
  /** From the next plan on: other orders about real servers that leave this host, a director. */
  depart?(orders: DepartureOrders): void;
}

/** One host of a run. */
export interface RunHost {
  readonly access: HostAccess;
  readonly planner: HostPlanner;
  /** False for a host outside `--limit`: it is only contacted, read and locked, when a member of its cluster is disturbed. */
  readonly selected: boolean;
}

/** Hosts that are disturbed one at a time. */
export interface RunCluster {
  readonly name: string;
  /** In order of preference: on a new cluster the first becomes MASTER. */
  readonly members: readonly string[];
  /** Hosts that serve behind the members and are none of them. */
  readonly realServers?: readonly string[];
}
