import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { enterNetworkNamespace } from '#linux/kernel.ts';

/**
 * A client, two directors and two real servers, each in a network namespace, on one switch. Servers and clients are
 * sockets of this thread: a socket stays in the namespace in which it was made.
 */

const OWN = '/proc/1/ns/net';

/** VIPs, by how the director reaches the real servers. */
export const VIPS = {
  nat: '10.9.0.100',
  dr: '10.9.0.101',
  tun: '10.9.0.102',
  six: 'fd09::100',
  mark: '10.9.0.103',
  /** Of VRRP, by direct routing: at first no director has it. */
  vrrp: '10.9.0.104',
} as const;
/** The real servers answer this client address without passing the director (DR, TUN); to the others they pass it (NAT). */
export const DIRECT_CLIENT = '10.9.0.3';
export const REAL_SERVERS = ['rs1', 'rs2'] as const;
/** IPv4 and IPv6 address of a real server. */
export const realAddress = (index: number) => [`10.9.1.${11 + index}`, `fd09:1::${11 + index}`] as const;

const SETUP = `set -eu
modprobe ipip
for ns in sw client dir dir2 rs1 rs2; do ip netns delete $ns 2>/dev/null || true; done
for ns in sw client dir dir2 rs1 rs2; do
  ip netns add $ns
  ip -n $ns link set lo up
done
ip -n sw link add br0 type bridge mcast_snooping 0
ip -n sw link set br0 up
for ns in client dir dir2 rs1 rs2; do
  ip -n sw link add $ns type veth peer name eth0 netns $ns
  ip -n sw link set $ns master br0 up
  ip netns exec $ns sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
  ip netns exec $ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
  ip -n $ns link set eth0 up
done
ip netns exec dir sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
for address in 10.9.0.2/24 10.9.0.3/24 fd09::2/64; do ip -n client address add $address dev eth0 nodad 2>/dev/null || ip -n client address add $address dev eth0; done
ip -n client route add 10.9.1.0/24 dev eth0
for address in 10.9.0.1/24 10.9.1.1/24 10.9.0.100/32 10.9.0.101/32 10.9.0.102/32 10.9.0.103/32; do ip -n dir address add $address dev eth0; done
for address in 10.9.0.4/24 10.9.1.4/24; do ip -n dir2 address add $address dev eth0; done
for address in fd09::1/64 fd09:1::1/64 fd09::100/128; do ip -n dir address add $address dev eth0 nodad; done
for index in 1 2; do
  ns=rs$index
  ip netns exec $ns sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  ip -n $ns address add 10.9.1.1$index/24 dev eth0
  ip -n $ns address add fd09:1::1$index/64 dev eth0 nodad
  for address in 10.9.0.101 10.9.0.104; do ip -n $ns address add $address/32 dev lo; done
  ip -n $ns link set tunl0 up
  ip netns exec $ns sysctl -qw net.ipv4.conf.tunl0.rp_filter=0
  ip -n $ns address add 10.9.0.102/32 dev tunl0
  ip -n $ns route add default via 10.9.1.1
  ip -n $ns route add 10.9.0.3/32 dev eth0
  ip -n $ns -6 route add default via fd09:1::1
done
`;

/** Builds all anew, also where another file has left it. */
export function buildSegment(): void {
  execFileSync('sh', ['-c', SETUP], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Runs `action` with this thread in a namespace; sockets that it makes before its promise settles are made there. */
export async function inside<T>(namespace: string, action: () => T | Promise<T>): Promise<T> {
  enter(`/run/netns/${namespace}`);
  try {
    return await action();
  } finally {
    enter(OWN);
  }
}

function enter(path: string): void {
  const failure = enterNetworkNamespace(path);
  if (failure) throw new Error(failure.message);
}

/** In each real server, servers that say its name, on every address at 80 and 8080. */
export async function startRealServers(): Promise<Server[]> {
  const servers: Server[] = [];
  for (const name of REAL_SERVERS)
    await inside(name, async () => {
      for (const port of [80, 8080]) {
        const server = createServer(socket => void socket.on('error', () => {}).end(name));
        server.listen(port, '::');
        await once(server, 'listening');
        servers.push(server);
      }
    });
  return servers;
}

/** Which real server answers each of `count` connections, one after the other, from the client; bounded. */
export async function ask(address: string, count: number, localAddress?: string): Promise<string[]> {
  return await inside('client', async () => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) answers.push(await askOnce(address, localAddress));
    return answers;
  });
}

async function askOnce(host: string, localAddress: string | undefined): Promise<string> {
  const socket = connect({ host, port: 80, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.setTimeout(5000, () => socket.destroy(new Error(`no answer from ${host} within 5 s`)));
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** Moves a VIP from the first director to the second, as a failover does. */
export function failOver(address: string): void {
  const ip = (text: string) =>
    execFileSync('ip', text.split(' '), { stdio: ['ignore', 'inherit', 'inherit'] });
  ip(`-n dir address del ${address}/32 dev eth0`);
  ip(`-n dir2 address add ${address}/32 dev eth0`);
  ip(`-n client neigh flush to ${address}`);
}

/** A server on each real server that gives back what it gets. */
export async function startEchoServers(port: number): Promise<Server[]> {
  const servers: Server[] = [];
  for (const name of REAL_SERVERS)
    await inside(name, async () => {
      const server = createServer(socket => void socket.on('error', () => {}).pipe(socket));
      server.listen(port, '::');
      await once(server, 'listening');
      servers.push(server);
    });
  return servers;
}

/** Marks what comes in for an address, in the namespace of this thread; by tc, as the kernel has no nftables for IP. */
export function markPackets(address: string, mark: number): void {
  const tc = (text: string) =>
    execFileSync('tc', text.split(' '), { stdio: ['ignore', 'inherit', 'inherit'] });
  tc('qdisc add dev eth0 ingress');
  tc(
    `filter add dev eth0 parent ffff: protocol ip u32 match ip dst ${address}/32 action skbedit mark ${mark}`,
  );
}

/** How often each answer came. */
export function tally(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
