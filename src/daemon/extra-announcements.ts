import type { VirtualAddress } from '#conf/model.ts';
import type { DeadlineTimer, Kernel } from '#linux/ports.ts';
import { isMaster } from '#vrrp/mastership.ts';
import { NEVER, type VirtualRouter } from '#vrrp/state.ts';

/**
 * `garp_extra_if`: a MASTER announces its VIPs again and again on interfaces that carry no adverts of it, so that
 * switches do not forget where they are. Without `all` these are macvlans only.
 */
export class ExtraAnnouncements {
  readonly #kernel: Kernel;
  readonly #announce: (router: VirtualRouter, addresses: readonly VirtualAddress[]) => void;
  readonly #isVmac: (interfaceName: string) => boolean;
  readonly #timer: DeadlineTimer;
  readonly #dueAtMs = new Map<VirtualRouter, number>();

  constructor(
    kernel: Kernel,
    announce: (router: VirtualRouter, addresses: readonly VirtualAddress[]) => void,
    isVmac: (interfaceName: string) => boolean,
  ) {
    this.#kernel = kernel;
    this.#announce = announce;
    this.#isVmac = isVmac;
    this.#timer = kernel.timer(() => this.#fire());
  }

  /** The instances may be others, or have changed their roles. */
  watch(routers: readonly VirtualRouter[]): void {
    for (const router of this.#dueAtMs.keys())
      if (!routers.includes(router) || !isMaster(router)) this.#dueAtMs.delete(router);
    for (const router of routers) {
      const { extraIfMs } = router.config.garp;
      if (extraIfMs > 0 && isMaster(router) && !this.#dueAtMs.has(router))
        this.#dueAtMs.set(router, this.#kernel.nowMs() + extraIfMs);
    }
    this.#arm();
  }

  close(): void {
    this.#timer.close();
  }

  #fire(): void {
    const nowMs = this.#kernel.nowMs();
    for (const [router, dueAtMs] of this.#dueAtMs) {
      if (!isMaster(router)) this.#dueAtMs.delete(router);
      else if (dueAtMs <= nowMs) {
        this.#dueAtMs.set(router, nowMs + router.config.garp.extraIfMs);
        const extra = router.addresses.filter(each => each.held && this.#isExtra(router, each.interface));
        if (extra.length > 0)
          this.#announce(
            router,
            extra.map(each => each.address),
          );
      }
    }
    this.#arm();
  }

  #isExtra(router: VirtualRouter, interfaceName: string): boolean {
    const { config, segment } = router;
    const carriesAdverts =
      config.vmac && !config.vmac.xmitBase
        ? this.#isVmac(interfaceName)
        : interfaceName === segment.interface;
    return !carriesAdverts && (config.garp.extraIfAll || this.#isVmac(interfaceName));
  }

  #arm(): void {
    const nextMs = Math.min(NEVER, ...this.#dueAtMs.values());
    if (nextMs === NEVER) this.#timer.disarm();
    else this.#timer.arm(nextMs);
  }
}
