/** Instances of several hosts → the virtual routers that they are, with what each node says for itself. */
import type { Diagnostic } from '#base/errors.ts';
import { shareWords } from './import-share.ts';
import type { ImportedHost, ImportedInstance, Words } from './import-types.ts';
import { hasPeerOptions, unicastAddresses } from './import-unicast.ts';
import type { Secret } from './shell.ts';
import type { Keyword } from './topology-schema-words.ts';

/** A node of a virtual router. */
interface RouterNode {
  readonly host: string;
  readonly instance: ImportedInstance;
}

/** A virtual router over its hosts. */
export interface ImportedRouter {
  readonly name: string;
  readonly virtualRouterId: number;
  /** By priority, the highest first; equal ones in the order of the hosts. */
  readonly nodes: readonly RouterNode[];
}

/** Finds which instances are one virtual router: the VRID, the family, and an address, the name or the interface. */
export function joinRouters(hosts: readonly ImportedHost[]): {
  readonly routers: readonly ImportedRouter[];
  readonly notes: readonly Diagnostic[];
} {
  const routers: { name: string; virtualRouterId: number; nodes: RouterNode[] }[] = [];
  const notes: Diagnostic[] = [];
  for (const { name: host, instances } of hosts) {
    for (const instance of instances) {
      const candidates = routers.filter(({ nodes }) => isSame(nodes, instance, host));
      const found =
        candidates.find(({ nodes }) => nodes.some(node => sharesAddress(node.instance, instance))) ??
        candidates.find(({ name }) => name === instance.name) ??
        candidates.find(({ nodes }) => nodes.some(node => sameInterface(node.instance, instance)));
      if (!found) {
        const taken = routers.some(({ name }) => name === instance.name);
        const name = taken ? `${instance.name}_${host}` : instance.name;
        routers.push({ name, virtualRouterId: instance.virtualRouterId, nodes: [{ host, instance }] });
        continue;
      }
      found.nodes.push({ host, instance });
    }
  }
  for (const { name, nodes } of routers) {
    for (const { host, instance } of nodes) {
      if (instance.name === name) continue;
      const message = `${instance.name} of ${host} is ${name} in the inventory: one virtual router has one name`;
      notes.push({ id: 'instance-renamed', severity: 'warning', message, position: instance.position });
    }
  }
  const byPriority = (a: RouterNode, b: RouterNode): number => b.instance.priority - a.instance.priority;
  return { routers: routers.map(router => ({ ...router, nodes: router.nodes.toSorted(byPriority) })), notes };
}

function isSame(nodes: readonly RouterNode[], instance: ImportedInstance, host: string): boolean {
  return (
    nodes.every(node => node.host !== host) &&
    nodes.some(
      node =>
        node.instance.virtualRouterId === instance.virtualRouterId &&
        node.instance.family === instance.family,
    )
  );
}

function sharesAddress(a: ImportedInstance, b: ImportedInstance): boolean {
  return a.vips.some(vip => b.vips.includes(vip));
}

function sameInterface(a: ImportedInstance, b: ImportedInstance): boolean {
  return a.words['interface'] !== undefined && a.words['interface'] === b.words['interface'];
}

/** What a router's words are in the inventory. `passwords` names the variable of each node's password. */
export function routerWords(
  router: ImportedRouter,
  passwords: (password: Secret) => string,
): Readonly<Record<string, unknown>> {
  const unicast = unicastAddresses(router.nodes);
  const written = router.nodes.some(({ instance }) => hasPeerOptions(instance));
  const derived = unicast ? ['unicast_src_ip', ...(written ? [] : ['unicast_peer'])] : [];
  const perHost = new Map(
    router.nodes.map(({ host, instance }) => {
      const words = { ...instance.words };
      for (const word of derived) delete words[word];
      return [host, withPassword(words, instance.password, passwords)];
    }),
  );
  const { shared, own } = shareWords(perHost);
  const { interface: nic, ...others } = shared;
  return {
    ...(nic === undefined ? {} : { interface: nic }),
    virtual_router_id: router.virtualRouterId,
    nodes: nodesOf(router, own, [...perHost.values()]),
    ...(unicast ? { unicast } : {}),
    ...inOrder(others),
  };
}

function withPassword(
  words: Words,
  password: Secret | undefined,
  passwords: (password: Secret) => string,
): Words {
  const { authentication } = words;
  if (!password || typeof authentication !== 'object' || !authentication) return words;
  const secret: Words = { ...(authentication as Words), auth_pass: `{{ ${passwords(password)} }}` };
  return { ...words, authentication: secret };
}

/** A list where the priorities are those that follow from its order, else a map. */
function nodesOf(
  { nodes }: ImportedRouter,
  own: ReadonlyMap<string, Words>,
  all: readonly Words[],
): readonly string[] | Readonly<Record<string, unknown>> {
  const tracked = all.some(words => Object.keys(words).some(word => word.startsWith('track_')));
  const derived = nodes.every(({ instance }, index) => instance.priority === 254 - index);
  if (own.size === 0 && derived && !tracked) return nodes.map(({ host }) => host);
  return Object.fromEntries(
    nodes.map(({ host, instance: { priority } }) => {
      const words = own.get(host);
      return [host, words ? { priority, ...words } : priority];
    }),
  );
}

/** The order in which people write an instance; what is not named here stays behind, as it was. */
const ORDER: readonly string[] = [
  'interface',
  'state',
  'version',
  'advert_int',
  'authentication',
  'unicast_src_ip',
  'unicast_peer',
  'nopreempt',
  'preempt_delay',
  'virtual_ipaddress',
  'virtual_ipaddress_excluded',
];

function inOrder(words: Words): Words {
  const sorted: Record<string, Keyword> = {};
  for (const name of ORDER) {
    const value = words[name];
    if (value !== undefined) sorted[name] = value;
  }
  return { ...sorted, ...words };
}
