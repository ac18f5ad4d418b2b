/** A proxy that a script tracks is stopped: how soon its VIPs are on the other node, on the wire and for clients. */
import { must } from '#base/assert.ts';
import type { Lab } from '#lab/lab.ts';
import { advertsOf } from '#testing/vrrp-senders.ts';
import { startWebProber, webOutageMs } from './http-prober.ts';
import { placed, type Placement } from './rehearsal.ts';

/** How often a failover is repeated: `TANDEM_REPEATS` in the environment, by default as often as CI has time for. */
export const REPEATS = Number(process.env['TANDEM_REPEATS'] ?? 2);

export interface ProxyFailover {
  /** What the node that takes over sends, one per VIP. */
  readonly takers: readonly { readonly network: string; readonly vrid: number; readonly source: string }[];
  /** The VIP that a client asks by HTTP. */
  readonly vip: string;
  readonly built: Placement;
  readonly broken: Placement;
  readonly stop: () => Promise<unknown>;
  readonly start: () => Promise<unknown>;
}

/** What one repetition measured, milliseconds. */
export interface ProxyFailoverTimes {
  /** From the stop to the last taker's first advertisement. */
  readonly movedMs: number;
  /** Between two good answers through the VIP. */
  readonly outageMs: number;
}

/** Stops, waits until all is where it should be, starts, and waits again. */
export async function failProxyOver(lab: Lab, failover: ProxyFailover): Promise<ProxyFailoverTimes> {
  const sniffers = await Promise.all(
    failover.takers.map(({ network }) => lab.sniff(network, { filter: 'vrrp' })),
  );
  const prober = startWebProber(lab, `http://${failover.vip}/`);
  try {
    await prober.nextAnswer(10_000);
    const stoppedAtMs = Date.now();
    await failover.stop();
    const firsts = await Promise.all(
      failover.takers.map(({ vrid, source }, index) =>
        must(sniffers[index], 'a sniffer for each taker').waitFor(
          frame => advertsOf([frame]).some(advert => advert.vrid === vrid && advert.source === source),
          20_000,
        ),
      ),
    );
    await placed(lab, failover.broken);
    await prober.nextAnswer(10_000);
    const outageMs = webOutageMs(prober.answers);
    await failover.start();
    await placed(lab, failover.built);
    return { movedMs: Math.max(...firsts.map(frame => frame.timeMs - stoppedAtMs)), outageMs };
  } finally {
    await Promise.all([prober.stop(), ...sniffers.map(sniffer => sniffer.stop())]);
  }
}
