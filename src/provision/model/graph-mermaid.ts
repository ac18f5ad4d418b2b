/** A topology as a Mermaid flowchart, for pages that draw it themselves. */
import type { GraphCluster, GraphInstance, NodeState } from './graph.ts';

const STYLES: Readonly<Record<NodeState, string>> = {
  preferred: 'stroke:#0550ae,stroke-width:3px',
  backup: 'stroke:#54aeff,stroke-dasharray:4 3',
  MASTER: 'stroke:#116329,stroke-width:3px',
  BACKUP: 'stroke:#4ac26b,stroke-dasharray:4 3',
  FAULT: 'stroke:#cf222e,stroke-width:3px',
  unknown: 'stroke:#8c959f,stroke-dasharray:2 4',
};

/** Hosts point at their instances, instances at their virtual addresses, virtual servers at their real servers; the line's label is state and priority. */
export function mermaidGraph(clusters: readonly GraphCluster[]): string {
  const lines = ['flowchart LR'];
  const styles: string[] = [];
  for (const [c, cluster] of clusters.entries()) {
    const hosts = new Map(cluster.hosts.map(({ name }, index) => [name, `c${c}h${index}`]));
    lines.push(`  subgraph c${c}["${quoted(cluster.name)}"]`);
    for (const { name, addresses } of cluster.hosts)
      lines.push(`    ${hosts.get(name)}["${[name, ...addresses].map(quoted).join('<br/>')}"]`);
    const ids = new Map(cluster.instances.map((instance, index) => [instance, `c${c}i${index}`]));
    let groups = 0;
    for (const [group, members] of Map.groupBy(cluster.instances, ({ syncGroup }) => syncGroup)) {
      if (group !== undefined) lines.push(`    subgraph c${c}g${groups++}["sync group ${quoted(group)}"]`);
      for (const member of members) lines.push(`    ${ids.get(member)}(["${title(member)}"])`);
      if (group !== undefined) lines.push('    end');
    }
    for (const [instance, id] of ids) {
      for (const { host, priority, state } of instance.nodes) {
        lines.push(`    ${hosts.get(host)} -- "${state} ${priority}" --- ${id}`);
        styles.push(STYLES[state]);
      }
      for (const [index, vip] of instance.vips.entries()) {
        lines.push(`    ${id} --- ${id}v${index}{{"${quoted(vip)}"}}`);
        styles.push('stroke:#a475f9');
      }
    }
    for (const [index, server] of cluster.servers.entries()) {
      const id = `c${c}s${index}`;
      lines.push(
        `    ${id}[/"${quoted(server.name)}<br/>${server.addresses.map(quoted).join('<br/>')}<br/>${quoted(server.about)}"/]`,
      );
      for (const [real, text] of server.realServers.entries()) {
        lines.push(`    ${id} --> ${id}r${real}["${quoted(text)}"]`);
        styles.push('stroke:#e16f24');
      }
    }
    lines.push('  end');
  }
  lines.push(...styles.map((style, index) => `  linkStyle ${index} ${style}`));
  return `${lines.join('\n')}\n`;
}

function title({ name, virtualRouterId, network }: GraphInstance): string {
  return `${quoted(name)}<br/>VRID ${virtualRouterId}, ${quoted(network)}`;
}

/** Mermaid's texts end at a quote and read `#…;` and angle brackets as entities and markup. */
function quoted(text: string): string {
  return text.replaceAll(/["#<>&`;]/g, char => `#${char.codePointAt(0)};`);
}
