/** Rules for one vrrp_instance over all of its nodes. */
import { compareIp, familyOf, formatIp, parseIp } from '#base/address.ts';
import type { DecidedNode, InstanceModel } from './derive-instance.ts';
import { onInterface, type HostFacts } from './derive-interfaces.ts';
import { isLinkLocal } from './derive-servers.ts';
import { trackedNames, TRACKERS } from './derive-weights.ts';
import type { Report } from './topology-rules.ts';
import type { Topology } from './topology-schema.ts';
import { similarName } from './template-registry.ts';

/** Checks an instance. Complaints go to the report. */
export function validateInstance(
  instance: InstanceModel,
  topology: Topology,
  interfaces: (host: string) => HostFacts,
  report: Report,
): void {
  if (!/^[^\s"'{}#!]+$/.test(instance.name)) {
    report.error(
      'name-invalid',
      `'${instance.name}' cannot be the name of a vrrp_instance`,
      instance.position,
      'one word without quotes, braces, # and !',
    );
  }
  for (const node of instance.nodes) {
    checkAddresses(instance, node, report);
    checkInterface(instance, node, interfaces(node.host), report);
    checkPreemption(instance, node, report);
    checkAuthentication(instance, node, report);
    checkTrackers(instance, node, topology, report);
    if (node.strict) checkStrict(instance, node, report);
  }
  checkNodesAgree(instance, report);
  checkPriorities(instance, interfaces, report);
  checkPeers(instance, report);
  checkWeights(instance, report);
}

function checkAddresses(instance: InstanceModel, node: DecidedNode, report: Report): void {
  const { name } = instance;
  if (node.vips.length === 0) {
    report.error(
      'vip-missing',
      `${name} has no virtual_ipaddress`,
      node.place('virtual_ipaddress'),
      'give the addresses that the master holds: virtual_ipaddress: [192.0.2.100]',
    );
  }
  const other = node.vips.find(vip => familyOf(vip.cidr.address) !== node.family);
  if (other) {
    report.error(
      'vip-family',
      `${name} advertises IPv4 and IPv6 addresses together`,
      other.position,
      'one instance for each family; or put the others into virtual_ipaddress_excluded',
    );
  }
  for (const vip of [...node.vips, ...node.excluded]) {
    // IPv6 knows no secondary addresses.
    if (vip.prefixed && familyOf(vip.cidr.address) === 4 && vip.cidr.prefix < 32) {
      report.warn(
        'vip-prefix',
        `${name}: ${vip.address} has a prefix, so it can become the interface's primary address, and removing it would take the host's own along (promote_secondaries is set)`,
        vip.position,
        `leave the prefix out: ${vip.address.split('/')[0]}`,
        node.accept,
      );
    }
  }
}

function checkInterface(instance: InstanceModel, node: DecidedNode, facts: HostFacts, report: Report): void {
  const { name } = instance;
  if (facts.rpFilterOfAll && hasLine(node, 'use_vmac') && node.family === 4) {
    report.error(
      'vmac-rp-filter',
      `sysctl_settings of ${node.host} set net.ipv4.conf.all.rp_filter, and with any value but 0 the macvlan of ${name} hears nothing as a BACKUP`,
      facts.rpFilterOfAll,
      'leave it out: the daemon gives the other interfaces what all of them had',
    );
  }
  if (!facts.interfaces) return;
  const declared = facts.interfaces.get(node.interface);
  if (!declared) {
    const similar = similarName(node.interface, facts.interfaces.keys());
    report.error(
      'interface-unknown',
      `${node.host} has no interface ${node.interface}`,
      node.place('interface'),
      similar === undefined
        ? `its interfaces are ${[...facts.interfaces.keys()].join(', ')}`
        : `did you mean ${similar}?`,
    );
    return;
  }
  for (const vip of node.vips) {
    const on = vip.device === undefined ? declared : facts.interfaces.get(vip.device);
    const sameFamily = on?.addresses.filter(cidr => cidr.address.length === vip.cidr.address.length) ?? [];
    if (on && sameFamily.length > 0 && !isLinkLocal(vip.cidr.address) && !onInterface(on, vip.cidr.address)) {
      report.warn(
        'vip-outside-subnet',
        `${name}: ${vip.address} is in none of the subnets of ${vip.device ?? node.interface} on ${node.host}`,
        vip.position,
        'others on that network can only reach it by a route',
        node.accept,
      );
    }
    const own = [...facts.interfaces.values()].some(one =>
      one.addresses.some(cidr => compareIp(cidr.address, vip.cidr.address) === 0),
    );
    if (own && node.priority !== 255) {
      report.error(
        'vip-is-host-address',
        `${name}: ${vip.address} is an address of ${node.host} itself`,
        vip.position,
        'use an address that no host has; only priority 255 owns its address',
      );
    }
  }
}

function checkPreemption(instance: InstanceModel, node: DecidedNode, report: Report): void {
  const { name } = instance;
  if (node.nopreempt && node.decidedState === 'MASTER') {
    report.error(
      'nopreempt-master',
      `${name} on ${node.host}: nopreempt has no effect with state MASTER`,
      node.place('nopreempt'),
      'leave state out, or write state: BACKUP',
    );
  }
  if (node.nopreempt && node.preemptDelaySeconds !== undefined && node.preemptDelaySeconds > 0) {
    report.error(
      'preempt-conflict',
      `${name} on ${node.host}: nopreempt and preempt_delay exclude each other`,
      node.place('preempt_delay'),
      'keep one of the two',
    );
  }
  if (node.preemptDelaySeconds !== undefined && node.decidedState === 'MASTER') {
    report.error(
      'nopreempt-master',
      `${name} on ${node.host}: preempt_delay needs state BACKUP`,
      node.place('preempt_delay'),
      'leave state out, or write state: BACKUP',
    );
  }
  if (node.nopreempt && (node.weights.down > 0 || node.weights.up > 0)) {
    report.warn(
      'nopreempt-weight',
      `${name} on ${node.host}: with nopreempt a lower weight never moves the addresses`,
      node.place('nopreempt'),
      'give the tracker weight 0, so that a failure is a FAULT',
      node.accept,
    );
  }
}

function checkAuthentication(instance: InstanceModel, node: DecidedNode, report: Report): void {
  const { name } = instance;
  const { authentication } = node;
  if (!authentication) return;
  if (node.version === 3) {
    report.warn(
      'auth-with-v3',
      `${name}: VRRP version 3 has no authentication: what is given is not used`,
      node.place('authentication'),
      'leave it out, or write version: 2',
      node.accept,
    );
  }
  if (authentication.auth_type === 'AH' && node.family === 6) {
    report.error(
      'ah-family',
      `${name}: auth_type AH works with IPv4 only`,
      node.place('authentication'),
      'use version 3 without authentication',
    );
  }
  if (utf8Length(authentication.auth_pass) > 8) {
    report.warn(
      'auth-pass-long',
      `${name}: auth_pass is cut to 8 characters`,
      node.place('authentication'),
      'choose one of at most 8',
      node.accept,
    );
  }
}

function utf8Length(text: string): number {
  return encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/g, 'x').length;
}

