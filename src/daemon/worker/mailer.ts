import { messageOf } from '#base/errors.ts';

/** One mail and the way to its server. */
export interface Mail {
  readonly server: string;
  readonly port: number;
  /** Empty: the host's name. */
  readonly heloName: string;
  readonly connectTimeoutMs: number;
  /** Empty: keepalived@HOST. */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** How patient and how fast the mailer is; times in ms. */
export interface MailerPace {
  /** Pause after a failure; it doubles. */
  readonly retryFirstMs: number;
  /** A mail that has been tried this often is given up. */
  readonly triesMax: number;
  /** No more than this many mails within `windowMs`: an instance that flaps must not flood anybody. */
  readonly perWindow: number;
  readonly windowMs: number;
  /** Mails that wait; the oldest is dropped beyond. */
  readonly waitingMax: number;
}

/** Tried for five minutes: what a mail tells of is often what keeps it from leaving. */
const PACE: MailerPace = {
  retryFirstMs: 5000,
  triesMax: 7,
  perWindow: 20,
  windowMs: 60_000,
  waitingMax: 200,
};

/** Sends mails one after the other, in their order. */
export class Mailer {
  readonly #waiting: Mail[] = [];
  readonly #warn: (line: string) => void;
  readonly #send: (mail: Mail) => Promise<void>;
  readonly #pace: MailerPace;
  readonly #sentAtMs: number[] = [];
  #isBusy = false;
  #tries = 0;
  #pause: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(warn: (line: string) => void, send: (mail: Mail) => Promise<void> = sendLazily, pace = PACE) {
    this.#warn = warn;
    this.#send = send;
    this.#pace = pace;
  }

  add(mail: Mail): void {
    if (this.#waiting.length >= this.#pace.waitingMax) {
      // The first one may be under way.
      const [dropped] = this.#waiting.splice(this.#isBusy ? 1 : 0, 1);
      this.#warn(`dropped the mail "${dropped?.subject}": ${this.#pace.waitingMax} are waiting`);
    }
    this.#waiting.push(mail);
    this.#next();
  }

  /** Sends what waits, each once more and without pauses, then calls `onIdle`. */
  whenIdle(onIdle: () => void): void {
    this.#onIdle = onIdle;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || this.#pause) return;
    const [mail] = this.#waiting;
    if (!mail) {
      this.#onIdle?.();
      return;
    }
    const waitMs = this.#onIdle ? 0 : this.#windowFullForMs();
    if (waitMs > 0) this.#later(waitMs);
    else void this.#deliver(mail);
  }

  async #deliver(mail: Mail): Promise<void> {
    this.#isBusy = true;
    this.#tries++;
    let failure: string | undefined;
    try {
      await this.#send(mail);
      this.#sentAtMs.push(performance.now());
    } catch (error) {
      failure = messageOf(error);
    }
    this.#isBusy = false;
    const isLast = this.#tries >= this.#pace.triesMax || this.#onIdle !== undefined;
    if (failure !== undefined && !isLast) {
      const pauseMs = this.#pace.retryFirstMs * 2 ** (this.#tries - 1);
      this.#warn(
        `the mail "${mail.subject}" could not be sent: ${failure}; it is tried again in ${pauseMs} ms`,
      );
      this.#later(pauseMs);
      return;
    }
    if (failure !== undefined) this.#warn(`the mail "${mail.subject}" was not sent: ${failure}`);
    this.#waiting.shift();
    this.#tries = 0;
    this.#next();
  }

  #windowFullForMs(): number {
    const nowMs = performance.now();
    const { perWindow, windowMs } = this.#pace;
    while ((this.#sentAtMs[0] ?? nowMs) < nowMs - windowMs) this.#sentAtMs.shift();
    const [first] = this.#sentAtMs;
    return first !== undefined && this.#sentAtMs.length >= perWindow ? first + windowMs - nowMs + 1 : 0;
  }

  #later(afterMs: number): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#next();
    }, afterMs);
  }
}

/** Loaded with the first mail: most workers never send one. */
async function sendLazily(mail: Mail): Promise<void> {
  const { sendMail } = await import('./mail-transport.ts');
  await sendMail(mail);
}
