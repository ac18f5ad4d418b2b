/** What the inventory itself says about a host's NICs (`interfaces`), and the check against facts. */
import { cidrContains, compareIp, formatIp, parseCidr, parseIp, type Cidr } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { Diagnostic } from '#base/errors.ts';
import type { Facts } from './facts.ts';
import { NeedsFacts, TemplateError, type Variables } from './template-values.ts';
import type { Report } from './topology-rules.ts';
import { interfacesSchema } from './topology-schema.ts';
import { checkShape } from './topology-shape.ts';
import { similarName } from './template-registry.ts';
import type { HostTopology } from './topology-types.ts';
import { positionAt } from './yaml.ts';

export interface DeclaredInterface {
  readonly addresses: readonly Cidr[];
  readonly network: string | undefined;
}

export interface HostFacts {
  /** undefined: the inventory says nothing, facts will. */
  readonly interfaces: ReadonlyMap<string, DeclaredInterface> | undefined;
  readonly ansibleHost: string | undefined;
  readonly daemon: 'tandemd' | 'keepalived';
  /** `real_server_address`: by which directors and proxies know the host, at most one per family. */
  readonly realServerAddresses: readonly Uint8Array[];
  /** Where `sysctl_settings` gives `net.ipv4.conf.all.rp_filter` another value than 0. */
  readonly rpFilterOfAll: Position | undefined;
}

/** Where the inventory says nothing of a host. */
export const NO_FACTS: HostFacts = {
  interfaces: undefined,
  ansibleHost: undefined,
  daemon: 'tandemd',
  realServerAddresses: [],
  rpFilterOfAll: undefined,
};

/** Reads `interfaces`, `ansible_host`, `vrrp_daemon` and `real_server_address` of a host. */
export function readHost(host: string, variables: Variables, report: Report): HostFacts {
  const read = (name: string): unknown => {
    try {
      return variables.has(name) ? variables.get(name) : undefined;
    } catch (thrown) {
      if (thrown instanceof TemplateError)
        report.error('topology-template', thrown.reason, thrown.position, thrown.hint);
      else if (thrown instanceof NeedsFacts)
        report.error(
          'topology-needs-facts',
          `${name} of ${host} reads ${thrown.variable}, a fact`,
          variables.positionOf(name),
        );
      else throw thrown;
      return undefined;
    }
  };
  const daemon = read('vrrp_daemon') ?? 'tandemd';
  if (daemon !== 'tandemd' && daemon !== 'keepalived') {
    report.error(
      'daemon-unknown',
      `vrrp_daemon of ${host} is ${JSON.stringify(daemon)}`,
      variables.positionOf('vrrp_daemon'),
      'tandemd or keepalived',
    );
  }
  const ansibleHost = read('ansible_host');
  return {
    interfaces: readInterfaces(host, read('interfaces'), variables, report),
    ansibleHost: typeof ansibleHost === 'string' ? ansibleHost : undefined,
    daemon: daemon === 'keepalived' ? 'keepalived' : 'tandemd',
    realServerAddresses: readAddresses(host, read('real_server_address'), variables, report),
    rpFilterOfAll: rpFilterOfAll(variables),
  };
}

function rpFilterOfAll(variables: Variables): Position | undefined {
  let settings: unknown;
  try {
    settings = variables.has('sysctl_settings') ? variables.get('sysctl_settings') : {};
  } catch {
    // What is wrong with it, or which fact it waits for, is said where it is used.
    return undefined;
  }
  const found = Object.entries(settings ?? {}).find(
    ([key, value]) => /^net[./]ipv4[./]conf[./]all[./]rp_filter$/.test(key) && Number(value) !== 0,
  );
  return found && variables.positionOf('sysctl_settings');
}

function readAddresses(host: string, value: unknown, variables: Variables, report: Report): Uint8Array[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).flatMap((text: unknown) => {
    const address = typeof text === 'string' ? parseIp(text) : undefined;
    if (address) return [address];
    report.error(
      'address-invalid',
      `real_server_address of ${host}: ${JSON.stringify(text)} is not an address`,
      variables.positionOf('real_server_address'),
      'an address without prefix, or a list with one of each family',
    );
    return [];
  });
}

