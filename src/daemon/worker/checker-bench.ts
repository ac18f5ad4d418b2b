import type { Verdict } from '#check/ports.ts';
import type { CheckConnection, Checker, HttpUrl } from '#conf/model.ts';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checkers } from './checkers.ts';

/** What the test that runs has to take down. */
const ends: (() => void)[] = [];

/** For `afterEach`: takes down whatever a test has started here. */
export function endAll(): void {
  for (const end of ends.splice(0).toReversed()) end();
}

export const LOCALHOST = Uint8Array.of(127, 0, 0, 1);
/** Times of a checker under test: soon again. */
export const base = {
  position: { file: 'test', line: 1, column: 1 },
  alpha: true,
  connectTimeoutMs: 1000,
  retry: 0,
  delayBeforeRetryMs: 20,
  warmupMs: 0,
  delayLoopMs: 30,
  logAllFailures: false,
} as const;

/** A connection to loopback. */
export function connection(port: number, address: Uint8Array = LOCALHOST): CheckConnection {
  return {
    connect: { address, port },
    bindto: undefined,
    bindPort: undefined,
    bindIf: undefined,
    fwmark: undefined,
  };
}

/** Checkers whose clock runs ahead: every delay has passed when it is looked at. */
export function hurried(onVerdict: (id: number, verdict: Verdict, checkers: Checkers) => void): Checkers {
  let nowMs = 0;
  const tools = { nowMs: () => (nowMs += 2000), random: () => 0, warn: () => {}, log: () => {} };
  const checkers = new Checkers(tools, (id, verdict) => onVerdict(id, verdict, checkers));
  ends.push(() => checkers.close());
  return checkers;
}

/** The first verdict of a checker that starts at once. */
export async function firstVerdict(checker: Checker): Promise<Verdict> {
  return new Promise(resolve => {
    const checkers = hurried((_, verdict) => {
      checkers.close();
      resolve(verdict);
    });
    checkers.add(1, checker);
  });
}

/** Listens on a free port until the test ends; answers the port. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  ends.push(() => void server.close());
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** A TCP server on loopback; answers its port. */
export async function serve(onConnection: (socket: Socket) => void, host?: string): Promise<number> {
  const options = { allowHalfOpen: true };
  const server = createServer(options, socket => {
    socket.on('error', () => {});
    ends.push(() => void socket.destroy());
    onConnection(socket);
  });
  return listen(server, host);
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  return new Promise<number>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}

/** A certificate that signed itself, and its key, which `password` encrypts: paths. */
export function certificate(
  name: string,
  password?: string,
): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-tls-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const secret = password === undefined ? ['-nodes'] : ['-passout', `pass:${password}`];
  const out = ['-days', '1', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...curve, ...secret, ...out], { stdio: 'ignore' });
  return { key, cert };
}

/** An HTTP_GET of one url. */
export function http(
  port: number,
  url: Partial<HttpUrl> = {},
): Extract<Checker, { readonly fastRecovery: boolean }> {
  return {
    ...base,
    ...connection(port),
    kind: 'HTTP_GET',
    httpProtocol: '1.0',
    fastRecovery: true,
    enableSni: false,
    ssl: undefined,
    urls: [
      {
        path: '/',
        digest: undefined,
        statusCodes: [],
        virtualhost: undefined,
        regex: undefined,
        regexNoMatch: false,
        regexOptions: [],
        regexMinOffset: 0,
        regexMaxOffset: undefined,
        ...url,
      },
    ],
  };
}
