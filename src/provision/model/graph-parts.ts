/** The parts of a topology's picture: what stands in a panel. */
import type { GraphCluster, GraphNode, GraphServer, NodeState } from './graph.ts';
import { element, fit, label, textWidth } from './graph-svg.ts';

export const ROW = 46;
const CHIP = 28;
export const SMALL = 10.5;
/** With more hosts than this, columns are too many to be followed. */
export const MOST_COLUMNS = 8;

export const INK = '#1f2328';
export const FAINT = '#59636e';
export const LINE = '#afb8c1';

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

export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly svg: string;
}

/** Where things stand in a panel. */
export interface Layout extends Columns {
  /** Nodes that there is room for. */
  readonly room: number;
  readonly heading: boolean;
}

export interface Columns {
  readonly nameWidth: number;
  readonly nodeWidth: number;
  readonly vipWidth: number;
  /** undefined: nodes stand in their order of preference, with their names. */
  readonly hosts: readonly string[] | undefined;
  readonly count: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function drawHost(host: GraphCluster['hosts'][number], { x, y, width, height }: Box): string {
  const gone = host.state === 'unreachable';
  const box = {
    x: x + 5,
    y,
    width: width - 10,
    height,
    rx: 6,
    fill: gone ? '#ffebe9' : '#f6f8fa',
    stroke: gone ? '#cf222e' : LINE,
  };
  const middle = { 'text-anchor': 'middle' };
  return [
    element('rect', box),
    label(gone ? `${host.name} ✕` : host.name, x + width / 2, y + 20, {
      ...middle,
      'font-size': 13,
      'font-weight': 'bold',
      fill: INK,
    }),
    ...host.addresses.map((address, index) =>
      label(address, x + width / 2, y + 37 + 15 * index, { ...middle, 'font-size': SMALL, fill: FAINT }),
    ),
  ].join('\n');
}

export function drawGroup(name: string, y: number, width: number, height: number): string {
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

export function drawNode(
  node: GraphNode,
  x: number,
  y: number,
  columns: Columns,
  gone: ReadonlySet<string>,
): string {
  const paint = PAINTS[node.state];
  const words = columns.hosts
    ? `${node.priority}`
    : `${node.host} ${gone.has(node.host) ? '✕' : node.priority}`;
  const live =
    node.state === 'preferred' || node.state === 'backup' ? words : `${paint.word} ${node.priority}`;
  const text = columns.hosts ? live : words;
  const width = columns.hosts ? Math.max(52, textWidth(text, 13.2) + 16) : columns.nodeWidth - 8;
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
    label(fit(text, width - 8, 13.2), x, y + 4, {
      'text-anchor': 'middle',
      'font-weight': 'bold',
      fill: paint.text,
    }),
  ].join('');
}

/** A virtual server: its real servers, as many to a line as there is room for, and the address on the right. */
export function drawServer(
  server: GraphServer,
  columns: Layout,
  y: number,
): { readonly svg: string; readonly height: number } {
  const left = 16 + columns.nameWidth + 5;
  const right = 16 + columns.nameWidth + columns.room * columns.nodeWidth;
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
  const { addresses } = server;
  const height = Math.max(ROW, (line + 1) * 26 + 14, addresses.length * 24 + 12);
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
      ...addresses.map((address, index) =>
        drawVip(address, right + 24, middle + (index - (addresses.length - 1) / 2) * 24, columns),
      ),
    ].join('\n'),
  };
}

export function drawVip(vip: string, x: number, y: number, columns: Columns): string {
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

/** In one line, or in two where the panels above are narrower than that. */
export function drawLegend(clusters: readonly GraphCluster[], room: number): Panel {
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
  const length = textWidth(rest, 11);
  const fits = x + length <= room;
  parts.push(label(rest, fits ? x : 0, fits ? 11 : 31, { 'font-size': 11, fill: FAINT }));
  return { width: fits ? x + length : Math.max(x, length), height: fits ? 18 : 38, svg: parts.join('\n') };
}
