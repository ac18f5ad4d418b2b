/** Connections by the node-ssh package: no process per host, one TCP connection without Nagle's delay. */
import { connect as connectTcp, type Socket } from 'node:net';
import type {
  AuthenticationType,
  Client,
  ClientChannel,
  NextAuthHandler,
  ServerHostKeyAlgorithm,
} from 'ssh2';
import { messageOf, RemoteError } from '#base/errors.ts';
import { Authentication } from './authentication.ts';
import { commandLine } from './command-line.ts';
import { ConnectDeadline } from './connect-deadline.ts';
import type { HostKeys } from './host-keys.ts';
import type { KeyStore } from './key-store.ts';
import type { Ask, Channel, ChannelEnd, Connection, HostAccess } from './ports.ts';
import { asRemoteError, authenticationFailure, tcpFailure, unreachable } from './ssh-failure.ts';
import type { SshSettings } from './ssh-settings.ts';

/** What connections of one run share. */
export interface NodeSshShared {
  readonly hostKeys: HostKeys;
  readonly keys: KeyStore;
  readonly ask: Ask;
}

/** This host wants something that only the system's ssh can do. */
export class NeedsOpenssh extends Error {
  override name = 'NeedsOpenssh';
}

/** A peer that is silent for a minute is gone: packets to a dead host are lost without a word. */
const KEEPALIVE_INTERVAL_MS = 15_000;
const KEEPALIVE_COUNT_MAX = 4;

/** Throws RemoteError, or {@link NeedsOpenssh}. */
export async function connectNodeSsh(
  settings: SshSettings,
  access: HostAccess,
  shared: NodeSshShared,
): Promise<Connection> {
  const algorithms = shared.hostKeys.algorithms(settings);
  if (algorithms === 'needs-openssh') throw new NeedsOpenssh('the host is known by a certificate authority');
  const { NodeSSH } = await import('node-ssh');
  const socket = await openSocket(settings);
  const deadline = new ConnectDeadline(settings.connectTimeoutMs, () => {
    socket.destroy(unreachable(settings, `no SSH session within ${settings.connectTimeoutMs / 1000} s`));
  });
  const ask: Ask = question => deadline.pausedFor(shared.ask(question));
  const authentication = new Authentication(settings, access, shared.keys, ask);
  let refusal: RemoteError | undefined;
  const offer = async (left: readonly string[], next: NextAuthHandler): Promise<void> => {
    try {
      next((await authentication.next(left)) as Parameters<NextAuthHandler>[0]);
    } catch (error) {
      socket.destroy(asRemoteError(settings, error));
    }
  };
  const ssh = new NodeSSH();
  try {
    await ssh.connect({
      sock: socket,
      username: settings.user,
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_COUNT_MAX,
      algorithms: { serverHostKey: [...algorithms] as ServerHostKeyAlgorithm[] },
      hostVerifier: (key: Buffer) => {
        refusal = shared.hostKeys.refusal(settings, key);
        return refusal === undefined;
      },
      authHandler: (left: AuthenticationType[], _partial: boolean, next: NextAuthHandler) => {
        void offer(left, next);
      },
    });
  } catch (error) {
    socket.destroy();
    throw refusal ?? connectFailure(settings, authentication, error);
  } finally {
    deadline.clear();
  }
  return new NodeSshConnection(settings, ssh.connection, socket);
}

function openSocket(settings: SshSettings): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, connectTimeoutMs } = settings;
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' }));
    }, connectTimeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(tcpFailure(settings, error));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function connectFailure(settings: SshSettings, authentication: Authentication, error: unknown): Error {
  const message = messageOf(error);
  if (/no matching .* (algorithm|cipher|MAC)|no matching/i.test(message))
    return new NeedsOpenssh(message, { cause: error });
  const level = error instanceof Error && 'level' in error ? error.level : undefined;
  if (level === 'client-authentication')
    return authenticationFailure(settings, authentication.tried, authentication.notes);
  if (authentication.tried.length > 0 && /No response|Too many|disconnect/i.test(message))
    return authenticationFailure(settings, authentication.tried, [...authentication.notes, message]);
  return asRemoteError(settings, error);
}

class NodeSshConnection implements Connection {
  readonly transport = 'node-ssh';
  readonly user: string;
  readonly #settings: SshSettings;
  readonly #client: Client;
  readonly #closed: Promise<void>;
  #lost = 'the connection was closed';

  constructor(settings: SshSettings, client: Client | null, socket: Socket) {
    if (!client) throw unreachable(settings, 'the other side closed the connection after the login');
    this.user = settings.user;
    this.#settings = settings;
    this.#client = client;
    client.on('error', error => (this.#lost = error.message));
    socket.on('error', error => (this.#lost = error.message));
    this.#closed = new Promise(resolve => client.once('close', resolve));
  }

  open(argv: readonly string[]): Promise<Channel> {
    return new Promise((resolve, reject) => {
      this.#client.exec(commandLine(argv), (error, channel) => {
        if (error) {
          const fields = {
            host: this.#settings.name,
            step: 'start the remote shell',
            message: error.message,
          };
          reject(new RemoteError({ ...fields, cause: error }));
        } else resolve(this.#channel(channel));
      });
    });
  }

  #channel(channel: ClientChannel): Channel {
    const ended = new Promise<ChannelEnd>(resolve => {
      let end: ChannelEnd = { code: undefined, signal: undefined };
      channel.on('exit', (code: number | null, signal?: string) => {
        end = { code: code ?? undefined, signal };
      });
      const settle = (): void => {
        const broken = end.code === undefined && end.signal === undefined;
        resolve(broken ? { ...end, lost: this.#lost } : end);
      };
      channel.once('close', settle);
      void this.#closed.then(settle);
    });
    channel.on('error', (error: Error) => (this.#lost = error.message));
    return {
      stdin: channel,
      stdout: channel,
      stderr: channel.stderr,
      ended,
      destroy: () => channel.destroy(),
    };
  }

  async close(): Promise<void> {
    this.#client.end();
    const patience = setTimeout(() => this.#client.destroy(), 2000);
    await this.#closed;
    clearTimeout(patience);
  }
}
