/**
 * The picture of a topology. A cluster is a panel: hosts are columns, virtual routers are rows, and where they cross
 * stands the node's priority. Clusters of many hosts name the nodes in the rows instead.
 */
import type { GraphCluster, GraphInstance, GraphNode, GraphServer, NodeState } from './graph.ts';
import { element, fit, label, picture, textWidth } from './graph-svg.ts';

const MARGIN = 20;
const ROW = 46;
const CHIP = 28;
const TITLE = 34;
const GROUP_HEADING = 22;
const SMALL = 10.5;
/** Clusters stand side by side up to this width. */
const WIDEST = 1500;
/** With more hosts than this, columns are too many to be followed. */
const MOST_COLUMNS = 8;

const INK = '#1f2328';
const FAINT = '#59636e';
const LINE = '#afb8c1';

interface Paint {
  readonly fill: string;
  readonly stroke: string;
  readonly text: string;
  readonly word: string;
}

const PAINTS: Readonly<Record<NodeState, Paint>> = {
  preferred: { fill: '#0969da', stroke: '#0550ae', text: '#ffffff', word: 'preferred' },
  backup: { fill: '#ddf4ff', stroke: '#54aeff', text: '#0550ae', word: 'backup' },
  MASTER: { fill: '#1a7f37', stroke: '#116329', text: '#ffffff', word: 'MASTER' },
  BACKUP: { fill: '#dafbe1', stroke: '#4ac26b', text: '#116329', word: 'BACKUP' },
  FAULT: { fill: '#cf222e', stroke: '#a40e26', text: '#ffffff', word: 'FAULT' },
  unknown: { fill: '#eaeef2', stroke: '#8c959f', text: '#424a53', word: 'unknown' },
};

interface Panel {
  readonly width: number;
  readonly height: number;
  readonly svg: string;
}

