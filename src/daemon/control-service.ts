import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { ControlServer, Refusal, type RequestHandlers } from '#control/server.ts';
import type { DaemonEvent } from '#control/status.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import type { Log } from './log.ts';

/** Finds the instance that a request names. */
export type FindRouter = (name: string) => VirtualRouter | undefined;

/** The control socket: listens once the VRRP part runs. */
export class ControlService {
  readonly #server: ControlServer;
  readonly #path: string;
  #listening = false;

  constructor(path: string, handlers: RequestHandlers) {
    this.#path = path;
    this.#server = new ControlServer(handlers);
  }

  /** Listens at the path, for root alone; a socket of a killed predecessor is replaced. */
  listen(log: Log): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
    removeSocket(this.#path);
    // Created with its final mode: between bind and chmod anybody could connect.
    const before = process.umask(0o177);
    this.#server.listen(
      this.#path,
      () => (this.#listening = true),
      error => log.error(`the control socket ${this.#path} does not work: ${error.message}`),
    );
    process.umask(before);
    try {
      chmodSync(this.#path, 0o600);
    } catch {
      // It could not be created; the server's error has said so.
    }
  }

  publish(event: () => DaemonEvent): void {
    if (this.#server.hasSubscribers) this.#server.publish(event());
  }

  close(): void {
    this.#server.close();
    if (this.#listening) removeSocket(this.#path);
  }
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nobody was there before us.
  }
}

/** The instance that `parameters.instance` names. Throws {@link Refusal}. */
export function namedRouter(parameters: Readonly<Record<string, unknown>>, find: FindRouter): VirtualRouter {
  const name = parameters['instance'];
  if (typeof name !== 'string') throw new Refusal('bad-request', '"instance" must be a name');
  const router = find(name);
  if (!router) throw new Refusal('no-such-instance', `there is no vrrp_instance "${name}"`);
  return router;
}
