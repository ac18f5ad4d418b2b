import type { Native } from './native.ts';
import { NftTable } from './nft-table.ts';
import type { ReportFilter, Result } from './ports.ts';

/** Opens the table `inet NAME`; a leftover of that name is removed. */
export function openReportFilter(native: Native, name: string): Result<ReportFilter> {
  const opened = NftTable.open(native, name);
  if (!opened.ok) return opened;
  const table = opened.value;
  let present = '';
  return {
    ok: true,
    value: {
      set: names => {
        if (names.join(' ') === present) return undefined;
        const failure =
          names.length === 0
            ? table.remove()
            : table.rebuild(transaction => transaction.addReportFilter(names));
        present = failure ? '' : names.join(' ');
        return failure;
      },
      close: () => table.close(),
    },
  };
}
