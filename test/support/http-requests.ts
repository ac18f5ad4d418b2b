/** `http-requests.ts URL MS`: requests URL every MS milliseconds until stdin ends; a line of JSON for each answer. */
import { get } from 'node:http';

const [url = '', intervalMs = '10'] = process.argv.slice(2);

const timer = setInterval(() => {
  const sentAtMs = Date.now();
  let told = false;
  const tell = (status: number, line: string): void => {
    if (told) return;
    told = true;
    process.stdout.write(`${JSON.stringify({ sentAtMs, endedAtMs: Date.now(), status, line })}\n`);
  };
  const request = get(url, { agent: false, timeout: 1000 }, response => {
    let body = '';
    response.on('data', (chunk: Buffer) => (body += chunk.toString()));
    response.on('end', () => tell(response.statusCode ?? 0, body.split('\n')[0] ?? ''));
    response.on('error', error => tell(0, error.message));
  });
  request.on('timeout', () => request.destroy(new Error('no answer within a second')));
  request.on('error', error => tell(0, error.message));
}, Number(intervalMs));

process.stdin.on('end', () => clearInterval(timer)).resume();
