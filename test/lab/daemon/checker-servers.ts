import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that checkers look at, and that can be taken away. */
export interface Checked {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The address that PING_CHECK pings. */
export const PINGED = '192.0.2.77';

const LISTEN_MS = 15_000;
const POLL_MS = 20;

/** Debian's servers on loopback of this network namespace, an address, and files; what they need is in `folder`. */
export function checkedServers(folder: string): readonly Checked[] {
  const [nginxConf, good, number] = ['nginx.conf', 'good', 'number'].map(name => join(folder, name));
  for (const name of ['server', 'client']) makeCertificate(folder, name);
  writeFileSync(nginxConf ?? '', nginxText(folder));
  return [
    new Server(['nginx', '-e', 'stderr', '-c', nginxConf ?? ''], 'tcp', [8080, 8443, 9443]),
    new Server(DNSMASQ, 'udp', [5353]),
    new Server(['aiosmtpd', '-n', '-l', '127.0.0.1:2525'], 'tcp', [2525]),
    immediate(
      () => void execFileSync('ip', ['address', 'add', `${PINGED}/32`, 'dev', 'lo']),
      () => void execFileSync('ip', ['address', 'del', `${PINGED}/32`, 'dev', 'lo']),
    ),
    immediate(
      () => writeFileSync(good ?? '', ''),
      () => rmSync(good ?? ''),
    ),
    immediate(
      () => writeFileSync(number ?? '', '0\n'),
      () => writeFileSync(number ?? '', '1\n'),
    ),
  ];
}

const DNSMASQ = (
  'dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= ' +
  '--log-facility=- --listen-address=127.0.0.1 --bind-interfaces --port=5353 --local=/example/ ' +
  '--host-record=www.example,192.0.2.1'
).split(' ');

/** A page that says the name in the TLS handshake; and one for those who show the client certificate. */
function nginxText(folder: string): string {
  const tls = `ssl_certificate ${folder}/server.pem; ssl_certificate_key ${folder}/server.key;`;
  const trust = `ssl_client_certificate ${folder}/client.pem; ssl_verify_client on;`;
  return `daemon off; master_process off; pid ${folder}/nginx.pid; events {}
http {
  access_log off;
  server { listen 127.0.0.1:8080; location / { return 200 "plain text"; } location /gone { return 503; } }
  server { listen 127.0.0.1:8443 ssl; ${tls} location / { return 200 "sni=$ssl_server_name"; } }
  server { listen 127.0.0.1:9443 ssl; ${tls} ${trust} location / { return 200 "$ssl_client_s_dn"; } }
}
`;
}

/** `name`.pem, and `name`.key, encrypted with `sesame` for the client. */
function makeCertificate(folder: string, name: string): void {
  const secret = name === 'client' ? ['-passout', 'pass:sesame'] : ['-nodes'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '1', '-subj', `/CN=${name}`];
  const out = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', ...kind, ...secret, ...out], { stdio: 'ignore' });
}

function immediate(start: () => void, stop: () => void): Checked {
  return { start: async () => Promise.resolve(start()), stop: async () => Promise.resolve(stop()) };
}

class Server implements Checked {
  readonly #argv: readonly string[];
  readonly #protocol: 'tcp' | 'udp';
  readonly #ports: readonly number[];
  #process: ChildProcess | undefined;

  constructor(argv: readonly string[], protocol: 'tcp' | 'udp', ports: readonly number[]) {
    this.#argv = argv;
    this.#protocol = protocol;
    this.#ports = ports;
  }

  /** Returns when it listens. */
  async start(): Promise<void> {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...this.#argv], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#process = child;
    for (let waitedMs = 0; !this.#ports.every(port => listens(this.#protocol, port)); waitedMs += POLL_MS) {
      if (child.exitCode !== null || waitedMs > LISTEN_MS)
        throw new Error(`${this.#argv[0]} does not listen`);
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

/** Whether a socket is open for that port, in state LISTEN (TCP) or unconnected (UDP). */
function listens(protocol: 'tcp' | 'udp', port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const state = protocol === 'tcp' ? '0A' : '07';
  return readFileSync(`/proc/self/net/${protocol}`, 'utf8').includes(`:${hex} 00000000:0000 ${state}`);
}
