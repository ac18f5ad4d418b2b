import { messageOf } from '#base/errors.ts';
import { resolveAccount } from './accounts.ts';
import { runScript } from './run-script.ts';

/** A notification script that hangs holds up the next one of its queue no longer than this; it is not ended. */
const PATIENCE_MS = 30_000;

/** Notifications of one queue that wait; the oldest is dropped beyond. */
const WAITING_MAX = 1000;

export interface Notification {
  readonly user: string;
  readonly group: string;
  readonly argv: readonly string[];
}

interface Queue {
  readonly waiting: Notification[];
  running: boolean;
}

/** Runs notification scripts, one after the other within a queue (an instance or a sync group), in the order of arrival. */
export class Notifications {
  readonly #queues = new Map<string, Queue>();
  readonly #warn: (line: string) => void;
  #onIdle: (() => void) | undefined;

  constructor(warn: (line: string) => void) {
    this.#warn = warn;
  }

  add(queueName: string, notification: Notification): void {
    let queue = this.#queues.get(queueName);
    if (!queue) {
      queue = { waiting: [], running: false };
      this.#queues.set(queueName, queue);
    }
    if (queue.waiting.length >= WAITING_MAX) {
      const dropped = queue.waiting.shift();
      this.#warn(
        `(${queueName}) dropped the notification ${dropped?.argv.join(' ')}: ${WAITING_MAX} are waiting`,
      );
    }
    queue.waiting.push(notification);
    if (!queue.running) this.#next(queueName, queue);
  }

  /** Calls `onIdle` once nothing runs or waits any more. */
  whenIdle(onIdle: () => void): void {
    if (this.#queues.size === 0) onIdle();
    else this.#onIdle = onIdle;
  }

  #next(queueName: string, queue: Queue): void {
    const notification = queue.waiting.shift();
    if (!notification) {
      this.#queues.delete(queueName);
      if (this.#queues.size === 0) this.#onIdle?.();
      return;
    }
    queue.running = true;
    let gaveWay = false;
    const giveWay = (): void => {
      if (gaveWay) return;
      gaveWay = true;
      clearTimeout(patience);
      queue.running = false;
      this.#next(queueName, queue);
    };
    const shown = notification.argv.join(' ');
    const patience = setTimeout(() => {
      this.#warn(
        `(${queueName}) ${shown} still runs after ${PATIENCE_MS} ms; the next notification goes ahead`,
      );
      giveWay();
    }, PATIENCE_MS);
    try {
      const account = resolveAccount(notification.user, notification.group);
      runScript(notification.argv, account, undefined, exit => {
        if (exit.code !== 0) this.#warn(`(${queueName}) ${shown} ${exit.said}`);
        giveWay();
      });
    } catch (error) {
      this.#warn(`(${queueName}) ${shown}: ${messageOf(error)}`);
      giveWay();
    }
  }
}
