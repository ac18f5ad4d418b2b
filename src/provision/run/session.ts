/**
 * One shell on a host for a whole run: programs go in on standard input, one after the other, and their answers come
 * back in frames. docs/decisions/0005-remote-session.md says why.
 */
import { randomBytes } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { messageOf, RemoteError } from '#base/errors.ts';
import { FrameParser, type Frame } from '#provision/model/frames.ts';
import { bytesOfProgram, LAUNCHER_ARGV, type Program } from '#provision/model/program.ts';
import type { Answers, Ask, Channel, Connection, HostAccess, Transport } from './ports.ts';

/** A fresh nonce: 128 random bits. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

/** How one program is run. */
export interface ProgramOptions {
  /** In the user's terms, for errors: `probe`, `run the handlers`. */
  readonly step: string;
  /** Without a byte in either direction for so long, milliseconds, the program is given up. */
  readonly silenceTimeoutMs: number;
  readonly onUpload?: (label: string, sent: number, total: number) => void;
  /** Called for each answer as it arrives. */
  readonly onAnswer?: (frame: Frame) => void;
}

/** What the remote printed outside of frames is kept for errors, the last so many bytes of it. */
const STDERR_BYTES_KEPT = 4096;

/** How long a shell may take to end after its input has. */
const CLOSE_PATIENCE_MS = 2000;

/** Why a session is of no more use. */
interface Breakage {
  readonly message: string;
  readonly unreachable: boolean;
}

interface Running {
  readonly parser: FrameParser;
  readonly answer: (frame: Frame) => void;
  readonly touch: () => void;
  readonly settle: (breakage: Breakage | undefined) => void;
}

