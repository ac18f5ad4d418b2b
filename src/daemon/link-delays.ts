import type { InterfaceDelay } from '#conf/model.ts';
import type { DeadlineTimer, Kernel } from '#linux/ports.ts';

interface Pending {
  readonly up: boolean;
  readonly timer: DeadlineTimer;
}

/** `interface_up_down_delays`: a link that comes or goes is believed only when it has stayed so for its delay. */
export class LinkDelays {
  readonly #kernel: Pick<Kernel, 'timer' | 'nowMs'>;
  readonly #told = new Map<string, boolean>();
  readonly #pending = new Map<string, Pending>();
  #delays = new Map<string, InterfaceDelay>();

  constructor(kernel: Pick<Kernel, 'timer' | 'nowMs'>, delays: readonly InterfaceDelay[]) {
    this.#kernel = kernel;
    this.configure(delays);
  }

  /** Takes other delays; what is waited for already keeps its own. */
  configure(delays: readonly InterfaceDelay[]): void {
    this.#delays = new Map(delays.map(each => [each.interface, each]));
  }

  /** Calls `tell`, now or when the state has lasted; the first state of an interface is told at once. */
  settle(name: string, up: boolean, tell: (up: boolean) => void): void {
    const delay = this.#delays.get(name);
    const before = this.#told.get(name);
    const delayMs = (up ? delay?.upDelayMs : delay?.downDelayMs) ?? 0;
    if (before === undefined || before === up || delayMs === 0) {
      this.#cancel(name);
      this.#told.set(name, up);
      tell(up);
      return;
    }
    if (this.#pending.has(name)) return;
    const timer = this.#kernel.timer(() => {
      this.#cancel(name);
      this.#told.set(name, up);
      tell(up);
    });
    this.#pending.set(name, { up, timer });
    timer.arm(this.#kernel.nowMs() + delayMs);
  }

  /** The interface is gone: that is never waited for. */
  forget(name: string): void {
    this.#cancel(name);
    this.#told.delete(name);
  }

  close(): void {
    for (const name of this.#pending.keys()) this.#cancel(name);
  }

  #cancel(name: string): void {
    this.#pending.get(name)?.timer.close();
    this.#pending.delete(name);
  }
}