function checkTrackers(instance: InstanceModel, node: DecidedNode, topology: Topology, report: Report): void {
  for (const [key, definitions] of Object.entries(TRACKERS)) {
    if (definitions === undefined) continue;
    const known = Object.keys(topology[definitions] ?? {});
    for (const { name } of trackedNames(node.other[key])) {
      if (known.includes(name)) continue;
      const similar = similarName(name, known);
      report.error(
        'tracker-unknown',
        `${instance.name}: ${key} ${name} is not defined`,
        node.place(key),
        similar === undefined ? `define it under ${definitions}` : `did you mean ${similar}?`,
      );
    }
  }
  if (node.weights.positiveFile && node.explicitPriority === undefined) {
    report.warn(
      'track-file-priority',
      `${instance.name} on ${node.host}: what a track_file adds depends on its content, and derived priorities leave no room for it`,
      node.place('track_file'),
      'set the priorities: nodes: { ka67: 100, ka68: 95 }',
      node.accept,
    );
  }
}

/** keepalived's `vrrp_strict`: strict adherence to the RFC. */
function checkStrict(instance: InstanceModel, node: DecidedNode, report: Report): void {
  const forbidden: readonly (readonly [boolean, string, string])[] = [
    [node.peers.length > 0, 'unicast peers', 'unicast'],
    [node.authentication !== undefined, 'authentication', 'authentication'],
    [node.version === 2 && node.family === 6, 'IPv6 with version 2', 'version'],
    [
      node.preemptDelaySeconds !== undefined && node.preemptDelaySeconds > 0,
      'preempt_delay',
      'preempt_delay',
    ],
    [node.decidedState === 'MASTER' && node.priority !== 255, 'state MASTER below priority 255', 'state'],
  ];
  for (const [found, what, word] of forbidden) {
    if (found)
      report.error(
        'strict-mode',
        `${instance.name} on ${node.host}: vrrp_strict forbids ${what}`,
        node.place(word),
        'take vrrp_strict out; it also drops traffic to the virtual addresses',
      );
  }
}