/** Connects and starts the shell. Throws RemoteError. */
export async function openSession(transport: Transport, access: HostAccess, ask: Ask): Promise<Session> {
  const connection = await transport.connect(access);
  try {
    return await startShell(connection, access, ask);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function startShell(connection: Connection, access: HostAccess, ask: Ask): Promise<Session> {
  const host = access.name;
  if (connection.user === 'root')
    return new Session(host, connection, await connection.open(LAUNCHER_ARGV), false);
  if (!access.become) {
    const message = `${connection.user} is not root: set ansible_become, or ansible_user to root`;
    throw new RemoteError({ host, step: 'start the remote shell', message });
  }
  const about = `${connection.user}@${host}`;
  const password = access.become.password ?? (await sudoPassword(connection, about, host, ask));
  const sudo = password === undefined ? ['sudo', '-n'] : ['sudo', '-S', '-p', ''];
  const channel = await connection.open([...sudo, ...LAUNCHER_ARGV]);
  if (password !== undefined) channel.stdin.write(`${password.reveal()}\n`);
  return new Session(host, connection, channel, true);
}

/** Asks for sudo's password only where it wants one. */
async function sudoPassword(connection: Connection, about: string, host: string, ask: Ask): ReturnType<Ask> {
  const channel = await connection.open(['sudo', '-n', 'true']);
  channel.stdin.end();
  channel.stdout.resume();
  channel.stderr.resume();
  const { code } = await channel.ended;
  return code === 0 ? undefined : ask({ kind: 'become-password', host, about });
}

export class Session {
  readonly host: string;
  readonly transport: string;
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #sudo: boolean;
  #said = '';
  #running: Running | undefined;
  #broken: Breakage | undefined;
  #answered = false;

  constructor(host: string, connection: Connection, channel: Channel, sudo: boolean) {
    this.host = host;
    this.#sudo = sudo;
    this.transport = connection.transport;
    this.#connection = connection;
    this.#channel = channel;
    channel.stdout.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    channel.stderr.on('data', (chunk: Uint8Array) => {
      this.#said = (this.#said + Buffer.from(chunk).toString('utf8')).slice(-STDERR_BYTES_KEPT);
    });
    channel.stdin.on('error', () => undefined); // the channel's end says why
    void channel.ended.then(end => {
      const broken = end.lost !== undefined;
      const how = end.signal === undefined ? `with exit code ${end.code}` : `by signal ${end.signal}`;
      const message = broken ? `the connection was lost (${end.lost})` : `the remote shell ended ${how}`;
      this.#fail(message, broken);
    });
  }

  /** True once nothing more can be run. */
  get broken(): boolean {
    return this.#broken !== undefined;
  }

  /**
   * Sends a program and collects its answers; one program at a time. Throws RemoteError if the channel breaks, if the
   * program dies, or if it stays silent for too long; after that the session is of no more use. A fragment that fails
   * is not an error here: its frame says so.
   */
  async run(program: Program, options: ProgramOptions): Promise<Answers> {
    assert(!this.#running, 'a session runs one program at a time');
    if (this.#broken) throw this.#error(this.#broken, options.step);
    const answers = new Map<string, Frame>();
    const finished = this.#start(program, options, answers);
    // Both: a program may end before it has read everything, and a source may fail before the program ends.
    const [, breakage] = await Promise.all([this.#send(program, options), finished]);
    if (breakage) throw this.#error(breakage, options.step);
    return answers;
  }

  /** Resolves with what went wrong, once the program has ended or cannot any more. */
  #start(
    program: Program,
    options: ProgramOptions,
    answers: Map<string, Frame>,
  ): Promise<Breakage | undefined> {
    return new Promise(resolve => {
      const seconds = Math.round(options.silenceTimeoutMs / 1000);
      const timer = setTimeout(
        () => this.#giveUp(`no sign of life for ${seconds} s`),
        options.silenceTimeoutMs,
      );
      this.#running = {
        parser: new FrameParser(program.nonce),
        answer: frame => {
          answers.set(frame.id, frame);
          options.onAnswer?.(frame);
        },
        touch: () => timer.refresh(),
        settle: breakage => {
          clearTimeout(timer);
          this.#running = undefined;
          resolve(breakage);
        },
      };
    });
  }

  async #send(program: Program, options: ProgramOptions): Promise<void> {
    const { stdin } = this.#channel;
    try {
      for await (const chunk of bytesOfProgram(program, options.onUpload)) {
        if (this.#broken) return;
        const room = stdin.write(chunk);
        this.#running?.touch();
        if (!room)
          await Promise.race([new Promise(resolve => stdin.once('drain', resolve)), this.#channel.ended]);
        this.#running?.touch();
      }
    } catch (error) {
      this.#giveUp(`what was to be sent could not be read: ${messageOf(error)}`);
    }
  }

  #receive(chunk: Uint8Array): void {
    const running = this.#running;
    if (!running) return;
    running.touch();
    try {
      for (const frame of running.parser.push(chunk)) {
        this.#answered = true;
        if (frame.id !== 'end') running.answer(frame);
        else if (frame.exit === 0) running.settle(undefined);
        else this.#giveUp(`the program was cut short on the host (exit code ${frame.exit})`);
      }
    } catch (error) {
      this.#giveUp(`the host's answer makes no sense: ${messageOf(error)}`);
    }
  }

  /** Ends a session that has lost its place: nothing may be sent to it any more. */
  #giveUp(message: string): void {
    this.#fail(message, false);
    this.#channel.destroy();
  }

  #fail(message: string, unreachable: boolean): void {
    this.#broken ??= { message, unreachable };
    this.#running?.settle(this.#broken);
  }

  #error({ message, unreachable }: Breakage, step: string): RemoteError {
    const refused = this.#sudo && !this.#answered && !unreachable;
    const prefix = refused ? 'sudo gave no root shell (ansible_become_password, or a NOPASSWD rule): ' : '';
    return new RemoteError({
      host: this.host,
      step,
      message: prefix + message,
      said: this.#said,
      unreachable,
    });
  }

  /** Ends the shell and the connection; never throws. */
  async close(): Promise<void> {
    this.#channel.stdin.end();
    const patience = setTimeout(() => this.#channel.destroy(), CLOSE_PATIENCE_MS);
    await this.#channel.ended;
    clearTimeout(patience);
    await this.#connection.close();
  }
}
