import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { DIRECT_CLIENT, inside, REAL_SERVERS } from './segment.ts';

/** A download is this many chunks, one after each pause. */
const CHUNKS = 600;
const PAUSE_MS = 100;
const CHUNK_BYTES = 16 * 1024;

const chunk = (index: number): Buffer => Buffer.alloc(CHUNK_BYTES, index % 251);

/** What a whole download is. */
export const WHOLE = { bytes: CHUNKS * CHUNK_BYTES, sha256: hashOfAll() };

function hashOfAll(): string {
  const hash = createHash('sha256');
  for (let index = 0; index < CHUNKS; index++) hash.update(chunk(index));
  return hash.digest('hex');
}

export interface WebServers {
  readonly servers: readonly Server[];
  /** Names of real servers whose `/health` is 503. */
  readonly ill: Set<string>;
}

/** Web servers on the real servers: `/download` takes 60 s, other paths are answered with the server's name. */
export async function startWebServers(): Promise<WebServers> {
  const servers: Server[] = [];
  const ill = new Set<string>();
  for (const name of REAL_SERVERS)
    await inside(name, async () => {
      const server = createServer((request, response) => {
        response.setHeader('Connection', 'close').setHeader('X-Server', name);
        if (request.url !== '/download') {
          response.statusCode = request.url === '/health' && ill.has(name) ? 503 : 200;
          response.end(name);
          return;
        }
        response.setHeader('Content-Length', WHOLE.bytes).flushHeaders();
        let sent = 0;
        const startedAtMs = performance.now();
        const timer = setInterval(() => {
          // A timer that is late catches up.
          const due = Math.min(CHUNKS, Math.floor((performance.now() - startedAtMs) / PAUSE_MS));
          while (sent < due) response.write(chunk(sent++));
          if (sent === CHUNKS) response.end();
        }, PAUSE_MS);
        response.on('close', () => clearInterval(timer));
      });
      server.listen(80, '::');
      await once(server, 'listening');
      servers.push(server);
    });
  return { servers, ill };
}

/** A connection of the client, which a real server answers directly. */
export async function connectTo(host: string): Promise<Socket> {
  return await inside('client', async () => {
    const socket = connect({ host, port: 80, localAddress: DIRECT_CLIENT });
    await once(socket, 'connect');
    return socket;
  });
}

/** The name of the real server that answers. */
export async function askName(host: string): Promise<string> {
  const socket = await connectTo(host);
  socket.setTimeout(5000, () => socket.destroy(new Error(`no answer from ${host} within 5 s`)));
  socket.write('GET / HTTP/1.0\r\n\r\n');
  let text = '';
  for await (const part of socket) text += String(part);
  return text.split('\r\n\r\n')[1] ?? '';
}

/** One download over one connection, and how it goes. */
export class Download {
  /** The real server that serves it. */
  readonly server: string;
  /** Settles when it has ended: its length and hash. */
  readonly result: Promise<typeof WHOLE>;
  bytes = 0;
  /** Milliseconds without a byte: the longest pause since it was last reset. */
  longestStallMs = 0;
  #lastAtMs = performance.now();

  private constructor(server: string, body: AsyncIterable<Buffer>) {
    this.server = server;
    this.result = this.#read(body);
    // It is awaited later than it may fail.
    this.result.catch(() => {});
  }

  static async start(host: string): Promise<Download> {
    const socket = await connectTo(host);
    const request = get({ path: '/download', createConnection: () => socket });
    const [response] = (await once(request, 'response')) as [
      AsyncIterable<Buffer> & { headers: NodeJS.Dict<string> },
    ];
    return new Download(response.headers['x-server'] ?? '', response);
  }

  async #read(body: AsyncIterable<Buffer>): Promise<typeof WHOLE> {
    const hash = createHash('sha256');
    for await (const part of body) {
      const nowMs = performance.now();
      this.longestStallMs = Math.max(this.longestStallMs, nowMs - this.#lastAtMs);
      this.#lastAtMs = nowMs;
      this.bytes += part.length;
      hash.update(part);
    }
    return { bytes: this.bytes, sha256: hash.digest('hex') };
  }
}
