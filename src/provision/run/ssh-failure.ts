/** What went wrong on the way to a host, in words that say what to do next. */
import { messageOf, RemoteError } from '#base/errors.ts';
import type { SshSettings } from './ssh-settings.ts';
import { fingerprint, keyTypeOf, lookupName, type HostKeyVerdict } from './known-hosts.ts';

/** `user@host:port`, the port only where it is not 22. */
export function destination(settings: SshSettings): string {
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return `${settings.user}@${host}${settings.port === 22 ? '' : `:${settings.port}`}`;
}

/** A host that could not be reached. */
export function unreachable(settings: SshSettings, message: string, cause?: unknown, said = ''): RemoteError {
  const step = `connect to ${destination(settings)}`;
  return new RemoteError({ host: settings.name, step, message, said, unreachable: true, cause });
}

/** Why no TCP connection came about. */
export function tcpFailure(settings: SshSettings, error: NodeJS.ErrnoException): RemoteError {
  const { host, port } = settings;
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nothing listens on port ${port} (is sshd running, and is that its port?)`,
    ENOTFOUND: `the name ${host} is not known (set ansible_host, or HostName in the ssh configuration)`,
    EAI_AGAIN: `the name ${host} could not be looked up: the name server does not answer`,
    EHOSTUNREACH: `no route to ${host}, or nobody there`,
    ENETUNREACH: `no route to the network of ${host}`,
    ETIMEDOUT: `no answer from ${host}:${port} within ${settings.connectTimeoutMs / 1000} s (firewall, or the host is down)`,
    ECONNRESET: 'the other side closed the connection before it was set up',
  };
  return unreachable(settings, reasons[error.code ?? ''] ?? error.message, error);
}

/** Why a host's key was not accepted. */
export function hostKeyFailure(
  settings: SshSettings,
  key: Buffer,
  verdict: Exclude<HostKeyVerdict, { status: 'known' }>,
): RemoteError {
  const name = settings.hostKeyAlias ?? lookupName(settings.host, settings.port);
  const shown = `${keyTypeOf(key)} ${fingerprint(key)}`;
  if (verdict.status === 'revoked')
    return unreachable(settings, `THE HOST KEY IS REVOKED by ${at(verdict.entry)}: ${shown}`);
  if (verdict.status === 'changed')
    return unreachable(
      settings,
      `THE HOST KEY HAS CHANGED: ${at(verdict.entry)} says ${fingerprint(verdict.entry.key)}, the host shows ${shown}. ` +
        `Somebody may be listening in, or the host was set up anew: if so, ssh-keygen -R '${name}' and check the new fingerprint`,
    );
  const port = settings.port === 22 ? '' : `-p ${settings.port} `;
  return unreachable(
    settings,
    `the host key is not known: ${shown}. If that is the host's (ssh-keygen -lf on its /etc/ssh/ssh_host_*_key.pub ` +
      `tells), take it up: ssh ${port}${settings.user}@${settings.host}, or ssh-keyscan ${port}${settings.host} >> ` +
      `${settings.userKnownHosts[0] ?? '~/.ssh/known_hosts'}; or set StrictHostKeyChecking accept-new`,
  );
}

function at(entry: { readonly file: string; readonly line: number }): string {
  return `${entry.file}:${entry.line}`;
}

/** Why nobody could log in. `tried` names each attempt. */
export function authenticationFailure(
  settings: SshSettings,
  tried: readonly string[],
  notes: readonly string[],
): RemoteError {
  const attempts = tried.length > 0 ? `tried ${tried.join(', ')}` : 'there was nothing to try';
  const why = notes.length > 0 ? `; ${notes.join('; ')}` : '';
  return unreachable(
    settings,
    `${settings.user} may not log in (${attempts}${why}). Name a key with ansible_ssh_private_key_file or ` +
      `IdentityFile, load it into an ssh-agent, or check ansible_user`,
  );
}

/** Words of ssh(1) on standard error → what they mean. */
const OPENSSH_SAYS: readonly (readonly [RegExp, string])[] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED/, 'THE HOST KEY HAS CHANGED'],
  [
    /Host key verification failed|No .* host key is known/,
    'the host key is not known, or not the one that is known',
  ],
  [/Permission denied/, 'the user may not log in'],
  [
    /Too many authentication failures/,
    'too many keys were tried (IdentitiesOnly yes, with IdentityFile, limits them)',
  ],
  [/Connection refused/, 'nothing listens on that port'],
  [/Could not resolve hostname/, 'the name could not be looked up'],
  [/timed out/i, 'no answer in time'],
  [/No route to host|Network is unreachable/, 'there is no route'],
];

/** What ssh(1) could not do. */
export function opensshFailure(settings: SshSettings, said: string): RemoteError {
  const meaning = OPENSSH_SAYS.find(([words]) => words.test(said))?.[1];
  return unreachable(settings, meaning ?? 'ssh gave up', undefined, said.slice(-2000));
}

/** The message of anything that a transport threw, as an unreachable host. */
export function asRemoteError(settings: SshSettings, error: unknown): RemoteError {
  return error instanceof RemoteError ? error : unreachable(settings, messageOf(error), error);
}
