import { formatIp } from '#base/address.ts';
import type { RouterCounters } from '#vrrp/counters.ts';
import { keepalivedState, METRIC_NAMES, STATE_NUMBER } from '#vrrp/names.ts';
import type { VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import { escaped } from './metric-label.ts';
import type { Stalls } from './stall-meter.ts';

/** Prometheus text exposition format, with the names that keepalived's exporters made common. */
export function metricsText(engine: VrrpEngine, stalls: Stalls): string {
  const lines = ['# TYPE keepalived_up gauge', 'keepalived_up 1', '# TYPE keepalived_vrrp_state gauge'];
  for (const router of engine.routers) lines.push(...stateLines(router));
  for (const [counter, name] of Object.entries(METRIC_NAMES)) {
    lines.push(`# TYPE ${name} counter`);
    for (const router of engine.routers)
      lines.push(`${name}${labels(router)} ${router.counters[counter as keyof RouterCounters]}`);
  }
  lines.push('# TYPE tandem_addresses_restored_total counter');
  for (const router of engine.routers)
    lines.push(`tandem_addresses_restored_total${labels(router)} ${router.counters.addressesRestored}`);
  lines.push('# TYPE tandem_stalls_total counter', `tandem_stalls_total ${stalls.count}`);
  lines.push('# TYPE tandem_stall_longest_seconds gauge');
  lines.push(`tandem_stall_longest_seconds ${stalls.longestMs / 1000}`);
  return `${lines.join('\n')}\n`;
}

function stateLines(router: VirtualRouter): string[] {
  const number = STATE_NUMBER[keepalivedState(router.state)];
  return router.addresses.map(
    ({ address }) => `keepalived_vrrp_state${labels(router, formatIp(address.address))} ${number}`,
  );
}

function labels(router: VirtualRouter, address?: string): string {
  const { name, virtualRouterId } = router.config;
  const ip = address === undefined ? '' : `,ip_address="${address}"`;
  return `{iname="${escaped(name)}",intf="${escaped(router.segment.interface)}",vrid="${virtualRouterId}"${ip}}`;
}
