/** What the inventory and the user's ssh configuration together say about one host's connection. */
import type { HostAccess } from './ports.ts';
import type { SshOptions } from './ssh-config.ts';

/** Everything that a transport needs to know; paths are absolute. */
export interface SshSettings {
  /** The inventory's name, for messages. */
  readonly name: string;
  /** The name that `ssh` would be given: `ansible_host`, or the inventory's name. */
  readonly target: string;
  /** Name or address to connect to. */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
  readonly user: string;
  /** In order of preference; they need not exist unless `identityGiven`. */
  readonly identityFiles: readonly string[];
  /** True if the inventory or the configuration names them. */
  readonly identityGiven: boolean;
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | undefined;
  readonly userKnownHosts: readonly string[];
  readonly globalKnownHosts: readonly string[];
  readonly strictHostKeyChecking: 'yes' | 'accept-new' | 'off';
  readonly hashKnownHosts: boolean;
  /** Name to look keys up under, if it is not the host's. */
  readonly hostKeyAlias: string | undefined;
  readonly connectTimeoutMs: number;
  /** Why node-ssh cannot make this connection. */
  readonly beyondNodeSsh: string | undefined;
}

/** What of this machine and its user counts. */
export interface LocalUser {
  readonly name: string;
  readonly home: string;
  readonly uid: number;
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** ConnectTimeout where nobody gave one: TCP's own is two minutes. */
const CONNECT_TIMEOUT_MS = 10_000;

const DEFAULT_IDENTITIES = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', 'id_dsa'];
const DEFAULT_KNOWN_HOSTS = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
const SYSTEM_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

/** Puts them together: the inventory's values come first, as Ansible passes them on ssh's command line. */
export function settingsFor(
  access: HostAccess,
  options: SshOptions,
  beyond: string | undefined,
  local: LocalUser,
): SshSettings {
  const target = access.address ?? access.name;
  const one = (keyword: string): string | undefined => options.get(keyword)?.[0]?.[0];
  const user = access.user ?? one('user') ?? local.name;
  const port = access.port ?? Number(one('port') ?? 22);
  const host = (one('hostname') ?? target).replaceAll('%h', target).replaceAll('%%', '%');
  const tokens = { host, target, port, user, local, alias: one('hostkeyalias') };
  const paths = (keyword: string): string[] =>
    (options.get(keyword) ?? [])
      .flat()
      .map(path => expandPath(path, tokens))
      .filter(path => path !== 'none');
  const identities = paths('identityfile');
  const given = access.privateKeyFile === undefined ? [] : [expandPath(access.privateKeyFile, tokens)];
  const none = options.has('identityfile') && identities.length === 0;
  const identityGiven = given.length > 0 || identities.length > 0;
  const defaults = DEFAULT_IDENTITIES.map(name => `${local.home}/.ssh/${name}`);
  return {
    name: access.name,
    target,
    host,
    port,
    user,
    identityFiles: identityGiven || none ? [...given, ...identities] : defaults,
    identityGiven,
    identitiesOnly: one('identitiesonly')?.toLowerCase() === 'yes',
    agent: agentSocket(one('identityagent'), tokens),
    userKnownHosts: options.has('userknownhostsfile')
      ? paths('userknownhostsfile')
      : DEFAULT_KNOWN_HOSTS.map(path => expandPath(path, tokens)),
    globalKnownHosts: options.has('globalknownhostsfile')
      ? paths('globalknownhostsfile')
      : SYSTEM_KNOWN_HOSTS,
    strictHostKeyChecking:
      access.hostKeyChecking === false ? 'off' : strictness(one('stricthostkeychecking')),
    hashKnownHosts: one('hashknownhosts')?.toLowerCase() === 'yes',
    hostKeyAlias: one('hostkeyalias'),
    connectTimeoutMs: timeoutMs(one('connecttimeout')),
    beyondNodeSsh: beyondReason(access, beyond),
  };
}

function beyondReason(access: HostAccess, beyond: string | undefined): string | undefined {
  if (access.connection === 'openssh') return 'ansible_connection';
  if ((access.sshArguments ?? []).length > 0) return 'ansible_ssh_common_args';
  return beyond;
}

/** `ask` is `yes` here: a run over many hosts does not stop to ask whether a key is right. */
function strictness(value: string | undefined): SshSettings['strictHostKeyChecking'] {
  if (value === 'accept-new') return 'accept-new';
  return value === 'no' || value === 'off' ? 'off' : 'yes';
}

interface Tokens {
  readonly host: string;
  readonly target: string;
  readonly port: number;
  readonly user: string;
  readonly alias: string | undefined;
  readonly local: LocalUser;
}

/** ssh_config(5), TOKENS, with `~` and `${VARIABLE}`. */
function expandPath(path: string, tokens: Tokens): string {
  const { local } = tokens;
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    d: local.home,
    h: tokens.host,
    i: String(local.uid),
    k: tokens.alias ?? tokens.target,
    L: local.hostname.split('.')[0] ?? local.hostname,
    l: local.hostname,
    n: tokens.target,
    p: String(tokens.port),
    r: tokens.user,
    u: local.name,
  };
  return path
    .replace(/^~(?=\/|$)/, local.home)
    .replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => local.environment[name] ?? whole)
    .replaceAll(/%(.)/g, (whole, letter: string) => values[letter] ?? whole);
}

function agentSocket(value: string | undefined, tokens: Tokens): string | undefined {
  const { environment } = tokens.local;
  if (value === 'none') return undefined;
  if (value === undefined || value === 'SSH_AUTH_SOCK') return environment['SSH_AUTH_SOCK'] || undefined;
  return value.startsWith('$') && !value.startsWith('${')
    ? environment[value.slice(1)]
    : expandPath(value, tokens);
}

/** sshd_config(5), TIME FORMATS: seconds, or `1m30s`. */
function timeoutMs(value: string | undefined): number {
  if (value === undefined || !/^(\d+[smhdw]?)+$/i.test(value)) return CONNECT_TIMEOUT_MS;
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  let seconds = 0;
  for (const [, count, unit] of value.toLowerCase().matchAll(/(\d+)([smhdw]?)/g))
    seconds += Number(count) * (units[unit === undefined || unit === '' ? 's' : unit] ?? 1);
  return seconds === 0 ? CONNECT_TIMEOUT_MS : seconds * 1000;
}
