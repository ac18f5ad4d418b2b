/** What the machine's own sshd cannot easily be made to do: passwords, several factors, connections that break. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type AuthContext, type Connection as ServerConnection, type Server } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '#provision/model/program.ts';
import { Secret, sh } from '#provision/model/shell.ts';
import type { HostAccess, Question } from '#provision/run/ports.ts';
import { newNonce, openSession } from '#provision/run/session.ts';
import { createTransport } from '#provision/run/transport.ts';

let directory: string;
let server: Server | undefined;
const clients = new Set<ServerConnection>();
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-node-ssh-'));
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
});
afterEach(() => {
  for (const client of clients) client.end();
  clients.clear();
  server?.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Starts a server that judges logins by `authenticate` and does `onShell` when the launcher is to be started. */
async function serve(
  authenticate: (context: AuthContext) => void,
  onShell: (connection: ServerConnection) => void = connection => connection.end(),
): Promise<HostAccess> {
  const hostKey = readFileSync(join(directory, 'host'));
  const started = new ssh2.Server({ hostKeys: [hostKey] }, connection => {
    clients.add(connection);
    connection.on('error', () => undefined);
    connection.on('authentication', authenticate);
    connection.on('session', accept => {
      accept().on('exec', acceptExec => {
        acceptExec();
        onShell(connection);
      });
    });
  });
  server = started;
  await new Promise<void>(resolve => started.listen(0, '127.0.0.1', resolve));
  const { port } = started.address() as AddressInfo;
  const key = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(join(directory, 'known_hosts'), `[127.0.0.1]:${port} ${key}\n`);
  const config = `UserKnownHostsFile ${join(directory, 'known_hosts')}\nIdentityAgent none\nIdentityFile none\n`;
  writeFileSync(join(directory, 'config'), config);
  return { name: 'ka67', address: '127.0.0.1', port, user: 'root' };
}

const asked: Question[] = [];
async function open(access: HostAccess, answer?: string) {
  asked.length = 0;
  const transport = createTransport({
    configFile: join(directory, 'config'),
    ask: question => {
      asked.push(question);
      return Promise.resolve(answer === undefined ? undefined : new Secret(answer));
    },
  });
  return openSession(transport, access, () => Promise.resolve(undefined));
}

async function loggedIn(access: HostAccess): Promise<string> {
  const session = await open(access);
  await session.close();
  return session.transport;
}

const passwordIs =
  (password: string) =>
  (context: AuthContext): void => {
    if (context.method === 'password' && context.password === password) context.accept();
    else context.reject(['password']);
  };

describe('passwords', () => {
  test('the inventory’s', async () => {
    const access = await serve(passwordIs('sesame'));
    await (await open({ ...access, password: new Secret('sesame') })).close();
    expect(asked).toEqual([]);
  });

  test('the one that the user gives, only if the server takes passwords', async () => {
    const access = await serve(passwordIs('sesame'));
    await (await open(access, 'sesame')).close();
    expect(asked).toMatchObject([{ kind: 'password', host: 'ka67' }]);
    const keysOnly = await serve(context => context.reject(['publickey']));
    await expect(open(keysOnly, 'sesame')).rejects.toThrow(
      /root may not log in \(there was nothing to try\)/,
    );
    expect(asked).toEqual([]);
  });

  test('a wrong one is not in the error', async () => {
    const access = await serve(passwordIs('sesame'));
    const refused = open({ ...access, password: new Secret('wrong-one') });
    await expect(refused).rejects.toThrow(/root may not log in \(tried a password/);
    await expect(refused).rejects.not.toThrow(/wrong-one/);
    await expect(refused).rejects.toMatchObject({ unreachable: true });
  });

  test('keyboard-interactive', async () => {
    const access = await serve(context => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
      else
        context.prompt([{ prompt: 'Password: ', echo: false }], ([answer]) => {
          if (answer === 'sesame') context.accept();
          else context.reject();
        });
    });
    expect(await loggedIn({ ...access, password: new Secret('sesame') })).toBe('node-ssh');
  });

  test('a key and then a password', async () => {
    const access = await serve(context => {
      if (context.method === 'publickey') {
        if (context.signature) context.reject(['password'], true);
        else context.accept();
      } else if (context.method === 'password' && context.password === 'sesame') context.accept();
      else context.reject(['publickey', 'password']);
    });
    const keyed = { ...access, privateKeyFile: join(directory, 'user'), password: new Secret('sesame') };
    expect(await loggedIn(keyed)).toBe('node-ssh');
  });
});

describe('connections that break', () => {
  const program = () => assemble([{ id: 'a', fragment: sh`:` }], { nonce: newNonce(), run: 'all' });

  test('while a program runs: unreachable, with the step', async () => {
    const access = await serve(
      context => context.accept(),
      connection => setTimeout(() => connection.end(), 20),
    );
    const session = await open(access);
    const running = session.run(program(), { step: 'probe', silenceTimeoutMs: 5000 });
    await expect(running).rejects.toThrow(/^ka67: probe: the connection was lost/);
    await expect(running).rejects.toMatchObject({ unreachable: true });
    await session.close();
  });

  test('before the login', async () => {
    const slammed = createServer(socket => socket.destroy());
    await new Promise<void>(resolve => slammed.listen(0, '127.0.0.1', resolve));
    await serve(() => undefined);
    const refused = open({
      name: 'ka67',
      address: '127.0.0.1',
      port: (slammed.address() as AddressInfo).port,
    });
    await expect(refused).rejects.toMatchObject({ unreachable: true, host: 'ka67' });
    slammed.close();
  });

  test('a server that is not SSH', async () => {
    const web = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve));
    await serve(() => undefined);
    const refused = open({ name: 'ka67', address: '127.0.0.1', port: (web.address() as AddressInfo).port });
    await expect(refused).rejects.toMatchObject({ unreachable: true });
    web.close();
  });
});
