import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { makeNamespace, type Namespace } from '../native/namespace.ts';

/** A host of a segment: a network namespace with one NIC, `eth0`. */
export interface SegmentHost {
  readonly name: string;
  readonly namespace: Namespace;
  /** `172.16.8.N`. */
  readonly address: string;
  /** The addresses besides its own on eth0, or on another interface, as `address/prefix`; none if it is not there. */
  extraAddresses(dev?: string): string[];
  /** Pulls (or plugs in) the cable at the switch. */
  cable(plugged: boolean): void;
  /** Takes its port out of the switch (or back): nothing passes, and neither end sees that. */
  silentCable(plugged: boolean): void;
}

/** A switch with hosts on it, for as long as this process lives. */
export interface Segment {
  readonly hosts: readonly SegmentHost[];
  readonly switchNamespace: Namespace;
  remove(): void;
}

interface IpAddress {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
}

/** Makes a switch that floods multicast, and `count` hosts 172.16.8.10, .11, … on it. */
export async function makeSegment(count: number): Promise<Segment> {
  const switchNamespace = await makeNamespace();
  addBridge(switchNamespace, 'br0');
  const hosts = await Promise.all(
    Array.from({ length: count }, (_, i) => makeHost(switchNamespace, `host${i + 1}`, `172.16.8.${10 + i}`)),
  );
  return {
    hosts,
    switchNamespace,
    remove: () => {
      for (const host of hosts) host.namespace.remove();
      switchNamespace.remove();
    },
  };
}

/** A second network: a bridge `br1` in the same place, and on each host `eth1` with 172.16.9.10, .11, … */
export function addSecondNetwork({ hosts, switchNamespace }: Segment): void {
  addBridge(switchNamespace, 'br1');
  for (const { name, namespace, address } of hosts) {
    switchNamespace.ip(`link add ${name}b type veth peer name eth1 netns ${namespace.holderPid}`);
    switchNamespace.ip(`link set ${name}b master br1 up`);
    namespace.ip(`addr add ${address.replace('.8.', '.9.')}/24 dev eth1`);
    namespace.ip('link set eth1 addrgenmode none up');
  }
}

function addBridge(switchNamespace: Namespace, name: string): void {
  switchNamespace.ip(`link add ${name} type bridge mcast_snooping 0 stp_state 0 forward_delay 0`);
  switchNamespace.ip(`link set ${name} up`);
}

async function makeHost(switchNamespace: Namespace, name: string, address: string): Promise<SegmentHost> {
  const namespace = await makeNamespace();
  switchNamespace.ip(`link add ${name} type veth peer name eth0 netns ${namespace.holderPid}`);
  switchNamespace.ip(`link set ${name} master br0 up`);
  namespace.ip(`addr add ${address}/24 dev eth0`);
  // Without duplicate address detection, which would make the first second of every test undecided.
  namespace.ip('link set eth0 addrgenmode none up');
  namespace.ip(`addr add fe80::${address.split('.').at(-1)}/64 dev eth0 nodad`);
  return {
    name,
    namespace,
    address,
    extraAddresses: (dev = 'eth0') => {
      const found = JSON.parse(namespace.ip('-j address show')) as readonly IpAddress[];
      return found
        .filter(link => link.ifname === dev)
        .flatMap(link => link.addr_info)
        .filter(each => each.scope !== 'link' && each.local !== address)
        .map(each => `${each.local}/${each.prefixlen}`);
    },
    cable: plugged => void switchNamespace.ip(`link set ${name} ${plugged ? 'up' : 'down'}`),
    silentCable: plugged =>
      void switchNamespace.ip(`link set ${name} ${plugged ? 'master br0' : 'nomaster'}`),
  };
}

/** The argv that runs a command in a namespace; it ends with its parent. */
function within(namespace: Namespace, argv: readonly string[]): [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=${namespace.path}`, ...argv];
}

/** Starts a command in a namespace and collects what it says. */
export function start(
  namespace: Namespace,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly process: ChildProcess; readonly said: () => string } {
  const [program, ...args] = within(namespace, argv);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { process: child, said: () => text };
}

/** Runs a command in a namespace to its end and returns its output. Throws when it fails. */
export function run(namespace: Namespace, argv: readonly string[]): string {
  const [program, ...args] = within(namespace, argv);
  return execFileSync(program, args, { encoding: 'utf8', timeout: 20_000 });
}
