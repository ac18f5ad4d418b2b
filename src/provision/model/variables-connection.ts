/** How to reach a host: the `ansible_…` connection variables. */
import type { Position } from '#base/position.ts';
import { str } from './template-python.ts';
import { TemplateError, type Variables } from './template-values.ts';
import { toBoolean } from './template-filters-text.ts';

export interface Connection {
  /** Address or name to connect to: `ansible_host`, or else the inventory's name. */
  readonly host: string;
  /** 1–65535; undefined: SSH's own default. */
  readonly port: number | undefined;
  /** undefined: the SSH client's own default. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly privateKeyFile: string | undefined;
  /** `ansible_ssh_common_args` and `ansible_ssh_extra_args`, as written. */
  readonly sshArgs: string;
  readonly become: boolean;
  /** Default root. */
  readonly becomeUser: string;
  /** Default sudo. */
  readonly becomeMethod: string;
  readonly becomePassword: string | undefined;
  /** `ansible_host_key_checking`, also of `ansible_ssh_…`; undefined: not said. */
  readonly hostKeyChecking: boolean | undefined;
  /** `ssh` unless `ansible_connection` says otherwise. */
  readonly type: string;
}

/** Reads the connection variables of a host. Throws {@link TemplateError}, also for values that cannot be used. */
export function connectionOf(variables: Variables): Connection {
  const read = (...names: string[]): string | undefined => {
    const name = names.find(one => variables.has(one));
    const value = name === undefined ? undefined : variables.get(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'object')
      throw new TemplateError(`${name} must be a text`, placeOf(variables, name ?? ''));
    return str(value);
  };
  const flag = (...names: string[]): boolean => toBoolean(read(...names) ?? false) === true;
  return {
    host: read('ansible_host', 'ansible_ssh_host') ?? String(variables.get('inventory_hostname')),
    port: portOf(variables, read('ansible_port', 'ansible_ssh_port')),
    user: read('ansible_user', 'ansible_ssh_user'),
    password: read('ansible_password', 'ansible_ssh_password', 'ansible_ssh_pass'),
    privateKeyFile: read('ansible_ssh_private_key_file', 'ansible_private_key_file'),
    sshArgs: [read('ansible_ssh_common_args'), read('ansible_ssh_extra_args')].filter(Boolean).join(' '),
    become: flag('ansible_become'),
    becomeUser: read('ansible_become_user') ?? 'root',
    becomeMethod: read('ansible_become_method') ?? 'sudo',
    becomePassword: read('ansible_become_password', 'ansible_become_pass'),
    hostKeyChecking: checkingOf(
      variables,
      read('ansible_ssh_host_key_checking', 'ansible_host_key_checking'),
    ),
    type: read('ansible_connection') ?? 'ssh',
  };
}

/** A word that is neither yes nor no must not turn off what protects the connection. */
function checkingOf(variables: Variables, text: string | undefined): boolean | undefined {
  if (text === undefined || toBoolean(text) === true) return text === undefined ? undefined : true;
  if (/^(?:no|off|0|false)$/i.test(text)) return false;
  const name = ['ansible_ssh_host_key_checking', 'ansible_host_key_checking'].find(one => variables.has(one));
  throw new TemplateError(
    `${name ?? ''} is '${text}'`,
    placeOf(variables, name ?? ''),
    'it is true or false; false takes any key',
  );
}

function portOf(variables: Variables, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new TemplateError(
    `ansible_port is '${text}'`,
    placeOf(variables, 'ansible_port'),
    'a port is a number from 1 to 65535',
  );
}

function placeOf(variables: Variables, name: string): Position {
  return variables.positionOf(name) ?? { file: `variable ${name}`, line: 1, column: 1 };
}
