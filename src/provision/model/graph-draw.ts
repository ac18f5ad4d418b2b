/**
 * The picture of a topology. A cluster is a panel: hosts are columns, virtual routers are rows, and where they cross
 * stands the node's priority. Clusters of many hosts name the nodes in the rows instead.
 */
import {
  FAINT,
  INK,
  LINE,
  MOST_COLUMNS,
  ROW,
  SMALL,
  drawGroup,
  drawHost,
  drawLegend,
  drawNode,
  drawServer,
  drawVip,
  type Columns,
  type Layout,
  type Panel,
} from './graph-parts.ts';
import type { GraphCluster, GraphInstance } from './graph.ts';
import { element, label, picture, textWidth } from './graph-svg.ts';

const MARGIN = 20;
/** Nodes that a row names go on in another line after {@link MOST_COLUMNS}. */
const NODE_LINE = 34;
const TITLE = 34;
const GROUP_HEADING = 22;
/** Bold is a tenth wider. */
const BOLD = 13 * 1.1;
const BOLD_TITLE = 16 * 1.1;
/** Clusters stand side by side up to this width. */
const WIDEST = 1500;

/** Draws the clusters. The same input gives the same bytes. */
export function drawGraph(clusters: readonly GraphCluster[], title: string): string {
  const shelves = shelve(aligned(clusters, title));
  const inner = Math.max(...shelves.map(shelf => shelfWidth(shelf)), textWidth(title, BOLD_TITLE));
  const legend = drawLegend(clusters, inner);
  const width = Math.max(legend.width, inner) + 2 * MARGIN;
  const parts: string[] = [label(title, MARGIN, 30, { 'font-size': 16, 'font-weight': 'bold', fill: INK })];
  let y = 48;
  for (const shelf of shelves) {
    let x = MARGIN;
    for (const panel of shelf) {
      parts.push(element('g', { transform: `translate(${Math.round(x)} ${Math.round(y)})` }, panel.svg));
      x += panel.width + MARGIN;
    }
    y += Math.max(...shelf.map(panel => panel.height)) + MARGIN;
  }
  parts.push(element('g', { transform: `translate(${MARGIN} ${Math.round(y)})` }, legend.svg));
  const description = clusters.map(describe).join(' ');
  return picture({ width, height: y + legend.height + 12 }, { title, description }, ...parts);
}

/** Clusters have columns of the same width, so that many of them read like one table. */
function aligned(clusters: readonly GraphCluster[], title: string): readonly Panel[] {
  const columns = clusters.map(columnsOf);
  const most = (width: (one: Columns) => number): number => Math.max(0, ...columns.map(width));
  const widths = {
    nameWidth: most(one => one.nameWidth),
    nodeWidth: most(one => one.nodeWidth),
    vipWidth: most(one => one.vipWidth),
  };
  const widest = most(one => one.count);
  return clusters.map((cluster, index) => {
    const { hosts, count } = columns[index] ?? columnsOf(cluster);
    // A pair beside a cluster of three leaves the room of one column; beside one of eight it would be lost in it.
    const room = widest <= count + 1 ? widest : count;
    // The picture's title need not be said twice.
    const heading = clusters.length > 1 || cluster.name !== title;
    return drawCluster(cluster, { ...widths, hosts, count, room, heading });
  });
}

function shelve(panels: readonly Panel[]): readonly (readonly Panel[])[] {
  const shelves: Panel[][] = [];
  for (const panel of panels) {
    const last = shelves.at(-1);
    if (last && shelfWidth(last) + MARGIN + panel.width <= WIDEST) last.push(panel);
    else shelves.push([panel]);
  }
  return shelves;
}

function shelfWidth(shelf: readonly Panel[]): number {
  return shelf.reduce((sum, panel) => sum + panel.width, (shelf.length - 1) * MARGIN);
}

function describe({ name, instances }: GraphCluster): string {
  const routers = instances.map(one => `${one.name} on ${one.nodes.map(({ host }) => host).join(', ')}`);
  return `${name}: ${routers.join('; ')}.`;
}

function columnsOf(cluster: GraphCluster): Columns {
  const { hosts, instances, servers } = cluster;
  const widest = (texts: readonly string[], size: number): number =>
    Math.max(0, ...texts.map(text => textWidth(text, size)));
  const many = hosts.length > MOST_COLUMNS;
  const heads = [
    widest(
      hosts.map(({ name }) => name),
      BOLD,
    ),
    many
      ? 0
      : widest(
          hosts.flatMap(h => h.addresses),
          SMALL,
        ),
  ];
  return {
    nameWidth: Math.max(
      110,
      widest(
        [...instances, ...servers].map(({ name }) => name),
        BOLD,
      ) + 16,
      widest([...instances.map(subtitle), ...servers.map(({ about }) => about)], SMALL) + 16,
    ),
    nodeWidth: Math.max(96, Math.max(...heads) + (many ? 52 : 20)),
    vipWidth:
      widest(
        [...instances.flatMap(({ vips }) => vips), ...servers.flatMap(({ addresses }) => addresses)],
        12,
      ) + 24,
    hosts: many ? undefined : hosts.map(({ name }) => name),
    count: many
      ? Math.min(MOST_COLUMNS, Math.max(...instances.map(({ nodes }) => nodes.length)))
      : hosts.length,
  };
}

