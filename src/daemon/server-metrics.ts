import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';
import { escaped } from './metric-label.ts';

type Traffic = VirtualServerStatus['traffic'];

/** Ends of the names that keepalived's exporters made common, and what they count. */
const TRAFFIC: Readonly<Record<string, keyof Traffic>> = {
  conn: 'connections',
  in_packets: 'packetsIn',
  out_packets: 'packetsOut',
  in_bytes: 'bytesIn',
  out_bytes: 'bytesOut',
};

/** Virtual and real servers in Prometheus' text format; empty if there are none. */
export function serverMetrics(servers: readonly VirtualServerStatus[]): string {
  if (servers.length === 0) return '';
  const lines = [
    ...metric(
      'keepalived_lvs_vs_quorum_up',
      'gauge',
      ofVirtuals(servers, each => Number(each.quorate)),
    ),
    ...metric(
      'keepalived_lvs_rs_up',
      'gauge',
      ofReals(servers, each => Number(each.up)),
    ),
    ...metric(
      'keepalived_lvs_rs_weight',
      'gauge',
      ofReals(servers, each => each.weightInKernel ?? 0),
    ),
    ...Object.entries(TRAFFIC).flatMap(([name, key]) => [
      ...metric(
        `keepalived_lvs_vip_${name}`,
        'counter',
        ofVirtuals(servers, each => each.traffic[key]),
      ),
      ...metric(
        `keepalived_lvs_rs_${name}`,
        'counter',
        ofReals(servers, each => each.traffic[key]),
      ),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Labels and value. */
type Sample = readonly [string, number];

function metric(name: string, type: 'gauge' | 'counter', samples: readonly Sample[]): string[] {
  return [`# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labels} ${value}`)];
}

function ofVirtuals(
  servers: readonly VirtualServerStatus[],
  value: (server: VirtualServerStatus) => number,
): Sample[] {
  return servers.map(server => [`{vs="${escaped(server.name)}"}`, value(server)]);
}

function ofReals(
  servers: readonly VirtualServerStatus[],
  value: (server: RealServerStatus) => number,
): Sample[] {
  return servers.flatMap(({ name, realServers }) =>
    realServers.map((real): Sample => {
      return [`{vs="${escaped(name)}",rs="${escaped(real.name)}"}`, value(real)];
    }),
  );
}
