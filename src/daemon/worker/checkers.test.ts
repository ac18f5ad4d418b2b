import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import {
  base,
  certificate,
  connection,
  endAll,
  firstVerdict,
  freePort,
  http,
  listen,
  LOCALHOST,
  serve,
} from './checker-bench.ts';

afterEach(endAll);

test('TCP_CHECK: a listener is up, a closed port is down', async () => {
  const port = await serve(socket => socket.resume());
  await expect(firstVerdict({ ...base, ...connection(port), kind: 'TCP_CHECK' })).resolves.toMatchObject({
    up: true,
  });
  const closed = await firstVerdict({ ...base, ...connection(await freePort()), kind: 'TCP_CHECK' });
  expect(closed).toMatchObject({ up: false });
  expect(closed.said).toContain('connection refused');
});

const OK = 'HTTP/1.0 200 OK\r\n\r\nhello';

test.each([
  ['status 200', OK, {}, true],
  ['status 503', 'HTTP/1.0 503 No\r\n\r\n', {}, false],
  ['the right digest', OK, { digest: createHash('md5').update('hello').digest('hex') }, true],
  ['the wrong digest', OK, { digest: '0'.repeat(32) }, false],
  ['a regex that matches', OK, { regex: 'h.l+o$' }, true],
  ['a regex that must not match', OK, { regex: 'hello', regexNoMatch: true }, false],
  ['garbage', 'what?\r\n\r\n', {}, false],
  ['nothing', '', {}, false],
])('HTTP_GET: %s', async (_, answer, url, up) => {
  const port = await serve(socket => socket.once('data', () => socket.end(answer)));
  await expect(firstVerdict(http(port, url))).resolves.toMatchObject({ up });
});

test('HTTP_GET: a body without end fails', async () => {
  const port = await serve(socket => {
    socket.write('HTTP/1.0 200 OK\r\n\r\n');
    const chunk = Buffer.alloc(1 << 20);
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more).once('data', more);
  });
  expect((await firstVerdict(http(port))).said).toContain('body of more than');
});

test('SMTP_CHECK: a dialogue', async () => {
  const port = await serve(socket => {
    socket.write('220-two\r\n220 lines\r\n');
    socket.on('data', data =>
      socket.write(data.toString().startsWith('HELO') ? '250 hi\r\n' : '221 bye\r\n'),
    );
  });
  await expect(
    firstVerdict({ ...base, ...connection(port), kind: 'SMTP_CHECK', heloName: undefined }),
  ).resolves.toMatchObject({ up: true });
});

const udp = {
  kind: 'UDP_CHECK',
  payload: undefined,
  requireReply: true,
  replyPattern: 'xx65',
  minReplyLength: 1,
  maxReplyLength: 255,
} as const;

test('UDP_CHECK and DNS_CHECK: replies', async () => {
  const server = createSocket('udp4');
  server.on('message', (message, { port }) => {
    if (message.length > 3 && message[5] === 1) message[2] = 0x80;
    server.send(message, port, '127.0.0.1');
  });
  await new Promise<void>(resolve => server.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address();
  await expect(firstVerdict({ ...base, ...connection(port), ...udp })).resolves.toMatchObject({ up: true });
  await expect(
    firstVerdict({ ...base, ...connection(port), kind: 'DNS_CHECK', type: 'SOA', name: '.' }),
  ).resolves.toMatchObject({ up: true });
});

test('UDP_CHECK: a port where nobody listens is down', async () => {
  const port = await freePort();
  const verdict = await firstVerdict({ ...base, ...connection(port), ...udp, requireReply: false });
  expect(verdict).toMatchObject({ up: false });
  expect(verdict.said).toContain('connection refused');
});

test('PING_CHECK: loopback answers', async () => {
  await expect(firstVerdict({ ...base, ...connection(0), kind: 'PING_CHECK' })).resolves.toMatchObject({
    up: true,
  });
});

test.each([
  ['exit 0', ['/bin/true'], true, undefined],
  ['exit 1', ['/bin/false'], false, undefined],
  ['exit 12 with misc_dynamic', ['/bin/sh', '-c', 'exit 12'], true, 10],
])('MISC_CHECK: %s', async (_, argv, up, weight) => {
  const { position } = base;
  const miscPath = { argv, user: '0', group: '0', position };
  await expect(
    firstVerdict({ ...base, kind: 'MISC_CHECK', miscPath, miscTimeoutMs: 5000, miscDynamic: true }),
  ).resolves.toMatchObject({ up, weight });
});

test('TCP_CHECK: a socket that is marked and bound to an interface', async () => {
  const port = await serve(socket => socket.resume());
  const marked = { ...connection(port), bindIf: 'lo', fwmark: 7, bindto: LOCALHOST };
  await expect(firstVerdict({ ...base, ...marked, kind: 'TCP_CHECK' })).resolves.toMatchObject({ up: true });
});

test.each([
  [true, true],
  [false, false],
])('SSL_GET: enable_sni %s, a server that answers by name: up %s', async (enableSni, up) => {
  const { key, cert } = certificate('web');
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, socket => {
    socket.on('error', () => {});
    const status = socket.servername === 'web.example' ? 200 : 421;
    socket.once('data', () => socket.end(`HTTP/1.1 ${status} Answer\r\nContent-Length: 0\r\n\r\n`));
  });
  const port = await listen(server);
  const checker = { ...http(port, { virtualhost: 'web.example' }), kind: 'SSL_GET', enableSni } as const;
  await expect(firstVerdict(checker)).resolves.toMatchObject({ up });
});
