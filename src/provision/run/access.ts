/** From an inventory's connection variables to what the transports take. */
import { InputError, type Diagnostic } from '#base/errors.ts';
import { splitWords } from '#provision/model/modules/arguments.ts';
import { Secret } from '#provision/model/shell.ts';
import type { Connection } from '#provision/model/variables-connection.ts';
import type { HostAccess } from './ports.ts';

/** Ansible's names for connections by SSH; `openssh` is ours and asks for the system's ssh. */
const SSH_TYPES: ReadonlySet<string> = new Set([
  'ssh',
  'smart',
  'paramiko',
  'paramiko_ssh',
  'ansible.builtin.ssh',
]);

/** Throws InputError for what Ansible has and Tandem does not: other connections, other ways to become root. */
export function accessOf(name: string, connection: Connection): HostAccess {
  const refuse = (id: string, message: string, hint: string): never => {
    const diagnostic: Diagnostic = { id, severity: 'error', message: `${name}: ${message}`, hint };
    throw new InputError([diagnostic]);
  };
  const { become, becomeUser, becomeMethod, type } = connection;
  if (type !== 'openssh' && !SSH_TYPES.has(type))
    refuse(
      'connection-unsupported',
      `ansible_connection is ${type}`,
      'Tandem reaches hosts by SSH: ssh or openssh',
    );
  if (become && becomeMethod !== 'sudo')
    refuse('become-unsupported', `ansible_become_method is ${becomeMethod}`, 'use sudo, or log in as root');
  if (become && becomeUser !== 'root')
    refuse(
      'become-unsupported',
      `ansible_become_user is ${becomeUser}`,
      'what Tandem sets up belongs to root',
    );
  const words =
    splitWords(connection.sshArgs) ??
    refuse(
      'ssh-args-quotes',
      `ansible_ssh_common_args has an unclosed quote: ${connection.sshArgs}`,
      'close it',
    );
  const secret = (text: string | undefined): { password?: Secret } =>
    text === undefined ? {} : { password: new Secret(text) };
  return {
    name,
    ...(connection.host === name ? {} : { address: connection.host }),
    ...(connection.user === undefined ? {} : { user: connection.user }),
    ...(connection.port === undefined ? {} : { port: connection.port }),
    ...(connection.privateKeyFile === undefined ? {} : { privateKeyFile: connection.privateKeyFile }),
    ...secret(connection.password),
    ...(words.length > 0 ? { sshArguments: words } : {}),
    ...(connection.hostKeyChecking === undefined ? {} : { hostKeyChecking: connection.hostKeyChecking }),
    connection: type === 'openssh' ? 'openssh' : 'ssh',
    ...(become ? { become: secret(connection.becomePassword) } : {}),
  };
}
