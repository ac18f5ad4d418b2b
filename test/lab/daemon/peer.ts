import { vi } from 'vitest';
import { FrrNode, frrLinkLocal } from './frr-node.ts';
import { KeepalivedNode } from './keepalived-node.ts';
import { complaintsIn } from './log-exceptions.ts';
import { renderKeepalived, type RouterSpec, VMAC } from './router-spec.ts';
import type { SegmentHost } from './segment.ts';
import { TandemNode } from './tandem-node.ts';

export type Program = 'tandemd' | 'keepalived' | 'frr';
export type PeerState = 'MASTER' | 'BACKUP' | 'FAULT';

/** A VRRP daemon on a host, whichever it is. */
export interface Peer {
  readonly program: Program;
  readonly host: SegmentHost;
  readonly spec: RouterSpec;
  /** From where it sends. */
  readonly sources: readonly string[];
  /** Returns when it waits as BACKUP. */
  start(): Promise<void>;
  /** Waits until all its instances are in the state, and have the VIPs that belong to it. */
  expectState(state: PeerState): Promise<void>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** What it has logged at warning or above, less the known exceptions, over all its starts. */
  complaints(): string[];
  /** What it refused so far, as `reason count`; only tandemd tells. */
  refusals(): Promise<string[]>;
  remove(): Promise<void>;
}

const WAIT = { timeout: 15_000, interval: 40 };

export function makePeer(program: Program, host: SegmentHost, spec: RouterSpec): Peer {
  const isV6 = spec.vips.some(vip => vip.includes(':'));
  const last = host.address.split('.').at(-1);
  const own = [host.address, host.address.replace('.8.', '.9.'), `fe80::${last}`];
  const common = { program, host, spec };
  if (program === 'tandemd') return { ...common, sources: own, ...tandemd(host, spec) };
  if (program === 'keepalived') return { ...common, sources: own, ...keepalived(host, spec) };
  return { ...common, sources: isV6 ? [frrLinkLocal(host.address)] : own, ...frr(host, spec) };
}

type Acts = Omit<Peer, 'program' | 'host' | 'spec' | 'sources'>;

function tandemd(host: SegmentHost, spec: RouterSpec): Acts {
  const node = new TandemNode(host, renderKeepalived(spec));
  const names = spec.secondVips ? ['VG_1', 'VG_2'] : ['VG_1'];
  let earlier = '';
  return {
    start: async () => {
      earlier += node.log;
      node.start();
      await node.expectLog('Entering BACKUP STATE');
    },
    expectState: state => node.expect(...names.map(name => `${name}=${state}`)),
    end: async signal => void (await node.end(signal)),
    complaints: () => complaintsIn('tandemd', earlier + node.log),
    refusals: async () => {
      const { instances } = await node.status();
      return instances.flatMap(({ counters }) =>
        Object.entries(counters.refused).flatMap(([rung, count]) => (count > 0 ? [`${rung} ${count}`] : [])),
      );
    },
    remove: () => node.remove(),
  };
}

function keepalived(host: SegmentHost, spec: RouterSpec): Acts {
  const node = new KeepalivedNode(host, renderKeepalived(spec));
  // The ones in eth0's list of addresses that are not link-local.
  const held = spec.vips
    .filter(vip => !vip.startsWith('fe80'))
    .map(vip => vip.replace(/^([\d.]+)$/, '$1/32'));
  const instances = spec.secondVips ? 2 : 1;
  let earlier = '';
  return {
    start: async () => {
      earlier += node.log;
      node.start();
      await vi.waitFor(() => {
        if (!node.log.includes('Startup complete')) throw new Error(`keepalived: ${node.log}`);
      }, WAIT);
    },
    expectState: state =>
      vi.waitFor(() => {
        const states = lastStates(node.log);
        if (states.length !== instances || states.some(each => each !== state))
          throw new Error(`${host.name}: keepalived is ${states.join()}, expected ${state}:\n${node.log}`);
        const there = host
          .extraAddresses(spec.vmac ? VMAC : 'eth0')
          .filter(address => held.includes(address));
        if (there.length !== (state === 'MASTER' ? held.length : 0))
          throw new Error(`${host.name}: keepalived is ${state} and has ${there.join() || 'no VIP'}`);
      }, WAIT),
    end: signal => node.end(signal),
    complaints: () => complaintsIn('keepalived', earlier + node.log),
    refusals: () => Promise.resolve([]),
    remove: () => node.remove(),
  };
}

/** The state that each instance entered last. */
function lastStates(log: string): string[] {
  const states = new Map<string, string>();
  for (const [, name = '', state = ''] of log.matchAll(/: \((\w+)\) Entering (\w+) STATE/g))
    states.set(name, state);
  return [...states.values()];
}

function frr(host: SegmentHost, spec: RouterSpec): Acts {
  const node = new FrrNode(host, spec);
  return {
    start: () => node.start(),
    // vrrpd does not look at the link: without a cable it goes on as MASTER (FRR 8.4, vrrp_check_start).
    expectState: state => node.expectState(state === 'FAULT' ? 'MASTER' : state),
    end: signal => node.end(signal),
    complaints: () => complaintsIn('frr', node.log),
    refusals: () => Promise.resolve([]),
    remove: () => node.remove(),
  };
}
