import type { AttemptEnd } from '#check/ports.ts';
import type { CheckConnection, CheckTiming } from '#conf/model.ts';
import { Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import {
  type AttemptDone,
  type CancelAttempt,
  codeOf,
  connectFailed,
  placeOf,
  STEPS_MAX,
  wordsOf,
} from './check-attempt.ts';
import { closeConnection, openConnection } from './check-connection.ts';

/** How a TLS handshake begins. */
export interface TlsOpening {
  /** Told to the server (SNI) if it is one. */
  readonly serverName: string | undefined;
  readonly context: SecureContext;
}

/** What a conversation over a connection says and hears. */
export interface Conversation {
  /** For messages: `http://10.0.0.1:80/`. */
  readonly place: string;
  /** Present: TLS. */
  readonly tls?: TlsOpening | undefined;
  /** Said as soon as the connection is there; empty: the server speaks first. */
  readonly opening: string;
  /** What is awaited, for the message about a time limit. */
  awaited(): string;
  /** Takes what was received. An end, a text to send, or undefined to go on. */
  hear(chunk: Uint8Array): AttemptEnd | string | undefined;
  /** The server has closed its side. */
  closed(): AttemptEnd;
}

/**
 * Holds a conversation within limits: each step (connection, handshake, each piece of an answer) within `connect_timeout`,
 * all of it within {@link STEPS_MAX} times that.
 */
export function converse(
  checker: CheckConnection & CheckTiming,
  conversation: Conversation,
  done: AttemptDone,
): CancelAttempt {
  const socket = openConnection(checker);
  if (!(socket instanceof Socket)) {
    done(socket);
    return () => {};
  }
  const talk = new Talk(checker, conversation, socket, done);
  return () => talk.close();
}

class Talk {
  readonly #checker: CheckConnection & CheckTiming;
  readonly #conversation: Conversation;
  readonly #done: AttemptDone;
  readonly #socket: Socket;
  readonly #stepTimer: NodeJS.Timeout;
  readonly #wholeTimer: NodeJS.Timeout;
  #channel: Socket;
  #awaited = 'connection';
  #isClosed = false;

  constructor(
    checker: CheckConnection & CheckTiming,
    conversation: Conversation,
    socket: Socket,
    done: AttemptDone,
  ) {
    this.#checker = checker;
    this.#conversation = conversation;
    this.#done = done;
    this.#socket = socket;
    this.#channel = socket;
    const { connectTimeoutMs } = checker;
    this.#stepTimer = setTimeout(
      () => this.#fail(`no ${this.#awaited} from ${conversation.place} within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    const wholeMs = STEPS_MAX * connectTimeoutMs;
    this.#wholeTimer = setTimeout(
      () => this.#fail(`no complete ${this.#awaited} from ${conversation.place} within ${wholeMs} ms`),
      wholeMs,
    );
    socket.once('connect', () => (conversation.tls ? this.#secure(conversation.tls) : this.#open()));
    socket.on('error', error => this.#broken(error));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#stepTimer);
    clearTimeout(this.#wholeTimer);
    if (this.#channel !== this.#socket) this.#channel.destroy();
    closeConnection(this.#socket, this.#checker);
  }

  /** keepalived verifies no certificate. */
  #secure({ serverName, context }: TlsOpening): void {
    this.#step('TLS handshake');
    const channel = connectTls({
      socket: this.#socket,
      secureContext: context,
      rejectUnauthorized: false,
      ...(serverName !== undefined && { servername: serverName }),
    });
    this.#channel = channel;
    channel.on('error', error => this.#broken(error));
    channel.once('secureConnect', () => this.#open());
  }

  #open(): void {
    if (this.#isClosed) return;
    this.#step();
    const channel = this.#channel;
    if (this.#conversation.opening !== '') channel.write(this.#conversation.opening);
    channel.on('data', (chunk: Uint8Array) => this.#hear(chunk));
    channel.on('end', () => this.#end(this.#conversation.closed()));
  }

  #hear(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    const answer = this.#conversation.hear(chunk);
    if (typeof answer === 'string') this.#channel.write(answer);
    else if (answer) {
      this.#end(answer);
      return;
    }
    this.#step();
  }

  #step(awaited: string = this.#conversation.awaited()): void {
    this.#awaited = awaited;
    this.#stepTimer.refresh();
  }

  #broken(error: Error): void {
    const { place } = this.#conversation;
    if (this.#awaited === 'connection') this.#end(connectFailed(codeOf(error), placeOf(this.#checker)));
    else this.#fail(`${wordsOf(codeOf(error))} instead of ${this.#awaited} from ${place}`);
  }

  #fail(said: string): void {
    this.#end({ made: true, ok: false, said });
  }

  #end(end: AttemptEnd): void {
    if (this.#isClosed) return;
    this.close();
    this.#done(end);
  }
}
