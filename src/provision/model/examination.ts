/** What `tandem doctor` learns from one host, and what it asks there; the verdict is in `diagnosis.ts`. */
import type { ProbeReport } from '#control/probe.ts';
import type { Facts } from './facts.ts';
import { type Fragment, sh } from './shell.ts';
import type { HostTopology } from './topology-types.ts';

export type Examination =
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Reached, but what was asked did not come back. */
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'seen';
      readonly facts: Facts;
      /** How far its clock is before ours, and by how much that may be wrong; undefined: it cannot be told. */
      readonly clock: { readonly aheadMs: number; readonly uncertainMs: number } | undefined;
      /** VRRP daemons that run in its network and are not tandemd. */
      readonly daemons: readonly { readonly name: string; readonly pid: number }[];
      /** Needed kernel modules that it does not have. */
      readonly missingModules: readonly string[];
      /** What its probe said; undefined if it has no instance, or with a reason why there is none. */
      readonly probe: ProbeReport | { readonly problem: string } | undefined;
    };

/** Names of VRRP daemons' processes, as the kernel cuts them off. */
const DAEMONS = ['keepalived', 'vrrpd', 'uvrrpd', 'ucarp'] as const;

/** `NAME PID` for each VRRP daemon in the host's own network: those of containers are not its. */
export function daemonsProbe(): Fragment {
  return sh`for t_l in /proc/[0-9]*; do
t_v=
{ read -r t_v <"$t_l/comm"; } 2>/dev/null || continue
for t_k in ${DAEMONS}; do
[ "$t_v" != "$t_k" ] || [ "$(readlink "$t_l/ns/net")" != "$(readlink /proc/self/ns/net)" ] || echo "$t_v \${t_l#/proc/}"
done
done; :`;
}

/** The first process of each daemon: the others are its children. */
export function parseDaemons(answer: Uint8Array): { readonly name: string; readonly pid: number }[] {
  const first = new Map<string, number>();
  for (const line of new TextDecoder().decode(answer).split('\n')) {
    const [name = '', pid] = line.split(' ');
    if (pid !== undefined) first.set(name, Math.min(Number(pid), first.get(name) ?? Infinity));
  }
  return [...first].map(([name, pid]) => ({ name, pid }));
}

/** Kernel modules that a host's part of the topology needs. */
export function neededModules({ virtual_servers, instances }: HostTopology): readonly string[] {
  const words = instances.flatMap(instance => instance.keywords);
  return [
    ...(virtual_servers.length > 0 ? ['ip_vs'] : []),
    ...(words.some(line => /^use_vmac(?:_addr)?\b/.test(line)) ? ['macvlan'] : []),
    ...(words.some(line => /^no_accept\b/.test(line)) ? ['nf_tables'] : []),
  ];
}

/** States of the modules, `NAME STATE …` a line. */
export function modulesProbe(names: readonly string[]): Fragment {
  return sh`for t_n in ${names}; do echo "$t_n $(t_module "$t_n")"; done`;
}

export function parseMissingModules(answer: Uint8Array): readonly string[] {
  return new TextDecoder()
    .decode(answer)
    .split('\n')
    .flatMap(line => (line.split(' ')[1] === 'missing' ? [line.split(' ')[0] ?? ''] : []));
}
