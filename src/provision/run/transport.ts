/** The one way to hosts: node-ssh where it can, the system's ssh where it must. */
import { HostKeys } from './host-keys.ts';
import { KeyStore } from './key-store.ts';
import type { NodeSshShared } from './node-ssh-transport.ts';
import type { Ask, Connection, HostAccess, Transport } from './ports.ts';
import { SshConfiguration } from './ssh-config-files.ts';
import type { SshSettings } from './ssh-settings.ts';

export interface TransportOptions {
  /** `-F FILE`: read this ssh configuration instead of the user's and the system's. */
  readonly configFile?: string;
  /** Asks on the terminal; absent where there is none. */
  readonly ask?: Ask;
}

/** Throws RangeError if `configFile` cannot be read. */
export function createTransport(options: TransportOptions = {}): Transport {
  const configuration = new SshConfiguration(options.configFile);
  const ask = options.ask ?? (() => Promise.resolve(undefined));
  const shared: NodeSshShared = { hostKeys: new HostKeys(), keys: new KeyStore(ask), ask };
  return {
    connect: async access => {
      const settings = await configuration.resolve(access);
      const reason = settings.beyondNodeSsh ?? keyReason(settings, access, shared.keys);
      return reason === undefined
        ? connectWithFallback(settings, access, shared, options.configFile)
        : connectThroughSsh(settings, access, options.configFile, reason);
    },
  };
}

/** Certificates and hardware keys are beyond node-ssh. A default key counts only if there is no other. */
function keyReason(settings: SshSettings, access: HostAccess, keys: KeyStore): string | undefined {
  if (access.password) return undefined;
  const files = settings.identityFiles.flatMap(path => keys.file(path) ?? []);
  const certified = files.find(file => file.certified);
  if (certified) return `the certificate of ${certified.path}`;
  const hardware = files.find(file => file.kind === 'hardware');
  const others = files.some(file => file.kind === 'plain' || file.kind === 'encrypted');
  const matters = hardware && (settings.identityGiven || (!others && settings.agent === undefined));
  return matters ? `the hardware key ${hardware.path}` : undefined;
}

async function connectWithFallback(
  settings: SshSettings,
  access: HostAccess,
  shared: NodeSshShared,
  configFile: string | undefined,
): Promise<Connection> {
  const { connectNodeSsh, NeedsOpenssh } = await import('./node-ssh-transport.ts');
  try {
    return await connectNodeSsh(settings, access, shared);
  } catch (error) {
    if (!(error instanceof NeedsOpenssh)) throw error;
    return connectThroughSsh(settings, access, configFile, error.message);
  }
}

async function connectThroughSsh(
  settings: SshSettings,
  access: HostAccess,
  configFile: string | undefined,
  reason: string,
): Promise<Connection> {
  const { connectOpenssh } = await import('./openssh-transport.ts');
  return connectOpenssh(settings, access, configFile, reason);
}
