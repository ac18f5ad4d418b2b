/** What the VRRP daemon would say of the keepalived.conf that an inventory gives a host, before the host is asked. */
import type { Diagnostic } from '#base/errors.ts';
import { withoutHarmlessErrors } from '#conf/harmless.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { HostTopology } from './topology-types.ts';

/** Warnings of the topology say the same, with the inventory's place. */
const SAID_OF_THE_TOPOLOGY: ReadonlySet<string> = new Set([
  'auth-pass-truncated',
  'group-single',
  'tracker-weight-ignored',
]);

/** What a stock keepalived may know although tandemd does not; its own test finds the rest. */
const KEEPALIVED_DECIDES: ReadonlySet<string> = new Set(['keyword-unknown', 'keyword-not-supported']);

/**
 * Errors where the host would refuse the file, warnings where it would complain and take it. Places are lines of the
 * rendered text, as `tandem render` shows it.
 */
export function renderedComplaints({ host, daemon }: HostTopology, text: string): Diagnostic[] {
  const file = `keepalived.conf of ${host}`;
  const { diagnostics } = checkConfig(file, memorySource({ [file]: text }), { hostname: host });
  return withoutHarmlessErrors(diagnostics).filter(
    ({ id }) => !SAID_OF_THE_TOPOLOGY.has(id) && !(daemon === 'keepalived' && KEEPALIVED_DECIDES.has(id)),
  );
}
