/** HTTP requests from a lab's controller at a steady rate, each over a connection of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { must } from '#base/assert.ts';
import type { Lab } from '#lab/lab.ts';

export interface Requested {
  readonly sent: number;
  /** What became of those that got no 200, one sentence each. */
  readonly failed: readonly string[];
  /** Answers by their first line, of all and of the last second. */
  readonly answers: Readonly<Record<string, number>>;
  readonly lately: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

// By the clock and not by the timer: what a busy machine delays is made up for. One process, as starting one may cost much.
const CLIENT = `
const http = require('node:http');
const [urls, perSecond] = [process.argv[1].split(' '), Number(process.argv[2])];
const startedAt = performance.now();
const done = { sent: 0, failed: [], answers: {}, open: 0 };
let recent = [];
function ask() {
  const url = urls[done.sent++ % urls.length];
  const at = performance.now();
  let over = false;
  done.open++;
  const end = (failure, body) => {
    if (over) return;
    over = true;
    done.open--;
    if (failure) done.failed.push(url + ' at ' + Math.round(at - startedAt) + ' ms: ' + failure);
    else {
      done.answers[body] = (done.answers[body] ?? 0) + 1;
      recent.push([performance.now(), body]);
      if (recent.length > 1000) recent = recent.slice(-500);
    }
  };
  const request = http.get(url, { agent: false, timeout: 20000 }, response => {
    let body = '';
    response.on('data', chunk => (body += chunk));
    response.on('end', () => end(response.statusCode === 200 ? '' : 'status ' + response.statusCode, body.split('\\n')[0]));
    response.on('error', error => end(String(error)));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 20 s')));
  request.on('error', error => end(String(error)));
}
const timer = setInterval(() => {
  while (done.sent < ((performance.now() - startedAt) / 1000) * perSecond) ask();
}, 1000 / perSecond);
console.log('started');
process.stdin.on('end', () => {
  clearInterval(timer);
  const elapsedMs = performance.now() - startedAt;
  const finish = setInterval(() => {
    if (done.open > 0) return;
    clearInterval(finish);
    const lately = {};
    for (const [at, body] of recent) if (at - startedAt > elapsedMs - 1000) lately[body] = (lately[body] ?? 0) + 1;
    const { sent, failed, answers } = done;
    console.log(JSON.stringify({ sent, failed, answers, lately, elapsedMs }));
  }, 20);
}).resume();
`;

/** Asks `urls` in turn, `perSecond` requests each second, until the function that comes back is called. */
export async function requests(
  lab: Lab,
  urls: readonly string[],
  perSecond: number,
): Promise<() => Promise<Requested>> {
  const argv = [process.execPath, '-e', CLIENT, urls.join(' '), String(perSecond)];
  const [file, ...rest] = lab.controllerArgv(argv);
  const child = spawn(must(file, 'an argv'), rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await Promise.race([once(child.stdout, 'data'), ended]);
  return async () => {
    child.stdin.end();
    await ended;
    return JSON.parse(output.split('\n')[1] ?? '') as Requested;
  };
}
