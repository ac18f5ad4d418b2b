import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askOnce, ControlClient } from './client.ts';
import { LineSplitter } from './lines.ts';
import { decodeReply, decodeRequest, encodeLine, REQUEST_BYTES_MAX } from './protocol.ts';
import { ControlServer, RawJson, Refusal, type RequestHandlers } from './server.ts';
import type { DaemonEvent, DaemonStatus } from './status.ts';

const status = { pid: 42, instances: [] } as unknown as DaemonStatus;
const event: DaemonEvent = { type: 'reload', atMs: 1, outcome: 'loaded' };

/** An array that is longer than what a socket takes at once, cut anywhere. */
const LONG = Array.from({ length: 40_000 }, (_, i) =>
  i === 0 ? '[{"name":"ü' : `","x":${i}},{"name":"`,
).concat('"}]');

const handlers: RequestHandlers = {
  status: () => status,
  servers: () => new RawJson(['{"virtualServers":', ...LONG, '}']),
  stats: () => ({ text: 'keepalived_up 1\n' }),
  explain: parameters => {
    throw new Refusal('no-such-instance', `no vrrp_instance ${String(parameters['instance'])}`);
  },
  handover: () => new Promise<never>(() => {}),
  reload: () => {
    throw new Error('disk gone');
  },
};

let folder = '';
let path = '';
let server: ControlServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-control-'));
  path = join(folder, 'control.sock');
  server = new ControlServer(handlers);
  await new Promise<void>((resolve, reject) => server.listen(path, resolve, reject));
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe('the control socket', () => {
  test('answers', async () => {
    expect(await askOnce(path, 'status', {})).toEqual(status);
    expect(await askOnce(path, 'stats', {})).toEqual({ text: 'keepalived_up 1\n' });
  });

  test('passes on what is JSON already, between other answers', async () => {
    const client = await ControlClient.connect(path);
    const [before, servers, after] = await Promise.all([
      client.ask('stats', {}),
      client.ask('servers', {}),
      client.ask('stats', {}),
    ]);
    expect(servers).toEqual({ virtualServers: JSON.parse(LONG.join('')) as unknown });
    expect([before, after]).toEqual([{ text: 'keepalived_up 1\n' }, { text: 'keepalived_up 1\n' }]);
    client.close();
  });

  test('hands a refusal and a failure to the client', async () => {
    await expect(askOnce(path, 'explain', { instance: 'X' })).rejects.toMatchObject({
      code: 'no-such-instance',
      message: 'no vrrp_instance X',
    });
    await expect(askOnce(path, 'reload', {})).rejects.toMatchObject({ code: 'failed', message: 'disk gone' });
  });

  test('a client does not wait for ever', async () => {
    const asked = askOnce(path, 'handover', { instance: 'X', timeoutMs: 1 }, 20);
    await expect(asked).rejects.toMatchObject({ code: 'timeout' });
  });

  test('nobody there', async () => {
    await expect(ControlClient.connect(join(folder, 'none'))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('a daemon that goes away fails what is under way', async () => {
    const asked = askOnce(path, 'handover', { instance: 'X', timeoutMs: 1 });
    const failure = asked.catch((error: unknown) => error);
    await askOnce(path, 'status', {});
    server.close();
    expect(await failure).toMatchObject({ code: 'unreachable' });
  });

  test('subscribers receive events after the answer', async () => {
    const client = await ControlClient.connect(path);
    const events: DaemonEvent[] = [];
    await client.subscribe(received => events.push(received));
    expect(server.hasSubscribers).toBe(true);
    server.publish(event);
    await vi.waitFor(() => expect(events).toEqual([event]));
    client.close();
    await vi.waitFor(() => expect(server.hasSubscribers).toBe(false));
  });

  test('drops a subscriber that does not read, and goes on serving', async () => {
    const slow = connect(path);
    slow.pause();
    slow.write(encodeLine({ v: 1, id: 1, ask: 'subscribe', parameters: {} }));
    await vi.waitFor(() => expect(server.hasSubscribers).toBe(true));
    const long: DaemonEvent = { ...event, type: 'worker', state: 'running' };
    for (let i = 0; i < 20_000 && server.hasSubscribers; i++) server.publish(long);
    await vi.waitFor(() => expect(server.hasSubscribers).toBe(false));
    expect(await askOnce(path, 'status', {})).toEqual(status);
    slow.destroy();
  });

  test('drops a client whose line never ends', async () => {
    const hostile = await opened();
    hostile.write('x'.repeat(REQUEST_BYTES_MAX + 1));
    await vi.waitFor(() => expect(hostile.closed).toBe(true));
  });

  test('says what is wrong with a line', async () => {
    const client = await opened();
    client.write('{"v":7,"id":3}\nhello\n');
    let text = '';
    client.on('data', chunk => (text += chunk.toString()));
    await vi.waitFor(() => expect(text.split('\n')).toHaveLength(3));
    expect(text).toContain('"id":3,"error":{"code":"wrong-version"');
    expect(text).toContain('not a JSON object');
    client.destroy();
  });
});

async function opened(): Promise<Socket> {
  const socket = connect(path);
  await new Promise(resolve => socket.once('connect', resolve));
  return socket;
}

describe('lines', () => {
  test('come out whole however they are cut', () => {
    const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 9 })), cuts, (texts, at) => {
        const wanted = texts.map(text => text.replaceAll('\n', ' '));
        const whole = Buffer.from(wanted.map(text => `${text}\n`).join(''));
        const splitter = new LineSplitter(10_000);
        const edges = [0, ...at.sort((a, b) => a - b), whole.length];
        const lines = edges
          .slice(1)
          .flatMap((end, i) => splitter.push(whole.subarray(edges[i], end)) ?? ['too long']);
        expect(lines).toEqual(wanted);
      }),
    );
  });

  test('hostile text is refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        expect('code' in decodeRequest(text)).toBe(true);
        expect(decodeReply(text)).toBeUndefined();
      }),
    );
  });
});
