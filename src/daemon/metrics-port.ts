import { createServer } from 'node:http';
import { messageOf } from '#base/errors.ts';
import type { Log } from './log.ts';

const LOOPBACK = '127.0.0.1';
/** A scraper is one client, and a slow one must not hold the daemon's memory. */
const CONNECTIONS_MAX = 8;
const REQUEST_TIMEOUT_MS = 5000;

/**
 * Serves the metrics at `http://127.0.0.1:PORT/metrics` (Prometheus text format 0.0.4), to this host alone. A port that
 * is taken is logged, and the daemon runs on. Port 0 takes a free one; `onListening` is told which.
 */
export function serveMetrics(
  port: number,
  text: () => Promise<readonly string[]>,
  log: Log,
  onListening: (port: number) => void = () => {},
): { close(): void } {
  const server = createServer((request, response) => {
    const isMetrics = request.url === '/metrics' || request.url === '/';
    if (!isMetrics || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(isMetrics ? 405 : 404).end();
      return;
    }
    text().then(
      pieces => {
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
        for (const piece of pieces) response.write(piece);
        response.end();
      },
      (error: unknown) => response.writeHead(500).end(`${messageOf(error)}\n`),
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.on('error', error =>
    log.error(`metrics are not served at ${LOOPBACK}:${port}: ${error.message}; see --metrics-port`),
  );
  server.listen(port, LOOPBACK, () => {
    const address = server.address();
    onListening(typeof address === 'object' && address ? address.port : port);
  });
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
