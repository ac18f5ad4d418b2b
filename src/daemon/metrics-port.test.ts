import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { Log } from './log.ts';
import { serveMetrics } from './metrics-port.ts';

const lines: string[] = [];
const log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
  lines.length = 0;
});

function listen(text: () => Promise<readonly string[]>): Promise<number> {
  return new Promise(resolve => open.push(serveMetrics(0, text, log, resolve)));
}

function ask(port: number, path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false }, response => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject).end();
  });
}

test('what a scraper asks for', async () => {
  const port = await listen(() => Promise.resolve(['keepalived_up 1\n', 'x 2\n']));
  expect(await ask(port, '/metrics')).toEqual({ status: 200, body: 'keepalived_up 1\nx 2\n' });
  expect(await ask(port, '/etc/passwd')).toMatchObject({ status: 404 });
  expect(await ask(port, '/metrics', 'POST')).toMatchObject({ status: 405 });
});

test('metrics that cannot be had are an error of the request, not of the daemon', async () => {
  const port = await listen(() => Promise.reject(new Error('the worker is silent')));
  expect(await ask(port, '/metrics')).toEqual({ status: 500, body: 'the worker is silent\n' });
});

test('a port that is taken is said', async () => {
  const port = await listen(() => Promise.resolve(['']));
  open.push(serveMetrics(port, () => Promise.resolve(['']), log));
  await expect.poll(() => lines.join()).toContain(`metrics are not served at 127.0.0.1:${port}`);
});
