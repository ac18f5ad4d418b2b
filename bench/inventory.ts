/**
 * How long an inventory of 10,000 hosts takes to load, validate and render, and how much memory, as bin/tandem starts
 * Node: `node --max-semi-space-size=8 bench/inventory.ts [HOSTS]`.
 */
import { readFileSync } from 'node:fs';
import { memoryFiles } from '#provision/model/inventory-memory.ts';
import { loadInventory } from '#provision/model/inventory.ts';
import { renderTemplate } from '#provision/model/template.ts';
import { deriveTopology } from '#provision/model/topology.ts';
import { hostVariables } from '#provision/model/variables.ts';

/** Hosts of a cluster: two directors and their real servers. */
const CLUSTER = 10;
const wanted = Number(process.argv[2] ?? 10_000);

/** Clusters of two directors and eight DR real servers, as an operator would write one after the other. */
function fleet(clusters: number): string {
  const groups = Array.from({ length: clusters }, (_, index) => {
    const [high, low] = [index >> 8, index & 255];
    const host = (name: string, last: number): string =>
      `        ${name}: { ansible_host: 10.${high}.${low}.${last}, interfaces: { eth0: 10.${high}.${low}.${last}/24 } }\n`;
    const servers = Array.from({ length: CLUSTER - 2 }, (_unused, one) => host(`c${index}w${one}`, 20 + one));
    return `    web${index}:
      hosts:
${servers.join('')}    c${index}:
      hosts:
${host(`c${index}a`, 11)}${host(`c${index}b`, 12)}      vars:
        topology:
          vrrp_instances:
            VI_1: { interface: eth0, virtual_router_id: 51, nodes: [c${index}a, c${index}b], virtual_ipaddress: [10.${high}.${low}.100] }
          virtual_servers:
            web: { on: VI_1, port: 80, lb_kind: DR, real_servers: { group: web${index} }, TCP_CHECK: { connect_timeout: 1 } }
`;
  });
  return `all:\n  children:\n${groups.join('')}`;
}

const template = readFileSync(
  new URL('../roles/vrrp/templates/keepalived.conf.njk', import.meta.url),
  'utf8',
);
const text = fleet(Math.ceil(wanted / CLUSTER));
const startedAtMs = performance.now();
const laps: string[] = [];
const lap = (what: string): void => {
  laps.push(`${what} by ${((performance.now() - startedAtMs) / 1000).toFixed(2)} s`);
};
const { inventory, diagnostics } = loadInventory(['fleet.yml'], memoryFiles({ 'fleet.yml': text }));
lap('loaded');
const derived = deriveTopology(inventory);
lap('validated');
let bytes = 0;
for (const [host, topology] of derived.hosts) {
  const tandem: unknown = JSON.parse(JSON.stringify(topology));
  const variables = hostVariables(inventory, host, { magic: { tandem } });
  bytes += renderTemplate(template, variables, { file: 'keepalived.conf.njk' }).length;
}
lap('rendered');
const complaints = diagnostics.length + derived.diagnostics.length;
console.log(
  `${derived.hosts.size} hosts, ${derived.clusters.length} clusters, ${complaints} complaints, ${bytes} bytes: ${laps.join(', ')}; ` +
    `${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most`,
);
