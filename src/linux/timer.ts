import { assert } from '#base/assert.ts';
import type { Native } from './native.ts';
import { Descriptor } from './descriptor.ts';
import type { DeadlineTimer } from './ports.ts';

/**
 * One timer at an absolute deadline: a timerfd on the event loop's poll path, which fires within tens of microseconds
 * where setTimeout rounds to milliseconds.
 */
export class TimerfdTimer implements DeadlineTimer {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #onDeadline: () => void;
  #armed = false;

  constructor(native: Native, onDeadline: () => void) {
    this.#native = native;
    this.#onDeadline = onDeadline;
    const fd = native.timerCreate();
    assert(fd >= 0, `timerfd_create answered ${fd}`);
    this.#descriptor = new Descriptor(native, fd);
    const failure = this.#descriptor.poll(() => this.#fire());
    assert(!failure, `a timer cannot be polled: ${failure?.message}`);
  }

  arm(atMs: number): void {
    assert(!Number.isNaN(atMs), 'a deadline that is not a number');
    this.#armed = true;
    this.#native.timerSet(this.#descriptor.fd, Math.max(0, atMs));
  }

  disarm(): void {
    this.#armed = false;
    this.#native.timerSet(this.#descriptor.fd, -1);
  }

  close(): void {
    this.#descriptor.close();
  }

  #fire(): void {
    this.#armed = false;
    try {
      this.#onDeadline();
    } finally {
      // Setting the timer is what clears readability; a callback that armed it again has done so.
      if (!this.#armed && !this.#descriptor.closed) this.disarm();
    }
  }
}
