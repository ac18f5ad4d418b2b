/** The shell that reads facts, and its answer. Almost everything is read without starting a process. */
import type { Facts, InterfaceFact } from './facts.ts';
import type { Json } from './module.ts';
import { type Fragment, sh } from './shell.ts';

/** Where tandemd answers questions. */
const CONTROL_SOCKET = '/run/tandemd/control.sock';

/** Facts, one `key value` per line. @param run the host's /run. */
export function factsProbe(run = '/run'): Fragment {
  return sh`t_facts ${CONTROL_SOCKET} ${run}`;
}

/** A probe's answer: facts, and whether a VRRP daemon runs that can be asked. */
export interface SeenFacts {
  readonly facts: Facts;
  readonly daemonListens: boolean;
}

/** Reads the answer to {@link factsProbe}. */
export function parseFacts(answer: Uint8Array): SeenFacts {
  const values = new Map<string, string>();
  const interfaces = new Map<
    string,
    {
      mac: string | undefined;
      up: boolean;
      networkdFile?: string;
      hasProfile?: true;
      addresses: { address: string; prefix: number; scope: string }[];
    }
  >();
  for (const line of new TextDecoder().decode(answer).split('\n')) {
    const [key = '', ...rest] = line.split(' ');
    if (key === 'if') {
      const [name = '', mac = '', flags = '0'] = rest;
      interfaces.set(name, { mac: mac || undefined, up: (Number(flags) & 1) === 1, addresses: [] });
    } else if (key === 'nd') {
      const [name = '', ...path] = rest;
      const managed = interfaces.get(name);
      if (managed) managed.networkdFile = path.join(' ');
    } else if (key === 'nm') {
      const managed = interfaces.get(rest[0] ?? '');
      if (managed) managed.hasProfile = true;
    } else if (key === 'ad') {
      const [name = '', cidr = '', scope = ''] = rest;
      const [address = '', prefix = ''] = cidr.split('/');
      interfaces.get(name.replace(/@.*/, ''))?.addresses.push({ address, prefix: Number(prefix), scope });
    } else if (key !== '') values.set(key, rest.join(' '));
  }
  const value = (key: string): string => values.get(key) ?? '';
  const machine = value('machine');
  const isListening = value('daemon') === 'yes';
  const facts: Facts = {
    hostname: value('hostname'),
    architecture: ARCHITECTURES.get(machine) ?? machine,
    kernel: value('kernel'),
    os: {
      id: value('ID'),
      versionId: value('VERSION_ID'),
      idLike: value('ID_LIKE').split(' ').filter(Boolean),
    },
    bootId: value('boot'),
    init: value('init'),
    container: value('container') === 'yes',
    networkManager: value('networkmanager') === 'yes',
    interfaces: [...interfaces].map(([name, rest]): InterfaceFact => ({ name, ...rest })),
  };
  const keepalived = values.get('keepalived');
  if (keepalived !== undefined) return { facts: { ...facts, keepalived }, daemonListens: isListening };
  return { facts, daemonListens: isListening };
}

const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'x64'],
  ['aarch64', 'arm64'],
]);

/** Facts under the names that Ansible's users know. */
export function factVariables(facts: Facts): Readonly<Record<string, Json>> {
  const machine =
    [...ARCHITECTURES].find(([, name]) => name === facts.architecture)?.[0] ?? facts.architecture;
  const interfaces = facts.interfaces.map(each => each.name);
  const common: Readonly<Record<string, Json>> = {
    hostname: facts.hostname.replace(/\..*/, ''),
    nodename: facts.hostname,
    architecture: machine,
    kernel: facts.kernel,
    distribution: facts.os.id,
    distribution_version: facts.os.versionId,
    os_family:
      ['debian', ...facts.os.idLike].includes(facts.os.id) || facts.os.idLike.includes('debian')
        ? 'Debian'
        : facts.os.id,
    service_mgr: facts.init,
    container: facts.container,
    interfaces,
    networkd_files: Object.fromEntries(
      facts.interfaces.flatMap(({ name, networkdFile }) =>
        networkdFile === undefined ? [] : [[name, networkdFile]],
      ),
    ),
    networkmanager: facts.networkManager,
    networkmanager_devices: facts.interfaces.filter(each => each.hasProfile).map(each => each.name),
    ...Object.fromEntries(
      facts.interfaces.map(each => [each.name.replaceAll(/[^A-Za-z0-9]/g, '_'), interfaceFact(each)]),
    ),
  };
  const prefixed = Object.entries(common).map(([name, value]): [string, Json] => [`ansible_${name}`, value]);
  return { ...Object.fromEntries(prefixed), ansible_facts: common };
}

function interfaceFact(fact: InterfaceFact): Json {
  const first = fact.addresses.find(({ address }) => !address.includes(':'));
  return {
    device: fact.name,
    macaddress: fact.mac ?? null,
    active: fact.up,
    ...(first ? { ipv4: { address: first.address, prefix: String(first.prefix) } } : {}),
    ipv6: fact.addresses
      .filter(({ address }) => address.includes(':'))
      .map(({ address, prefix, scope }) => ({ address, prefix: String(prefix), scope })),
  };
}
