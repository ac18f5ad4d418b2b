/** The ledger of a lab's host, as the next run will read it. */
import type { Lab } from '#lab/lab.ts';
import { foldLedger, type Ledger } from '#provision/model/ledger.ts';

export async function ledgerOf(lab: Lab, host: string): Promise<Ledger> {
  return foldLedger(await textOf(lab, host));
}

/** The last whole record, as `intend file:/etc/…`. */
export async function lastRecordOf(lab: Lab, host: string): Promise<string> {
  const lines = (await textOf(lab, host)).split('\n').filter(line => line.startsWith('{'));
  const { t = '', r = '' } = JSON.parse(lines.at(-1) ?? '{}') as { readonly t?: string; readonly r?: string };
  return `${t} ${r}`.trimEnd();
}

async function textOf(lab: Lab, host: string): Promise<string> {
  return (await lab.exec(host, { script: 'cat /var/lib/tandem/ledger 2>/dev/null || :' })).stdout;
}