/** The interface that has an address; undefined if the inventory does not say. */
export function interfaceWith(
  facts: HostFacts,
  address: Uint8Array,
): { readonly name: string; readonly cidr: Cidr } | undefined {
  for (const [name, { addresses }] of facts.interfaces ?? []) {
    const cidr = addresses.find(one => compareIp(one.address, address) === 0);
    if (cidr) return { name, cidr };
  }
  return undefined;
}

/** All of a host's addresses that the inventory knows: of its interfaces, or the one we connect to. */
export function knownAddresses(facts: HostFacts): readonly Uint8Array[] {
  if (facts.interfaces)
    return [...facts.interfaces.values()].flatMap(one => one.addresses.map(cidr => cidr.address));
  const login = facts.ansibleHost === undefined ? undefined : parseIp(facts.ansibleHost);
  return login ? [login] : [];
}

function readInterfaces(
  host: string,
  value: unknown,
  variables: Variables,
  report: Report,
): ReadonlyMap<string, DeclaredInterface> | undefined {
  if (value === undefined || value === null) return undefined;
  const position = variables.positionOf('interfaces');
  const checked = checkShape(interfacesSchema, value, report, {
    id: 'interfaces-shape',
    name: `interfaces of ${host}`,
    position,
  });
  if (!checked) return undefined;
  return new Map(
    Object.entries(checked).map(([name, entry]) => {
      const isMap = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
      const listed = isMap ? entry.addresses : entry;
      const texts = Array.isArray(listed) ? listed : typeof listed === 'string' ? [listed] : [];
      const addresses = texts.flatMap(text => {
        const cidr = parseCidr(text);
        if (cidr && text.includes('/')) return [cidr];
        report.error(
          'interfaces-shape',
          `interfaces of ${host}: '${text}' on ${name}`,
          positionAt(value, [name]) ?? position,
          'an address with its prefix, such as 10.16.8.10/24',
        );
        return [];
      });
      return [name, { addresses, network: isMap ? entry.network : undefined }];
    }),
  );
}

/**
 * What facts must confirm of a host: the interfaces that the topology names exist, and a unicast source is one of
 * the interface's addresses. Empty if all is well.
 */
export function checkInterfaces(topology: HostTopology, facts: Facts): readonly Diagnostic[] {
  const known = new Map(facts.interfaces.map(one => [one.name, one]));
  return topology.interfaces.flatMap(({ name, address, position }): Diagnostic[] => {
    const found = known.get(name);
    if (!found) {
      const similar = similarName(name, known.keys());
      const names = [...known.keys()].filter(one => one !== 'lo').join(', ');
      return [
        {
          id: 'interface-unknown',
          severity: 'error',
          message: `${topology.host} has no interface ${name}`,
          position,
          hint:
            similar === undefined || similar === 'lo'
              ? `it has ${names}`
              : `did you mean ${similar}? It has ${names}`,
        },
      ];
    }
    if (address === undefined || found.addresses.some(one => sameAddress(one.address, address))) return [];
    const has = found.addresses.map(one => one.address).join(', ') || 'none';
    return [
      {
        id: 'unicast-address',
        severity: 'error',
        message: `${address} is not on ${name} of ${topology.host}`,
        position,
        hint: `its addresses are ${has}; name the right one: unicast: { ${topology.host}: … }`,
      },
    ];
  });
}

function sameAddress(a: string, b: string): boolean {
  const [left, right] = [parseCidr(a), parseCidr(b)];
  return left !== undefined && right !== undefined && formatIp(left.address) === formatIp(right.address);
}

/** True if an address lies in one of an interface's subnets. */
export function onInterface(declared: DeclaredInterface, address: Uint8Array): boolean {
  return declared.addresses.some(cidr => cidrContains(cidr, address));
}

/** The network of an interface's address. */
export function networkOf(cidr: Cidr): Cidr {
  const address = cidr.address.map((byte, index) => {
    const kept = Math.max(0, Math.min(8, cidr.prefix - index * 8));
    return byte & ((0xff << (8 - kept)) & 0xff);
  });
  return { address, prefix: cidr.prefix };
}