function drawCluster(cluster: GraphCluster, columns: Layout): Panel {
  const head = columns.hosts
    ? 34 + 15 * Math.max(0, ...cluster.hosts.map(({ addresses }) => addresses.length))
    : 6;
  const left = 16 + columns.nameWidth;
  const right = left + columns.room * columns.nodeWidth;
  const width = right + 24 + columns.vipWidth + 14;
  const top = columns.heading ? TITLE : 12;
  const parts: string[] = [];
  if (columns.hosts)
    for (const [index, host] of cluster.hosts.entries())
      parts.push(
        drawHost(host, {
          x: left + index * columns.nodeWidth,
          y: top,
          width: columns.nodeWidth,
          height: head,
        }),
      );
  const unreachable = cluster.hosts.filter(({ state }) => state === 'unreachable');
  const gone = new Set(unreachable.map(({ name }) => name));
  let y = top + head + 10;
  for (const [group, members] of Map.groupBy(cluster.instances, ({ syncGroup }) => syncGroup)) {
    const height = members.reduce((sum, member) => sum + rowHeight(member, columns), 0);
    if (group !== undefined) {
      parts.push(drawGroup(group, y, width, height + GROUP_HEADING));
      y += GROUP_HEADING;
    }
    for (const member of members) {
      parts.push(drawRow(member, columns, y, gone));
      y += rowHeight(member, columns);
    }
    y += 8;
  }
  for (const server of cluster.servers) {
    const row = drawServer(server, columns, y);
    parts.push(row.svg);
    y += row.height;
  }
  const frame = [
    element('rect', { width, height: y + 4, rx: 8, fill: '#ffffff', stroke: LINE }),
    ...(columns.heading
      ? [label(cluster.name, 14, 23, { 'font-size': 14, 'font-weight': 'bold', fill: INK })]
      : []),
  ];
  return { width, height: y + 4, svg: [...frame, ...parts].join('\n') };
}

function rowHeight({ vips, nodes }: GraphInstance, { hosts }: Columns): number {
  const lines = hosts ? 1 : Math.ceil(nodes.length / MOST_COLUMNS);
  return Math.max(ROW, vips.length * 24 + 12, (lines - 1) * NODE_LINE + ROW);
}

function subtitle({ network, virtualRouterId, cast }: GraphInstance): string {
  return `VRID ${virtualRouterId} · ${network}${cast === 'unicast' ? ' · unicast' : ''}`;
}

function drawRow(instance: GraphInstance, columns: Layout, y: number, gone: ReadonlySet<string>): string {
  const left = 16 + columns.nameWidth;
  const right = left + columns.room * columns.nodeWidth;
  const middle = y + rowHeight(instance, columns) / 2;
  const places = instance.nodes.map((node, index) => columns.hosts?.indexOf(node.host) ?? index);
  const xOf = (place: number): number =>
    left + ((columns.hosts ? place : place % MOST_COLUMNS) + 0.5) * columns.nodeWidth;
  const lines = columns.hosts ? 1 : Math.ceil(places.length / MOST_COLUMNS);
  const yOf = (index: number): number =>
    middle + ((columns.hosts ? 0 : Math.floor(index / MOST_COLUMNS)) - (lines - 1) / 2) * NODE_LINE;
  const from = Math.min(...places.map(xOf));
  const across = (x1: number, x2: number, at: number): string =>
    element('line', { x1, y1: at, x2, y2: at, stroke: LINE, 'stroke-width': 2 });
  // Of several lines of nodes each ends in an upright line, and that leads to the addresses.
  const lead = Array.from({ length: lines }, (_, index) =>
    across(from, right + 8, yOf(index * MOST_COLUMNS)),
  );
  const upright = { x1: right + 8, y1: yOf(0), x2: right + 8, y2: yOf(places.length - 1) };
  return [
    ...(lines === 1
      ? [across(from, right + 24, middle)]
      : [
          ...lead,
          element('line', { ...upright, stroke: LINE, 'stroke-width': 2 }),
          across(right + 8, right + 24, middle),
        ]),
    label(instance.name, 16, middle - 2, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
    label(subtitle(instance), 16, middle + 13, { 'font-size': SMALL, fill: FAINT }),
    ...instance.nodes.map((node, index) =>
      drawNode(node, xOf(places[index] ?? index), yOf(index), columns, gone),
    ),
    ...instance.vips.map((vip, index) =>
      drawVip(vip, right + 24, middle + (index - (instance.vips.length - 1) / 2) * 24, columns),
    ),
  ].join('\n');
}
