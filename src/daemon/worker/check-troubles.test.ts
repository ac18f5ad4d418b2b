import type { Verdict } from '#check/ports.ts';
import { SecretBytes } from '#conf/secret.ts';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { forgetTlsIdentities } from './check-tls.ts';
import {
  base,
  certificate,
  connection,
  endAll,
  firstVerdict,
  freePort,
  http,
  hurried,
  listen,
  serve,
} from './checker-bench.ts';

afterEach(endAll);

const LOCALHOST_6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const WAIT = { timeout: 5000, interval: 5 };
const HEAD = 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n';

function trickle(socket: Socket): void {
  socket.write(HEAD.replace('5', '5000'));
  const timer = setInterval(() => socket.write('x'), 10);
  socket.on('close', () => clearInterval(timer));
}

test.each<[string, (socket: Socket) => void, string]>([
  ['says nothing', socket => socket.resume(), 'no HTTP answer from'],
  ['stops within the body', socket => socket.resume().write(`${HEAD}hel`), 'no HTTP body from'],
  ['never ends its body', trickle, 'no complete HTTP body from'],
  ['resets', socket => socket.once('data', () => socket.resetAndDestroy()), 'connection reset'],
  ['closes its side at once', socket => socket.resume().end(), 'no HTTP answer from'],
])('HTTP_GET: a server that %s is down', async (_, onConnection, words) => {
  const port = await serve(onConnection);
  // The server shares this thread: it must get a turn well within the time.
  const verdict = await firstVerdict({ ...http(port), connectTimeoutMs: 400 });
  expect(verdict).toMatchObject({ up: false });
  expect(verdict.said).toContain(words);
});

test('HTTP_GET: an answer counts although the server keeps its connection', async () => {
  const port = await serve(socket => socket.once('data', () => socket.write(`${HEAD}hello`)));
  await expect(firstVerdict(http(port, { regex: '^hello$' }))).resolves.toMatchObject({ up: true });
});

test('HTTP_GET: over IPv6, with the address in brackets', async () => {
  let request = '';
  const port = await serve(socket => {
    socket.once('data', data => {
      request = data.toString();
      socket.end(`${HEAD}hello`);
    });
  }, '::1');
  const verdict = await firstVerdict({ ...http(port), ...connection(port, LOCALHOST_6) });
  expect(verdict).toMatchObject({ up: true });
  expect(request).toContain(`\r\nHost: [::1]:${port}\r\n`);
});

