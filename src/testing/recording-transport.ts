/** A transport to this machine's own /bin/sh: programs really run, and what was asked is kept. */
import { spawn } from 'node:child_process';
import { PassThrough, Transform, type TransformCallback } from 'node:stream';
import { RemoteError } from '#base/errors.ts';
import type { Channel, ChannelEnd, Connection, HostAccess, Transport } from '#provision/run/ports.ts';

/** What one host was asked. */
export interface Recording {
  connections: number;
  /** What was executed, in order. */
  readonly commands: (readonly string[])[];
  /** All that was written to the shells' standard input, as text. */
  sent: string;
}

export interface RecordingOptions {
  /** True for a host that cannot be reached now. */
  readonly unreachable?: (host: string) => boolean;
  /** The user that connections say they are; default `root`. */
  readonly user?: string;
  /** A host's working directory, for programs with relative paths; default this process's. */
  readonly directory?: (host: string) => string;
  /** A directory that stands before $PATH: fakes of systemctl, tandemd, sudo. */
  readonly commands?: (host: string) => string | undefined;
  /** Changes what goes to a host's shell, such as a program that is to die half-way. */
  readonly rewrite?: (host: string) => Transform | undefined;
}

/** Each channel is a process group of its own, as under sshd: `kill -9 0` in a program ends the whole session. */
export class RecordingTransport implements Transport {
  readonly recordings = new Map<string, Recording>();
  readonly #options: RecordingOptions;

  constructor(options: RecordingOptions = {}) {
    this.#options = options;
  }

  /** What `host` was asked so far. */
  of(host: string): Recording {
    let recording = this.recordings.get(host);
    if (!recording) {
      recording = { connections: 0, commands: [], sent: '' };
      this.recordings.set(host, recording);
    }
    return recording;
  }

  connect(access: HostAccess): Promise<Connection> {
    const { name } = access;
    const fields = { host: name, step: `connect to ${name}`, message: 'nobody there', unreachable: true };
    if (this.#options.unreachable?.(name) ?? false) return Promise.reject(new RemoteError(fields));
    const recording = this.of(name);
    recording.connections += 1;
    const channels = new Set<Channel>();
    return Promise.resolve({
      transport: 'local',
      user: this.#options.user ?? 'root',
      open: argv => {
        recording.commands.push(argv);
        const channel = this.#open(name, argv, recording);
        channels.add(channel);
        return Promise.resolve(channel);
      },
      close: async () => {
        for (const channel of channels) channel.destroy();
        await Promise.all([...channels].map(channel => channel.ended));
      },
    });
  }

  #open(host: string, argv: readonly string[], recording: Recording): Channel {
    const fakes = this.#options.commands?.(host);
    const path = `${fakes === undefined ? '' : `${fakes}:`}${process.env['PATH'] ?? ''}`;
    const shell = spawn('env', argv, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: this.#options.directory?.(host),
      env: { PATH: path, TANDEM_TEST_HOST: host },
    });
    const stdin = new PassThrough();
    const record = new Transform({
      transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
        recording.sent += chunk.toString('latin1');
        done(null, chunk);
      },
    });
    const rewrite = this.#options.rewrite?.(host);
    const rewritten = rewrite ? stdin.pipe(rewrite) : stdin;
    rewritten.pipe(record).pipe(shell.stdin);
    shell.stdin.on('error', () => undefined);
    const ended = new Promise<ChannelEnd>(resolve => {
      shell.once('close', (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    });
    const destroy = (): void => {
      stdin.destroy();
      try {
        if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
      } catch {
        // it has ended
      }
    };
    return { stdin, stdout: shell.stdout, stderr: shell.stderr, ended, destroy };
  }
}
