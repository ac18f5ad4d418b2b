/** Rules for the virtual servers of a cluster. */
import { cidrContains, compareIp, formatIp } from '#base/address.ts';
import type { HostFacts } from './derive-interfaces.ts';
import type { ServerModel } from './derive-servers.ts';
import type { ClusterDraft } from './topology-read.ts';
import type { Report } from './topology-rules.ts';

interface Context {
  readonly draft: ClusterDraft;
  readonly factsOf: (host: string) => HostFacts;
}

/** Checks virtual servers, each by itself and against the others. Complaints go to the draft's report. */
export function validateServers(servers: readonly ServerModel[], { draft, factsOf }: Context): void {
  const { report } = draft;
  const owners = new Map<string, ServerModel>();
  for (const server of servers) {
    checkPorts(server, report);
    checkLinks(server, factsOf, report);
    checkOwnAddresses(server, factsOf, report);
    checkCheckers(server, report);
    checkDoubleRole(server, draft, report);
    for (const { address, port } of server.fwmark === undefined ? server.served : [])
      claim(`${formatIp(address)} ${port} ${server.protocol}`, server, owners, report);
  }
}

function claim(key: string, server: ServerModel, owners: Map<string, ServerModel>, report: Report): void {
  const other = owners.get(key);
  owners.set(key, server);
  if (!other) return;
  report.error(
    'server-duplicate',
    `virtual_servers ${server.name} and ${other.name} both serve ${key}`,
    server.position,
    `see ${other.position.file}:${other.position.line}; narrow one with addresses, or take another port`,
  );
}

/** DR and TUN leave the packet as it is: the port cannot change. */
function checkPorts(server: ServerModel, report: Report): void {
  const { name, method, port, fwmark, group, reals, place } = server;
  if (method === 'NAT' || fwmark !== undefined || (group && port === 0)) return;
  const other = reals.find(real => real.port !== undefined && real.port !== port);
  if (other)
    report.error(
      'dr-port',
      `virtual_servers ${name}: ${method} cannot change port ${port} to ${other.port}`,
      place('real_servers'),
      'leave the port out, or use lb_kind: NAT',
    );
}

/** DR works on one link: the director only changes the frame's address. */
function checkLinks(server: ServerModel, factsOf: (host: string) => HostFacts, report: Report): void {
  if (server.method !== 'DR') return;
  for (const director of server.directors) {
    const { interfaces } = factsOf(director);
    if (!interfaces) continue;
    for (const real of server.reals) {
      for (const address of real.addresses.values()) {
        const near = [...interfaces.values()].some(one =>
          one.addresses.some(cidr => cidrContains(cidr, address)),
        );
        if (near) continue;
        report.error(
          'dr-link',
          `virtual_servers ${server.name}: ${formatIp(address)} (${real.host}) is on no network of ${director}, and DR does not route`,
          server.place('real_servers'),
          'use lb_kind: TUN, or an address on the director’s network',
        );
      }
    }
  }
}

function checkOwnAddresses(server: ServerModel, factsOf: (host: string) => HostFacts, report: Report): void {
  for (const { host } of server.reals.filter(one => one.managed)) {
    const own = [...(factsOf(host).interfaces?.values() ?? [])].flatMap(one => one.addresses);
    const vip = server.served.find(one => own.some(cidr => compareIp(cidr.address, one.address) === 0));
    if (vip)
      report.error(
        'vip-is-host-address',
        `virtual_servers ${server.name}: ${formatIp(vip.address)} is an address of ${host} itself`,
        server.position,
        'leave it out of its interfaces: what a real server needs of it is derived',
      );
  }
}

function checkCheckers(server: ServerModel, report: Report): void {
  if (Object.keys(server.checkers).length > 0) return;
  const bare = server.reals.find(real => !Object.keys(real.words).some(word => /_(?:GET|CHECK)$/.test(word)));
  if (bare)
    report.warn(
      'checker-missing',
      `virtual_servers ${server.name} does not check ${bare.host}: it gets connections when it is dead, too`,
      server.position,
      'add one, such as TCP_CHECK: { connect_timeout: 1 }',
      server.accept,
    );
}

/** What the master sends to a backup director must not be forwarded there again: the kernel knows it by its sync daemon. */
function checkDoubleRole(server: ServerModel, draft: ClusterDraft, report: Report): void {
  const both = server.reals.find(real => server.directors.includes(real.host));
  if (!both || server.directors.length < 2) return;
  const globals = draft.topology.global_defs;
  if (globals?.['lvs_sync_daemon'] !== false) return;
  report.warn(
    'director-is-real-server',
    `virtual_servers ${server.name}: ${both.host} is a director and a real server, and without lvs_sync_daemon packets can go round in circles`,
    server.position,
    'leave lvs_sync_daemon on',
    server.accept,
  );
}