/** Draws the clusters. The same input gives the same bytes. */
export function drawGraph(clusters: readonly GraphCluster[], title: string): string {
  const shelves = shelve(aligned(clusters));
  const legend = drawLegend(clusters);
  const width = Math.max(legend.width, ...shelves.map(shelf => shelfWidth(shelf))) + 2 * MARGIN;
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
function aligned(clusters: readonly GraphCluster[]): readonly Panel[] {
  const columns = clusters.map(columnsOf);
  const most = (width: (one: Columns) => number): number => Math.max(0, ...columns.map(width));
  const widths = {
    nameWidth: most(one => one.nameWidth),
    nodeWidth: most(one => one.nodeWidth),
    vipWidth: most(one => one.vipWidth),
  };
  return clusters.map((cluster, index) => {
    const { hosts, count } = columns[index] ?? columnsOf(cluster);
    return drawCluster(cluster, { ...widths, hosts, count });
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

interface Columns {
  readonly nameWidth: number;
  readonly nodeWidth: number;
  readonly vipWidth: number;
  /** undefined: nodes stand in their order of preference, with their names. */
  readonly hosts: readonly string[] | undefined;
  readonly count: number;
}

function columnsOf(cluster: GraphCluster): Columns {
  const { hosts, instances, servers } = cluster;
  const widest = (texts: readonly string[], size: number): number =>
    Math.max(0, ...texts.map(text => textWidth(text, size)));
  const many = hosts.length > MOST_COLUMNS;
  const heads = [
    widest(
      hosts.map(({ name }) => name),
      13,
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
        13,
      ) + 16,
      widest([...instances.map(subtitle), ...servers.map(({ about }) => about)], SMALL) + 16,
    ),
    nodeWidth: Math.max(96, Math.max(...heads) + (many ? 52 : 20)),
    vipWidth:
      widest([...instances.flatMap(({ vips }) => vips), ...servers.map(({ address }) => address)], 12) + 24,
    hosts: many ? undefined : hosts.map(({ name }) => name),
    count: many ? Math.max(...instances.map(({ nodes }) => nodes.length)) : hosts.length,
  };
}

function drawCluster(cluster: GraphCluster, columns: Columns): Panel {
  const head = columns.hosts
    ? 34 + 15 * Math.max(0, ...cluster.hosts.map(({ addresses }) => addresses.length))
    : 6;
  const left = 16 + columns.nameWidth;
  const right = left + columns.count * columns.nodeWidth;
  const width = right + 24 + columns.vipWidth + 14;
  const parts: string[] = [];
  if (columns.hosts)
    for (const [index, host] of cluster.hosts.entries())
      parts.push(drawHost(host, left + index * columns.nodeWidth, columns.nodeWidth, head));
  let y = TITLE + head + 10;
  for (const [group, members] of Map.groupBy(cluster.instances, ({ syncGroup }) => syncGroup)) {
    const height = members.reduce((sum, member) => sum + rowHeight(member), 0);
    if (group !== undefined) {
      parts.push(drawGroup(group, y, width, height + GROUP_HEADING));
      y += GROUP_HEADING;
    }
    for (const member of members) {
      parts.push(drawRow(member, columns, y));
      y += rowHeight(member);
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
    label(cluster.name, 14, 23, { 'font-size': 14, 'font-weight': 'bold', fill: INK }),
  ];
  return { width, height: y + 4, svg: [...frame, ...parts].join('\n') };
}

function rowHeight({ vips }: GraphInstance): number {
  return Math.max(ROW, vips.length * 24 + 12);
}

function drawHost(host: GraphCluster['hosts'][number], x: number, width: number, height: number): string {
  const gone = host.state === 'unreachable';
  const box = {
    x: x + 5,
    y: TITLE,
    width: width - 10,
    height,
    rx: 6,
    fill: gone ? '#ffebe9' : '#f6f8fa',
    stroke: gone ? '#cf222e' : LINE,
  };
  const middle = { 'text-anchor': 'middle' };
  return [
    element('rect', box),
    label(gone ? `${host.name} ✕` : host.name, x + width / 2, TITLE + 20, {
      ...middle,
      'font-size': 13,
      'font-weight': 'bold',
      fill: INK,
    }),
    ...host.addresses.map((address, index) =>
      label(address, x + width / 2, TITLE + 37 + 15 * index, { ...middle, 'font-size': SMALL, fill: FAINT }),
    ),
  ].join('\n');
}

function drawGroup(name: string, y: number, width: number, height: number): string {
  return [
    element('rect', {
      x: 6,
      y,
      width: width - 12,
      height,
      rx: 6,
      fill: '#fff8c5',
      stroke: '#d4a72c',
      'stroke-dasharray': '4 3',
    }),
    label(`sync group ${name}: fails over together`, 16, y + 15, { 'font-size': SMALL, fill: '#7d4e00' }),
  ].join('\n');
}

function subtitle({ network, virtualRouterId, cast }: GraphInstance): string {
  return `VRID ${virtualRouterId} · ${network}${cast === 'unicast' ? ' · unicast' : ''}`;
}

function drawRow(instance: GraphInstance, columns: Columns, y: number): string {
  const left = 16 + columns.nameWidth;
  const right = left + columns.count * columns.nodeWidth;
  const middle = y + rowHeight(instance) / 2;
  const places = instance.nodes.map((node, index) => columns.hosts?.indexOf(node.host) ?? index);
  const xOf = (place: number): number => left + (place + 0.5) * columns.nodeWidth;
  const from = Math.min(...places.map(xOf));
  return [
    element('line', { x1: from, y1: middle, x2: right + 24, y2: middle, stroke: LINE, 'stroke-width': 2 }),
    label(instance.name, 16, middle - 2, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
    label(subtitle(instance), 16, middle + 13, { 'font-size': SMALL, fill: FAINT }),
    ...instance.nodes.map((node, index) => drawNode(node, xOf(places[index] ?? index), middle, columns)),
    ...instance.vips.map((vip, index) =>
      drawVip(vip, right + 24, middle + (index - (instance.vips.length - 1) / 2) * 24, columns),
    ),
  ].join('\n');
}

function drawNode(node: GraphNode, x: number, y: number, columns: Columns): string {
  const paint = PAINTS[node.state];
  const words = columns.hosts ? `${node.priority}` : `${node.host} ${node.priority}`;
  const live =
    node.state === 'preferred' || node.state === 'backup' ? words : `${paint.word} ${node.priority}`;
  const text = columns.hosts ? live : words;
  const width = columns.hosts ? Math.max(52, textWidth(text) + 16) : columns.nodeWidth - 8;
  return [
    element('rect', {
      x: x - width / 2,
      y: y - CHIP / 2,
      width,
      height: CHIP,
      rx: CHIP / 2,
      fill: paint.fill,
      stroke: paint.stroke,
    }),
    label(fit(text, width - 8), x, y + 4, {
      'text-anchor': 'middle',
      'font-weight': 'bold',
      fill: paint.text,
    }),
  ].join('');
}

/** A virtual server: its real servers, as many to a line as there is room for, and the address on the right. */
function drawServer(
  server: GraphServer,
  columns: Columns,
  y: number,
): { readonly svg: string; readonly height: number } {
  const left = 16 + columns.nameWidth;
  const right = left + columns.count * columns.nodeWidth;
  const chips: {
    readonly text: string;
    readonly x: number;
    readonly line: number;
    readonly width: number;
  }[] = [];
  let [x, line] = [left, 0];
  for (const real of server.realServers) {
    const width = Math.min(right - left, textWidth(real, 11) + 16);
    if (x > left && x + width > right) [x, line] = [left, line + 1];
    chips.push({ text: real, x, line, width });
    x += width + 6;
  }
  const height = Math.max(ROW, (line + 1) * 26 + 14);
  const middle = y + height / 2;
  const top = middle - (line * 26) / 2;
  return {
    height,
    svg: [
      element('line', {
        x1: left,
        y1: middle,
        x2: right + 24,
        y2: middle,
        stroke: LINE,
        'stroke-dasharray': '2 3',
      }),
      label(server.name, 16, middle - 2, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
      label(server.about, 16, middle + 13, { 'font-size': SMALL, fill: FAINT }),
      ...chips.map(chip => {
        const at = top + chip.line * 26;
        const box = {
          x: chip.x,
          y: at - 10,
          width: chip.width,
          height: 20,
          rx: 4,
          fill: '#fff1e5',
          stroke: '#e16f24',
        };
        const words = { 'text-anchor': 'middle', 'font-size': 11, fill: '#762c00' };
        return [
          element('rect', box),
          label(fit(chip.text, chip.width - 8, 11), chip.x + chip.width / 2, at + 4, words),
        ].join('');
      }),
      drawVip(server.address, right + 24, middle, columns),
    ].join('\n'),
  };
}

function drawVip(vip: string, x: number, y: number, columns: Columns): string {
  return [
    element('rect', {
      x,
      y: y - 10,
      width: columns.vipWidth,
      height: 20,
      rx: 4,
      fill: '#fbefff',
      stroke: '#a475f9',
    }),
    label(vip, x + columns.vipWidth / 2, y + 4, { 'text-anchor': 'middle', fill: '#512a97' }),
  ].join('');
}

function drawLegend(clusters: readonly GraphCluster[]): Panel {
  const states = new Set(
    clusters.flatMap(({ instances }) => instances.flatMap(({ nodes }) => nodes.map(({ state }) => state))),
  );
  let x = 0;
  const parts = (Object.keys(PAINTS) as NodeState[]).flatMap(state => {
    if (!states.has(state)) return [];
    const { fill, stroke, word } = PAINTS[state];
    const at = x;
    x += textWidth(word) + 48;
    return [
      element('rect', { x: at, y: 0, width: 22, height: 14, rx: 7, fill, stroke }),
      label(word, at + 28, 11, { 'font-size': 11, fill: FAINT }),
    ];
  });
  const served = clusters.some(({ servers }) => servers.length > 0) ? ' · orange: real servers' : '';
  const rest = `the number is the priority · purple: virtual addresses${served}`;
  parts.push(label(rest, x, 11, { 'font-size': 11, fill: FAINT }));
  return { width: x + textWidth(rest, 11), height: 18, svg: parts.join('\n') };
}