/** What is on the wire must be equal everywhere, or the nodes do not hear each other. */
function checkNodesAgree(instance: InstanceModel, report: Report): void {
  const [first, ...others] = instance.nodes;
  if (!first) return;
  // A host's kernel gives frames from the MAC address of its own macvlan to nobody but that macvlan.
  const everyVmac = instance.nodes.every(node => hasLine(node, 'use_vmac') && !isUnicast(node));
  const shared: readonly (readonly [string, (node: DecidedNode) => unknown])[] = [
    ['virtual_router_id', node => node.virtualRouterId],
    ['version', node => node.version],
    ['authentication', node => [node.authentication?.auth_type, node.authentication?.auth_pass]],
    ['virtual_ipaddress', node => node.vips.map(vip => formatIp(vip.cidr.address))],
    ['advert_int', node => (node.version === 2 ? (node.advertIntSeconds ?? 1) : 0)],
    ['vmac_xmit_base', node => everyVmac && hasLine(node, 'vmac_xmit_base')],
  ];
  for (const node of others) {
    for (const [word, value] of shared) {
      if (JSON.stringify(value(node)) === JSON.stringify(value(first))) continue;
      report.error(
        'nodes-disagree',
        `${instance.name}: ${word} differs between ${first.host} and ${node.host}`,
        node.place(word),
        'all nodes of an instance need the same',
      );
    }
  }
}

function hasLine(node: DecidedNode, keyword: string): boolean {
  return node.keywords.some(line => line === keyword || line.startsWith(`${keyword} `));
}

function isUnicast({ unicast, unicastPeers }: DecidedNode): boolean {
  return (unicast !== undefined && unicast !== false) || unicastPeers !== undefined;
}

function checkPriorities(
  instance: InstanceModel,
  interfaces: (host: string) => HostFacts,
  report: Report,
): void {
  const { nodes, name } = instance;
  // A node that was refused has been complained about already.
  if (nodes.length === 1 && !report.failed) {
    report.warn(
      'single-node',
      `${name} has one node, so nothing takes over from it`,
      instance.position,
      'name a second node',
      nodes[0]?.accept,
    );
  }
  for (const [index, node] of nodes.entries()) {
    const next = nodes[index + 1];
    if (next && next.priority === node.priority) {
      report.warn(
        'priority-equal',
        `${name}: ${node.host} and ${next.host} have priority ${node.priority}, so the higher address wins`,
        next.place('priority'),
        'give them different priorities',
        node.accept,
      );
    }
    if (node.priority !== 255) continue;
    const known = interfaces(node.host).interfaces;
    const own = known && [...known.values()].flatMap(one => one.addresses);
    if (own && !node.vips.every(vip => own.some(cidr => compareIp(cidr.address, vip.cidr.address) === 0))) {
      report.warn(
        'priority-owner',
        `${name} on ${node.host}: priority 255 is for the router whose own address it is`,
        node.place('priority'),
        'use at most 254',
        node.accept,
      );
    }
  }
}

/** Explicit peers must name each other. */
function checkPeers(instance: InstanceModel, report: Report): void {
  const { nodes, name } = instance;
  if (!nodes.some(node => node.unicastPeers !== undefined)) return;
  for (const node of nodes) {
    for (const other of nodes) {
      if (other === node || other.source === undefined) continue;
      const source = parseIp(other.source);
      const named = node.peers.some(peer => formatAny(peer) === (source ? formatIp(source) : other.source));
      if (named) continue;
      report.error(
        'unicast-asymmetric',
        `${name}: the unicast peers of ${node.host} lack ${other.host} (${other.source})`,
        node.place('unicast_peer'),
        'write unicast: true, and the peers are derived',
      );
    }
  }
}

function formatAny(text: string): string {
  const address = parseIp(text);
  return address ? formatIp(address) : text;
}

function checkWeights(instance: InstanceModel, report: Report): void {
  const [first, second] = instance.nodes;
  if (!first || !second) return;
  const moves = first.weights.down + first.weights.up + second.weights.up + second.weights.down > 0;
  if (!moves || first.weights.positiveFile || second.weights.positiveFile || first.priority === 255) return;
  // The first at its worst against the second at its best.
  const worst = first.priority - first.weights.down;
  const best = second.priority + second.weights.up;
  if (worst > best) {
    report.warn(
      'weight-useless',
      `${instance.name}: whatever the trackers say, ${first.host} (${first.priority} at worst ${worst}) stays ahead of ${second.host} (${second.priority} at best ${best})`,
      first.place('track_script'),
      'use larger weights, or closer priorities',
      first.accept,
    );
  }
}
