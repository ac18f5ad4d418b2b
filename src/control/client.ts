import { connect, type Socket } from 'node:net';
import { LineSplitter } from './lines.ts';
import {
  ANSWER_BYTES_MAX,
  CONTROL_VERSION,
  DEFAULT_CONTROL_SOCKET,
  decodeReply,
  encodeLine,
  type ControlErrorCode,
  type ReplyLine,
  type RequestName,
  type Requests,
} from './protocol.ts';
import type { DaemonEvent } from './status.ts';

/** A request failed: the daemon's own reason, or `unreachable` when there was nobody to ask. */
export class ControlError extends Error {
  override name = 'ControlError';
  readonly code: ControlErrorCode | 'unreachable';

  constructor(code: ControlErrorCode | 'unreachable', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How long one answer may take unless the request has a bound of its own. */
const ANSWER_TIMEOUT_MS = 10_000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: ControlError): void;
}

/** A connection to a running tandemd. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #splitter = new LineSplitter(ANSWER_BYTES_MAX);
  #nextId = 1;
  #onEvent: ((event: DaemonEvent) => void) | undefined;
  #lost: ControlError | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', chunk => this.#receive(chunk));
    socket.on('error', error => this.#fail(error.message));
    socket.on('close', () => this.#fail('the daemon closed the connection'));
  }

  /** Connects. Throws {@link ControlError} `unreachable` when nobody listens at `path`. */
  static connect(path: string = DEFAULT_CONTROL_SOCKET): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const refuse = (error: Error): void => {
        const message = `no tandemd answers at ${path}: ${error.message} (is the daemon running, and are you root?)`;
        reject(new ControlError('unreachable', message, { cause: error }));
      };
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.off('error', refuse);
        resolve(new ControlClient(socket));
      });
    });
  }

  /** Asks and waits for the answer, at most `timeoutMs`. Throws {@link ControlError}. */
  ask<Name extends RequestName>(
    name: Name,
    parameters: Requests[Name]['parameters'],
    timeoutMs: number = ANSWER_TIMEOUT_MS,
  ): Promise<Requests[Name]['result']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#lost) {
        reject(this.#lost);
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ControlError('timeout', `${name}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: result => {
          clearTimeout(timer);
          resolve(result as Requests[Name]['result']);
        },
        reject: error => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(encodeLine({ v: CONTROL_VERSION, id, ask: name, parameters }));
    });
  }

  /** Calls `onEvent` for everything that happens from now until the connection closes. */
  async subscribe(onEvent: (event: DaemonEvent) => void): Promise<void> {
    this.#onEvent = onEvent;
    await this.ask('subscribe', {});
  }

  /** Calls `onClose` when the connection is gone, whoever ended it. */
  onClose(onClose: () => void): void {
    if (this.#socket.closed) onClose();
    else this.#socket.once('close', onClose);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    const lines = this.#splitter.push(chunk);
    if (!lines) {
      this.#socket.destroy();
      return;
    }
    for (const line of lines) {
      const reply = decodeReply(line);
      if (reply) this.#settle(reply);
      else this.#socket.destroy();
    }
  }

  #settle(reply: ReplyLine): void {
    if ('event' in reply) {
      this.#onEvent?.(reply.event);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new ControlError(reply.error.code, reply.error.message));
    else waiting?.resolve(reply.result);
  }

  #fail(message: string): void {
    this.#lost ??= new ControlError('unreachable', message);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#lost);
    this.#waiting.clear();
  }
}

/** Connects, asks one thing, closes. */
export async function askOnce<Name extends RequestName>(
  path: string,
  name: Name,
  parameters: Requests[Name]['parameters'],
  timeoutMs?: number,
): Promise<Requests[Name]['result']> {
  const client = await ControlClient.connect(path);
  try {
    return await client.ask(name, parameters, timeoutMs);
  } finally {
    client.close();
  }
}
