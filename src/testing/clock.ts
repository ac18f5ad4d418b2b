/** Something to be run at a time of a {@link FakeClock}. */
export interface Appointment {
  readonly atMs: number;
  cancelled: boolean;
}

interface Entry extends Appointment {
  readonly order: number;
  readonly run: () => void;
}

/** So many appointments at one moment are a livelock: whoever makes them waits for a time that never comes. */
const AT_ONE_MOMENT_MAX = 1_000_000;

/** Time that passes only when told to. Appointments at the same time run in the order in which they were made. */
export class FakeClock {
  nowMs = 0;
  #order = 0;
  /** Binary heap, the earliest first. */
  readonly #heap: Entry[] = [];

  at(atMs: number, run: () => void): Appointment {
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run, cancelled: false };
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
    return entry;
  }

  after(delayMs: number, run: () => void): Appointment {
    return this.at(this.nowMs + delayMs, run);
  }

  /** Runs what is due until `untilMs`, which is then the time. Throws where time stands still. */
  runUntil(untilMs: number): void {
    let atThisMoment = 0;
    for (let next = this.#heap[0]; next && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#removeFirst();
      if (next.cancelled) continue;
      atThisMoment = next.atMs > this.nowMs ? 0 : atThisMoment + 1;
      if (atThisMoment > AT_ONE_MOMENT_MAX) throw new Error(`time stands still at ${this.nowMs} ms`);
      // What an earlier one has done may have taken its time.
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown();
  }

  #siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #siftDown(): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = right < this.#heap.length && this.#isEarlier(right, left) ? right : left;
      if (child >= this.#heap.length || !this.#swapIfEarlier(child, index)) return;
      index = child;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (!first || !second) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const first = this.#heap[child];
    const second = this.#heap[parent];
    if (!first || !second || !this.#isEarlier(child, parent)) return false;
    this.#heap[parent] = first;
    this.#heap[child] = second;
    return true;
  }
}
