/** Every rule that a topology is checked against: the ids are stable, and `accept: [id]` takes those of warnings. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import { similarName } from './template-registry.ts';

/** Errors: it cannot work, or it cannot be said what is meant. */
export const ERRORS = {
  'topology-shape': 'a key or a value that the topology does not have',
  'topology-template': 'a template in the topology cannot be rendered',
  'topology-needs-facts': 'the topology reads a fact, and it is checked before anything is sent',
  'topology-membership': 'nodes come out differently on two members',
  'cluster-duplicate': 'two clusters of the same name',
  'host-unknown': 'a node that the inventory does not have',
  'host-outside-group': 'a node that is not in the cluster’s group',
  'node-duplicate': 'a node twice in one instance',
  'nodes-missing': 'an instance without nodes',
  'interface-missing': 'no interface',
  'interface-unknown': 'an interface that the host does not have',
  'interfaces-shape': 'a host’s interfaces cannot be read',
  'vrid-range': 'virtual_router_id is not 1 to 255',
  'vrid-duplicate': 'one virtual_router_id twice on a network and family',
  'priority-range': 'a priority that is not 1 to 255',
  'advert-int-range': 'advert_int is outside its version’s range',
  'version-unknown': 'a version other than 2 and 3',
  'address-invalid': 'not an address',
  'vip-missing': 'an instance without a virtual address',
  'vip-family': 'addresses of both families in one instance',
  'vip-duplicate': 'one virtual address in two instances of a site',
  'vip-is-host-address': 'a virtual address that is a host’s own',
  'nodes-disagree': 'a value that all nodes of an instance must share',
  'unicast-address': 'a node whose unicast address is not known',
  'unicast-asymmetric': 'unicast peers that do not name each other',
  'multicast-invalid': 'a multicast group that is none',
  'nopreempt-master': 'state MASTER with nopreempt',
  'preempt-conflict': 'nopreempt together with preempt or preempt_delay',
  'preempt-delay-range': 'preempt_delay is not 0 to 1000 seconds',
  'strict-mode': 'vrrp_strict together with what it forbids',
  'ah-family': 'AH with IPv6',
  'keyword-value': 'a value that cannot stand in keepalived.conf',
  'name-invalid': 'a name that cannot stand in keepalived.conf',
  'instance-duplicate': 'one instance name twice on a host',
  'sync-group-unknown': 'a sync group that names no instance',
  'sync-group-twice': 'an instance in two sync groups',
  'global-conflict': 'two clusters of a host that disagree in global_defs',
  'vmac-rp-filter': 'sysctl_settings give all.rp_filter a value by which use_vmac is deaf',
  'daemon-unknown': 'vrrp_daemon is neither tandemd nor keepalived',
  'tracker-unknown': 'a tracked script, process or file that is not defined',
  'script-shape': 'a shipped script without a content, or with an impossible name',
  'group-unknown': 'a group that the inventory does not have',
  'instance-unknown': 'on or gateway names no instance',
  'server-address': 'an address that is none of the instances’',
  'server-port': 'a port outside its range, or every port without persistence',
  'server-duplicate': 'one address, port and protocol twice',
  'server-group': 'a virtual_server_group that is about no address of the instances, or about both families',
  'lb-kind': 'lb_kind is not NAT, DR or TUN',
  'real-server-missing': 'nobody serves',
  'real-server-address': 'a real server whose address is not known, or that has several',
  'real-server-port': 'a port that is not 1 to 65535',
  'real-server-weight': 'a weight that is not 0 to 65535',
  'dr-port': 'DR or TUN with a port other than the virtual server’s',
  'dr-link': 'a DR real server on a network that its directors are not on',
  'gateway-missing': 'NAT real servers whose answers do not reach a director',
  'proxy-shape': 'a proxy with neither real servers nor an answer of its own',
} as const;

/** Warnings: keepalived would run, perhaps not as meant. */
export const WARNINGS = {
  'single-node': 'an instance with one node has no backup',
  'priority-equal': 'two nodes with the same priority',
  'priority-owner': 'priority 255 without owning the address',
  'auth-pass-long': 'auth_pass is cut to 8 characters',
  'auth-with-v3': 'VRRPv3 has no authentication',
  'vip-outside-subnet': 'a virtual address outside the interface’s subnets',
  'vip-prefix': 'a virtual address with the subnet’s prefix',
  'multicast-group': 'a multicast group outside 224.0.0.0/24',
  'weight-useless': 'weights that can never change who is master',
  'track-file-priority': 'a track_file with a positive weight needs explicit priorities',
  'nopreempt-weight': 'nopreempt with weighted trackers',
  'sync-group-weight': 'a sync group whose members have weighted trackers',
  'sync-group-single': 'a sync group of one instance',
  'sync-group-order': 'instances of a sync group that prefer different nodes',
  'keyword-unknown': 'a keyword that keepalived does not have, or tandemd does not support',
  'lb-kind-missing': 'no lb_kind: keepalived takes NAT',
  'checker-missing': 'a virtual server without health checks',
  'nat-sync-group': 'NAT over two networks without a sync group',
  'director-is-real-server': 'directors that are real servers, without the sync daemon',
  'accept-unknown': 'accept names no warning',
} as const;

/** Those of them that are about virtual servers. */
export const SERVER_RULES: readonly string[] = [
  'group-unknown',
  'instance-unknown',
  'server-address',
  'server-port',
  'server-duplicate',
  'server-group',
  'lb-kind',
  'lb-kind-missing',
  'real-server-missing',
  'real-server-address',
  'real-server-port',
  'real-server-weight',
  'dr-port',
  'dr-link',
  'gateway-missing',
  'checker-missing',
  'nat-sync-group',
  'director-is-real-server',
] satisfies (keyof typeof ERRORS | keyof typeof WARNINGS)[];

export type ErrorId = keyof typeof ERRORS;
export type WarningId = keyof typeof WARNINGS;

/** Collects what is wrong with one cluster, less what its author accepts. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  readonly #accepted = new Set<string>();
  failed = false;

  error(id: ErrorId, message: string, position: Position | undefined, hint?: string): void {
    this.failed = true;
    this.#add('error', id, message, position, hint);
  }

  /** `alsoAccepted`: ids that the instance itself accepts. */
  warn(
    id: WarningId,
    message: string,
    position: Position | undefined,
    hint?: string,
    alsoAccepted: readonly string[] = [],
  ): void {
    if (this.#accepted.has(id) || alsoAccepted.includes(id)) return;
    this.#add('warning', id, message, position, hint);
  }

  accept(ids: readonly string[], position: Position | undefined): void {
    for (const id of ids) {
      this.#accepted.add(id);
      if (Object.hasOwn(WARNINGS, id)) continue;
      const similar = similarName(id, Object.keys(WARNINGS));
      const hint = Object.hasOwn(ERRORS, id)
        ? 'an error cannot be accepted'
        : similar === undefined
          ? undefined
          : `did you mean ${similar}?`;
      this.warn('accept-unknown', `accept: there is no warning ${id}`, position, hint);
    }
  }

  #add(
    severity: 'error' | 'warning',
    id: string,
    message: string,
    position: Position | undefined,
    hint: string | undefined,
  ): void {
    const same = this.diagnostics.some(
      known =>
        known.id === id &&
        known.message === message &&
        known.position?.line === position?.line &&
        known.position?.file === position?.file,
    );
    if (same) return;
    this.diagnostics.push({
      id,
      severity,
      message,
      ...(position ? { position } : {}),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