test('HTTP_GET: a regex that tries without end is a failure, soon', async () => {
  const body = `${'a'.repeat(64)}!`;
  const port = await serve(socket => socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`)));
  const verdict = await firstVerdict(http(port, { regex: '(a+)+$' }));
  expect(verdict).toMatchObject({ up: false });
  expect(verdict.said).toContain('too hard a match of (a+)+$');
});

test('bind_port: check after check from the same port', async () => {
  const bindPort = await freePort();
  const ports: (number | undefined)[] = [];
  const port = await serve(socket => {
    ports.push(socket.remotePort);
    socket.once('data', () => socket.end(`${HEAD}hello`));
  });
  const checkers = hurried(() => {});
  checkers.add(1, { ...http(port), bindPort });
  await vi.waitFor(() => expect(checkers.status(1)?.attempts).toBeGreaterThan(4), WAIT);
  expect(checkers.status(1)).toMatchObject({ up: true, failures: 0 });
  expect(new Set(ports)).toEqual(new Set([bindPort]));
});

test('a suspended checker makes no attempts, and goes on afterwards', async () => {
  const port = await serve(socket => socket.resume().end());
  const checkers = hurried(() => {});
  checkers.add(1, { ...base, ...connection(port), kind: 'TCP_CHECK' });
  const attempts = (): number => checkers.status(1)?.attempts ?? 0;
  await vi.waitFor(() => expect(attempts()).toBeGreaterThan(2), WAIT);
  checkers.suspend(1, true);
  const before = attempts();
  await new Promise(resolve => setTimeout(resolve, 100));
  // One was under way.
  expect(attempts()).toBeLessThanOrEqual(before + 1);
  checkers.suspend(1, false);
  await vi.waitFor(() => expect(attempts()).toBeGreaterThan(before + 2), WAIT);
});

test('a verdict that goes on is not told again; a failure then needs its retries', async () => {
  const told: boolean[] = [];
  const initial: Verdict = { up: true, weight: undefined, weightAdded: 0, said: '' };
  const checkers = hurried((id, verdict) => {
    told.push(verdict.up);
    expect(checkers.status(id)?.failures).toBe(3);
    checkers.remove(id);
  });
  const port = await freePort();
  checkers.add(1, { ...base, ...connection(port), retry: 2, kind: 'TCP_CHECK' }, initial);
  await vi.waitFor(() => expect(told).toEqual([false]), WAIT);
  const open = await serve(socket => socket.resume().end());
  checkers.add(2, { ...base, ...connection(open), kind: 'TCP_CHECK' }, initial);
  await vi.waitFor(() => expect(checkers.status(2)?.attempts).toBeGreaterThan(2), WAIT);
  expect(told).toEqual([false]);
});

test('FILE_CHECK: the number in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-file-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'load');
  writeFileSync(file, '3\n');
  const told: Verdict[] = [];
  const checkers = hurried((_, verdict) => told.push(verdict));
  const common = { ...base, trackFile: 'load', file, reverse: false, dynamic: false } as const;
  checkers.add(1, { ...common, kind: 'FILE_CHECK', weight: -2 });
  await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ up: true, weightAdded: -6 }), WAIT);
  writeFileSync(file, '1\n');
  await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ up: true, weightAdded: -2 }), WAIT);
  checkers.add(1, { ...common, kind: 'FILE_CHECK', weight: 0 });
  await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ up: false, weightAdded: 0 }), WAIT);
});

/** Opens files until there is no descriptor left, checks, closes them, and checks on. */
const STARVED = `
  import { closeSync, openSync } from 'node:fs';
  import { Checkers } from '#daemon/worker/checkers.ts';
  const tools = { nowMs: () => performance.now() * 50, random: () => 0, warn: () => {}, log: () => {} };
  const taken = [];
  let wasStarved = false;
  const checkers = new Checkers(tools, (id, { up }) => {
    console.log(JSON.stringify({ up, wasStarved }));
    process.exit(0);
  });
  checkers.add(1, JSON.parse(process.argv[1], (key, value) => (key === 'address' ? Uint8Array.from(value) : value)));
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {}
  const timer = setInterval(() => {
    if (!checkers.status(1).said.includes('too many open files')) return;
    wasStarved = true;
    clearInterval(timer);
    taken.forEach(closeSync);
  }, 5);
`;

test('a process without descriptors survives, and says nothing about the server', async () => {
  const port = await serve(socket => socket.resume().end());
  const checker = { ...base, ...connection(port), kind: 'TCP_CHECK' };
  const text = JSON.stringify(checker, (_, value: unknown) =>
    value instanceof Uint8Array ? [...value] : value,
  );
  const limited = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module'];
  const output = await new Promise<string>((resolve, reject) => {
    execFile('sh', [...limited, '-e', STARVED, text], { timeout: 15_000 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  expect(JSON.parse(output)).toEqual({ up: true, wasStarved: true });
});

test.each([
  ['the right password', 'open sesame', true, 'HTTP status 200'],
  ['the wrong password', 'guess', false, 'could not be checked: SSL: '],
])('SSL_GET: a client certificate, with %s', async (_, password, up, words) => {
  const server = certificate('server');
  const client = certificate('client', 'open sesame');
  const options = { key: readFileSync(server.key), cert: readFileSync(server.cert) };
  const asking = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(client.cert) };
  const port = await listen(
    createTlsServer({ ...options, ...asking }, socket => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(`${HEAD}hello`));
    }),
  );
  const ssl = {
    certificate: client.cert,
    key: client.key,
    ca: client.cert,
    password: new SecretBytes(Buffer.from(password)),
  };
  const checkers = hurried(() => {});
  checkers.add(1, { ...http(port), kind: 'SSL_GET', ssl });
  checkers.add(2, { ...http(port), kind: 'SSL_GET', connectTimeoutMs: 5000 });
  await vi.waitFor(() => {
    expect(checkers.status(1)).toMatchObject({ up });
    expect(checkers.status(1)?.said).toContain(words);
    expect(checkers.status(2)?.attempts).toBeGreaterThan(0);
  }, WAIT);
  expect(checkers.status(1)?.said).not.toContain(password);
  expect(checkers.status(2)).toMatchObject({ up: false });
});

test('SSL_GET: a certificate that was renewed in place is used after a reload', async () => {
  const server = certificate('server');
  const [old, renewed] = [certificate('old'), certificate('renewed')];
  const folder = mkdtempSync(join(tmpdir(), 'tandem-renewed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const client = { certificate: join(folder, 'cert'), key: join(folder, 'key') };
  const install = (from: { readonly key: string; readonly cert: string }): void => {
    writeFileSync(client.certificate, readFileSync(from.cert));
    writeFileSync(client.key, readFileSync(from.key));
  };
  const names = new Set<unknown>();
  const options = { key: readFileSync(server.key), cert: readFileSync(server.cert), requestCert: true };
  const port = await listen(
    createTlsServer({ ...options, rejectUnauthorized: false }, socket => {
      names.add(socket.getPeerCertificate().subject.CN);
      socket.on('error', () => {}).once('data', () => socket.end(`${HEAD}hello`));
    }),
  );
  install(old);
  const checkers = hurried(() => {});
  checkers.add(1, { ...http(port), kind: 'SSL_GET', ssl: { ...client, ca: undefined, password: undefined } });
  await vi.waitFor(() => expect([...names]).toEqual(['old']), WAIT);
  install(renewed);
  names.clear();
  forgetTlsIdentities();
  await vi.waitFor(() => expect([...names]).toContain('renewed'), WAIT);
});
