import type { Duplex } from 'node:stream';
import { encodeWorkerRecord, type WorkerRecord } from '#wire/worker.ts';

/** The VRRP process replaces a worker that says nothing for ten times as long. */
const HEARTBEAT_MS = 1000;
const HEARTBEAT: WorkerRecord = { kind: 'heartbeat', id: 0, code: 0, strings: [] };

/** What the worker says to the VRRP process. */
export class ParentLink {
  readonly #socket: Duplex;
  #isCorked = false;
  #saidAtMs = -Infinity;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** What is said in one go is written in one go: thousands of verdicts may come at once. */
  send(record: WorkerRecord): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => this.#flush());
    }
    this.#socket.write(encodeWorkerRecord(record));
  }

  /** Says every second that we are alive, from now on. */
  keepAlive(): void {
    setInterval(() => this.send(HEARTBEAT), HEARTBEAT_MS);
  }

  /** For the middle of a long piece of work: says that we are alive if that is due, at once. */
  alive(): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidAtMs < HEARTBEAT_MS) return;
    this.#saidAtMs = nowMs;
    this.send(HEARTBEAT);
    this.#flush();
  }

  /** Ends the process when everything that was sent is on its way. */
  leave(): void {
    this.#socket.end(() => process.exit(0));
  }

  #flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }
}
