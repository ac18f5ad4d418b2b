import { familyOf, formatIp } from '#base/address.ts';
import type { Checker } from '#conf/model.ts';
import { type EchoSocket, openEchoSocket } from '#linux/echo-socket.ts';
import type { Result } from '#linux/ports.ts';
import { randomInt } from 'node:crypto';
import { type AttemptDone, type CancelAttempt, connectFailed } from './check-attempt.ts';

type PingChecker = Extract<Checker, { readonly kind: 'TCP_CHECK' | 'PING_CHECK' }>;

/** Echo requests under way. One socket serves all that are sent in the same way, however many there are. */
export class Pings {
  readonly #sockets = new Map<string, EchoSocket>();
  /** By sender and sequence number: what to do when the reply comes. */
  readonly #awaited = new Map<string, () => void>();
  readonly #id = randomInt(0x10000);
  #sequence = 0;

  /** PING_CHECK: an echo reply within `connect_timeout`. */
  attempt(checker: PingChecker, done: AttemptDone): CancelAttempt {
    const where = formatIp(checker.connect.address);
    const opened = this.#socketFor(checker);
    if (!opened.ok) {
      done(connectFailed(opened.failure.code, where));
      return () => {};
    }
    this.#sequence = (this.#sequence + 1) % 0x10000;
    const key = keyOf(where, this.#sequence);
    const close = (): void => {
      clearTimeout(timer);
      this.#awaited.delete(key);
    };
    const timer = setTimeout(() => {
      close();
      const said = `no echo reply from ${where} within ${checker.connectTimeoutMs} ms`;
      done({ made: true, ok: false, said });
    }, checker.connectTimeoutMs);
    this.#awaited.set(key, () => {
      close();
      done({ made: true, ok: true, said: `echo reply from ${where}` });
    });
    const failure = opened.value.send(checker.connect.address, { id: this.#id, sequence: this.#sequence });
    if (failure) {
      close();
      done(connectFailed(failure.code, where));
    }
    return close;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #socketFor(checker: PingChecker): Result<EchoSocket> {
    const { bindto, bindIf, fwmark } = checker;
    const family = familyOf(checker.connect.address);
    const name = [family, bindto && formatIp(bindto), bindIf, fwmark].join(' ');
    const known = this.#sockets.get(name);
    if (known) return { ok: true, value: known };
    const opened = openEchoSocket(family, bindto, { bindIf, fwmark }, (sender, { id, sequence }) => {
      if (id === this.#id) this.#awaited.get(keyOf(sender, sequence))?.();
    });
    if (opened.ok) this.#sockets.set(name, opened.value);
    return opened;
  }
}

function keyOf(address: string, sequence: number): string {
  return `${address} ${sequence}`;
}
