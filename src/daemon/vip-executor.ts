import type { VirtualAddress } from '#conf/model.ts';
import type { AddressSpec, KernelFailure, NetworkTables } from '#linux/ports.ts';
import type { OutcomeEvent } from '#vrrp/event.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import { addressSpec } from './address-spec.ts';
import type { Interfaces } from './interfaces.ts';

/** One address of a batch and what became of it. */
export interface AddressOutcome {
  readonly address: VirtualAddress;
  readonly error: string | undefined;
}

/**
 * Adds (`add`) or removes VIPs in one batch. Outcomes are in the order of `addresses`; failures are also given as the
 * events that the engine wants. That an address is there already, or gone already, is as good as done.
 */
export function changeAddresses(
  tables: NetworkTables,
  interfaces: Interfaces,
  router: VirtualRouter,
  addresses: readonly VirtualAddress[],
  add: boolean,
): { readonly outcomes: readonly AddressOutcome[]; readonly events: readonly OutcomeEvent[] } {
  const events: OutcomeEvent[] = [];
  const outcomes: AddressOutcome[] = [];
  const asked: { address: VirtualAddress; spec: AddressSpec }[] = [];
  for (const address of addresses) {
    const name = address.dev ?? router.segment.interface;
    const link = interfaces.byName(name);
    if (link) {
      asked.push({ address, spec: addressSpec(address, link.ifindex) });
    } else {
      const error = `there is no interface ${name}`;
      outcomes.push({ address, error: add ? error : undefined });
      events.push(failedEvent(router, address, add, error, !add));
    }
  }
  const specs = asked.map(each => each.spec);
  const answers = add ? tables.addAddresses(specs) : tables.removeAddresses(specs);
  for (const [i, { address }] of asked.entries()) {
    const failure = answers[i];
    const gone = !add && isGone(failure);
    if (!failure || (add && failure.code === 'EEXIST')) {
      outcomes.push({ address, error: undefined });
    } else {
      outcomes.push({ address, error: gone ? undefined : failure.message });
      events.push(failedEvent(router, address, add, failure.message, gone));
    }
  }
  return { outcomes, events };
}

function isGone(failure: KernelFailure | undefined): boolean {
  return failure?.code === 'EADDRNOTAVAIL' || failure?.code === 'ENODEV';
}

function failedEvent(
  router: VirtualRouter,
  virtual: VirtualAddress,
  add: boolean,
  error: string,
  gone: boolean,
): OutcomeEvent {
  const { address } = virtual;
  return add
    ? { kind: 'addressAddFailed', router, address, error }
    : { kind: 'addressRemoveFailed', router, address, error, gone };
}
