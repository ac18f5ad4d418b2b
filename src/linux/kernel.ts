import { closeSync, openSync } from 'node:fs';
import { addressAddition, addressRemoval, dumpAddresses } from './addresses.ts';
import { kernelFailure } from './failure.ts';
import { dumpLinks, linkRemoval, linkUp, macvlanAddition } from './links.ts';
import { loadNative, type Native } from './native.ts';
import { NetlinkConnection } from './netlink.ts';
import { openPacketFilter } from './packet-filter.ts';
import { openPacketSocket } from './packet-socket.ts';
import type { Closable, Kernel, KernelFailure, NetworkTables, Result } from './ports.ts';
import { openReportFilter } from './report-filter.ts';
import { dumpRoutes, routeAddition, routeRemoval } from './routes.ts';
import { dumpRules, ruleAddition, ruleRemoval } from './rules.ts';
import { TimerfdTimer } from './timer.ts';
import { openUnixDatagram } from './unix-datagram.ts';
import { openVrrpSocket } from './vrrp-socket.ts';
import { openWatch } from './watch.ts';

/**
 * The Linux that we run on, in the network namespace that the calling thread is in now. Fails only if netlink does;
 * throws if the addon cannot be loaded.
 */
export function openKernel(): Result<Kernel & Closable> {
  const native = loadNative();
  const connection = NetlinkConnection.open(native);
  if (!connection.ok) return connection;
  const clock = new Float64Array(1);
  const kernel: Kernel & Closable = {
    nowMs: () => {
      native.monotonic(clock);
      return clock[0] ?? 0;
    },
    cpuMs: () => {
      native.threadCpu(clock);
      return clock[0] ?? 0;
    },
    timer: onDeadline => new TimerfdTimer(native, onDeadline),
    openVrrpSocket: (options, events) => openVrrpSocket(native, options, events),
    openPacketSocket: () => openPacketSocket(native),
    openUnixDatagram: () => openUnixDatagram(native),
    openPacketFilter: table => openPacketFilter(native, table),
    openReportFilter: table => openReportFilter(native, table),
    tables: networkTables(native, connection.value),
    setRealtime: priority => {
      const result = native.setRealtime(priority);
      return result < 0 ? kernelFailure(`SCHED_RR priority ${priority}`, -result) : undefined;
    },
    close: () => connection.value.close(),
  };
  return { ok: true, value: kernel };
}

function networkTables(native: Native, connection: NetlinkConnection): NetworkTables {
  return {
    links: () => dumpLinks(connection),
    addresses: () => dumpAddresses(connection),
    routes: family => dumpRoutes(connection, family),
    rules: family => dumpRules(connection, family),
    addAddresses: specs => connection.batch(specs.map(addressAddition)),
    removeAddresses: specs => connection.batch(specs.map(addressRemoval)),
    addRoutes: routes => connection.batch(routes.map(routeAddition)),
    removeRoutes: routes => connection.batch(routes.map(routeRemoval)),
    addRules: rules => connection.batch(rules.map(ruleAddition)),
    removeRules: rules => connection.batch(rules.map(ruleRemoval)),
    addMacvlan: spec => connection.batch([macvlanAddition(spec)])[0],
    setLinkUp: (name, alias) => connection.batch([linkUp(name, alias)])[0],
    removeLink: ifindex => connection.batch([linkRemoval(ifindex)])[0],
    watch: onEvent => openWatch(native, onEvent),
  };
}

/**
 * Moves the calling thread into the network namespace at `path` (keepalived's `net_namespace`: `/run/netns/NAME`). Sockets that
 * exist stay where they are: call it before `openKernel`.
 */
export function enterNetworkNamespace(path: string): KernelFailure | undefined {
  const call = `enter network namespace ${path}`;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    return kernelFailure(call, thrown instanceof Error && 'errno' in thrown ? -Number(thrown.errno) : 0);
  }
  try {
    const result = loadNative().enterNetwork(fd);
    return result < 0 ? kernelFailure(call, -result) : undefined;
  } finally {
    closeSync(fd);
  }
}
