import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '#base/errors.ts';
import { LineSplitter } from './lines.ts';
import {
  ANSWER_BYTES_MAX,
  CONTROL_VERSION,
  decodeRequest,
  encodeLine,
  REQUEST_BYTES_MAX,
  type ControlErrorCode,
  type ReplyLine,
  type RequestName,
  type Requests,
} from './protocol.ts';
import type { DaemonEvent } from './status.ts';

/** A request that cannot be served, with the reason for the client. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A result that is JSON already, in pieces: a long one is neither read nor written in one go by the daemon. */
export class RawJson {
  readonly pieces: readonly string[];

  constructor(pieces: readonly string[]) {
    this.pieces = pieces;
  }
}

type Answer<Name extends RequestName> = Requests[Name]['result'] | RawJson;

/** What the daemon does for each request; throws {@link Refusal}. */
export type RequestHandlers = {
  readonly [Name in Exclude<RequestName, 'subscribe'>]: (
    parameters: Readonly<Record<string, unknown>>,
  ) => Answer<Name> | Promise<Answer<Name>>;
};

/** Most clients at once; a further one is closed at once. */
const CLIENTS_MAX = 32;
/** Requests of one client that may be under way. */
const PENDING_MAX = 16;
/** Unread bytes after which a client that subscribed is dropped. */
const UNREAD_EVENT_BYTES_MAX = 256 * 1024;
/** Unread bytes after which any client is dropped, so that asking without reading cannot fill the memory; an answer may be as long. */
const UNREAD_BYTES_MAX = ANSWER_BYTES_MAX;

interface Client {
  readonly socket: Socket;
  readonly splitter: LineSplitter;
  pending: number;
  subscribed: boolean;
}

/** Serves the control socket. Nothing here waits for a client: whoever does not read is dropped. */
export class ControlServer {
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  readonly #handlers: RequestHandlers;

  constructor(handlers: RequestHandlers) {
    this.#handlers = handlers;
    this.#server = createServer(socket => this.#accept(socket));
  }

  /** Listens at `path`; `onError` is told when that is not possible or later fails. */
  listen(path: string, onListening: () => void, onError: (error: Error) => void): void {
    this.#server.on('error', onError);
    this.#server.listen(path, onListening);
  }

  /** True if anybody would receive an event: spares making one. */
  get hasSubscribers(): boolean {
    for (const client of this.#clients) if (client.subscribed) return true;
    return false;
  }

  /** Sends `event` to all subscribers and drops those who lag. */
  publish(event: DaemonEvent): void {
    let line: string | undefined;
    for (const client of this.#clients) {
      if (!client.subscribed) continue;
      line ??= encodeLine({ v: CONTROL_VERSION, event });
      if (client.socket.writableLength + line.length > UNREAD_EVENT_BYTES_MAX) client.socket.destroy();
      else client.socket.write(line);
    }
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= CLIENTS_MAX) {
      socket.destroy();
      return;
    }
    const client: Client = {
      socket,
      splitter: new LineSplitter(REQUEST_BYTES_MAX),
      pending: 0,
      subscribed: false,
    };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    // A client that goes away in the middle is its own business; 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => {
      const lines = client.splitter.push(chunk);
      if (!lines) socket.destroy();
      else for (const line of lines) void this.#serve(client, line);
    });
  }

  async #serve(client: Client, line: string): Promise<void> {
    const request = decodeRequest(line);
    if ('code' in request) {
      this.#reply(client, refused(request.id, request.code, request.message));
      return;
    }
    const { id, ask, parameters } = request;
    if (client.pending >= PENDING_MAX) {
      this.#reply(client, refused(id, 'busy', `${PENDING_MAX} requests of this connection are under way`));
      return;
    }
    client.pending++;
    try {
      const result = ask === 'subscribe' ? { subscribed: true } : await this.#handlers[ask](parameters);
      // Answered first, so that the answer precedes the first event.
      if (result instanceof RawJson) this.#write(client, rawReply(id, result));
      else this.#reply(client, { v: CONTROL_VERSION, id, result });
      if (ask === 'subscribe') client.subscribed = true;
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'failed';
      this.#reply(client, refused(id, code, messageOf(error)));
    } finally {
      client.pending--;
    }
  }

  #reply(client: Client, reply: ReplyLine): void {
    this.#write(client, [encodeLine(reply)]);
  }

  #write({ socket }: Client, pieces: readonly string[]): void {
    if (socket.destroyed) return;
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
    if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy();
  }
}

function rawReply(id: number, { pieces }: RawJson): string[] {
  return [`{"v":${CONTROL_VERSION},"id":${id},"result":`, ...pieces, '}\n'];
}

function refused(id: number, code: ControlErrorCode, message: string): ReplyLine {
  return { v: CONTROL_VERSION, id, error: { code, message } };
}
