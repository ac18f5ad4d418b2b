/** Who held an address when, by the kernels' own account: all hosts of a lab share one clock. */
import type { Lab } from '#lab/lab.ts';

export interface Holding {
  readonly host: string;
  readonly fromMs: number;
  /** Infinity if it still does. */
  readonly toMs: number;
}

export interface AddressWatch {
  /** Ends the watching. */
  stop(): Promise<readonly Holding[]>;
}

/** Follows `address` on `hosts` from now on; who holds it already has done so since 0. */
export async function watchAddress(
  lab: Lab,
  hosts: readonly string[],
  address: string,
): Promise<AddressWatch> {
  const marker = `/run/watch-address-${process.pid}`;
  const script = `ip -ts -o monitor address & monitor=$!; sleep 0.2; ip -o addr show to ${address}; echo READY; until [ -e ${marker} ]; do sleep 0.1; done; sleep 0.2; kill $monitor; rm -f ${marker}`;
  const running = hosts.map(host => {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const onLine = (line: string): void => (line === 'READY' ? resolve() : undefined);
    return { host, ready, done: lab.exec(host, { script }, { timeoutMs: 120_000, onLine }) };
  });
  await Promise.all(running.map(({ ready }) => ready));
  return {
    stop: async () => {
      await Promise.all(hosts.map(host => lab.exec(host, ['touch', marker])));
      const said = await Promise.all(
        running.map(async ({ host, done }) => ({ host, text: (await done).stdout })),
      );
      return said.flatMap(({ host, text }) => holdingsOf(host, text, address));
    },
  };
}

function holdingsOf(host: string, text: string, address: string): Holding[] {
  const holdings: Holding[] = [];
  let fromMs: number | undefined;
  for (const line of text.split('\n')) {
    if (!line.includes(` ${address}/`)) continue;
    const time = /^\[([^\]]+)\]/.exec(line)?.[1];
    const atMs = time === undefined ? 0 : Date.parse(`${time.replace(' ', 'T')}Z`);
    if (!line.includes('Deleted')) fromMs ??= atMs;
    else if (fromMs !== undefined) {
      holdings.push({ host, fromMs, toMs: atMs });
      fromMs = undefined;
    }
  }
  return fromMs === undefined ? holdings : [...holdings, { host, fromMs, toMs: Number.POSITIVE_INFINITY }];
}

/** How long two hosts held it at once, at the most, in ms. */
export function longestDoubleMs(holdings: readonly Holding[]): number {
  const doubles = holdings.flatMap((one, index) =>
    holdings
      .slice(index + 1)
      .filter(other => other.host !== one.host)
      .map(other => Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs)),
  );
  return Math.max(0, ...doubles);
}
