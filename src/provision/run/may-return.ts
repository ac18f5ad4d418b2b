/** Whether a real server may get connections again: it is asked itself. */
import { RemoteError } from '#base/errors.ts';
import { sh } from '#provision/model/shell.ts';
import { contextOf, type CommonOptions } from './api.ts';
import { parseMaintenance, READ_MAINTENANCE } from './maintenance.ts';
import type { HostAccess } from './ports.ts';
import { RemoteHost } from './remote-host.ts';

interface MayReturnOptions extends CommonOptions {
  readonly access: HostAccess;
  /** A host that cannot be asked may return. */
  readonly force: boolean;
}

const HAS_LEDGER = sh`[ ! -s "$t_state/ledger" ] || echo yes`;

/**
 * Throws RemoteError if the host is under maintenance, or cannot be reached. `hasLedger`: Tandem has made something of it,
 * so it is not torn down.
 */
export async function mayReturn(options: MayReturnOptions): Promise<{ readonly hasLedger: boolean }> {
  const host = new RemoteHost(options.access, contextOf(options));
  const step = 'undrain';
  try {
    await host.connect();
    const mark = parseMaintenance((await host.must(READ_MAINTENANCE, step)).stdout, Date.now());
    if (mark)
      throw host.error(step, `under maintenance by ${mark.owner}: ${mark.reason}; it is not undrained`);
    return { hasLedger: (await host.must(HAS_LEDGER, step)).stdout.length > 0 };
  } catch (error) {
    if (options.force && error instanceof RemoteError && error.unreachable) return { hasLedger: true };
    throw error;
  } finally {
    await host.close();
  }
}
