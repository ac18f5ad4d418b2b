/** The picture of a failover, drawn from a recording: adverts, gratuitous ARPs and a client's probes against time. */
import { element, label, picture, textWidth } from '#provision/model/graph-svg.ts';

/** What was on the wire around one event; times in milliseconds from it. */
export interface Recording {
  readonly title: string;
  /** Of the event at 0, such as `ka67 crashes`. */
  readonly event: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly hosts: readonly HostRecord[];
  /** When the client's probes were answered. */
  readonly answeredMs: readonly number[];
  readonly sent: number;
  readonly lost: number;
}

interface HostRecord {
  readonly name: string;
  readonly adverts: readonly { readonly atMs: number; readonly priority: number }[];
  readonly gratuitousArpsMs: readonly number[];
}

const INK = '#1f2328';
const FAINT = '#59636e';
const LINE = '#d0d7de';
const HOSTS = ['#0969da', '#1a7f37'];
const ARP = '#8250df';
const FINE = '#4ac26b';
const LOST = '#cf222e';

const LEFT = 130;
const WIDTH = 780;
const MARGIN = 20;
const ROW = 40;
const PANEL = 3 * ROW + 88;

/** The same recordings give the same bytes. */
export function drawTimeline(recordings: readonly Recording[], title: string): string {
  const parts = [label(title, MARGIN, 30, { 'font-size': 16, 'font-weight': 'bold', fill: INK })];
  for (const [index, recording] of recordings.entries())
    parts.push(
      element('g', { transform: `translate(${MARGIN} ${46 + index * (PANEL + 16)})` }, drawPanel(recording)),
    );
  const y = 46 + recordings.length * (PANEL + 16);
  parts.push(element('g', { transform: `translate(${MARGIN} ${y})` }, drawLegend()));
  const size = { width: WIDTH + LEFT + 24 + 2 * MARGIN, height: y + 30 };
  const description = recordings.map(one => `${one.title}: ${verdict(one)}.`).join(' ');
  return picture(size, { title, description }, ...parts);
}

/** The longest time between two answers. */
export function longestGap({ answeredMs }: Recording): { readonly fromMs: number; readonly toMs: number } {
  let gap = { fromMs: 0, toMs: 0 };
  for (const [index, toMs] of answeredMs.entries()) {
    const fromMs = answeredMs[index - 1] ?? toMs;
    if (toMs - fromMs > gap.toMs - gap.fromMs) gap = { fromMs, toMs };
  }
  return gap;
}

function verdict(recording: Recording): string {
  const { sent, lost } = recording;
  const probes = `${lost} of ${sent} probes lost`;
  return lost === 0 ? probes : `${outage(recording)} without an answer (${probes})`;
}

function outage(recording: Recording): string {
  const { fromMs, toMs } = longestGap(recording);
  const gap = toMs - fromMs;
  return gap < 1000 ? `${Math.round(gap)} ms` : `${(gap / 1000).toFixed(2)} s`;
}

function drawPanel(recording: Recording): string {
  const { title, event, fromMs, toMs, hosts } = recording;
  const x = (ms: number): number => LEFT + ((ms - fromMs) / (toMs - fromMs)) * WIDTH;
  const bottom = 50 + (hosts.length + 1) * ROW + 10;
  const small = { 'font-size': 10.5, fill: FAINT };
  const seconds = Array.from(
    { length: Math.floor(toMs / 1000) - Math.ceil(fromMs / 1000) + 1 },
    (_, index) => Math.ceil(fromMs / 1000) + index,
  );
  return [
    element('rect', { width: WIDTH + LEFT + 24, height: PANEL, rx: 8, fill: '#ffffff', stroke: '#afb8c1' }),
    label(title, 14, 24, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
    label(verdict(recording), 24 + textWidth(title, 14.3), 24, { 'font-size': 12, fill: FAINT }),
    ...seconds.map(second =>
      [
        element('line', { x1: x(second * 1000), y1: 50, x2: x(second * 1000), y2: bottom, stroke: LINE }),
        label(
          second === 0 ? '0' : `${second > 0 ? '+' : '−'}${Math.abs(second)} s`,
          x(second * 1000),
          bottom + 16,
          {
            'text-anchor': 'middle',
            ...small,
          },
        ),
      ].join(''),
    ),
    element('line', { x1: x(0), y1: 40, x2: x(0), y2: bottom, stroke: INK, 'stroke-dasharray': '4 3' }),
    label(event, x(0) + 6, 47, { 'font-size': 11, 'font-weight': 'bold', fill: INK }),
    ...hosts.map((host, index) => drawHost(host, 50 + (index + 0.5) * ROW, HOSTS[index] ?? INK, x)),
    drawProbes(recording, 50 + (hosts.length + 0.5) * ROW, x),
  ].join('\n');
}

function drawHost(host: HostRecord, y: number, colour: string, x: (ms: number) => number): string {
  return [
    label(host.name, 14, y + 1, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
    label('adverts', 14, y + 14, { 'font-size': 10.5, fill: FAINT }),
    element('line', { x1: LEFT, y1: y, x2: LEFT + WIDTH, y2: y, stroke: LINE }),
    ...host.adverts.map(({ atMs, priority }) =>
      priority === 0
        ? element('circle', { cx: x(atMs), cy: y, r: 5, fill: '#ffffff', stroke: colour, 'stroke-width': 2 })
        : element('circle', { cx: x(atMs), cy: y, r: 5, fill: colour }),
    ),
    ...host.gratuitousArpsMs.map(atMs => {
      const at = x(atMs);
      return element('path', { d: `M${at.toFixed(1)} ${y - 16}l4 6h-8z`, fill: ARP });
    }),
  ].join('');
}

/** What was answered, and the outage in it if probes were lost. */
function drawProbes(recording: Recording, y: number, x: (ms: number) => number): string {
  const { fromMs, toMs, lost } = recording;
  const bar = (from: number, to: number, fill: string): string =>
    element('rect', { x: x(from), y: y - 9, width: Math.max(1, x(to) - x(from)), height: 18, fill });
  const gap = longestGap(recording);
  const text = `${outage(recording)} without an answer`;
  const words = { 'text-anchor': 'middle', 'font-size': 11, 'font-weight': 'bold', fill: '#ffffff' };
  const fits = textWidth(text, 12.1) < x(gap.toMs) - x(gap.fromMs) - 6;
  return [
    label('client', 14, y + 1, { 'font-size': 13, 'font-weight': 'bold', fill: INK }),
    label('probes of the VIP', 14, y + 14, { 'font-size': 10.5, fill: FAINT }),
    bar(fromMs, toMs, FINE),
    ...(lost > 0 ? [bar(gap.fromMs, gap.toMs, LOST)] : []),
    ...(lost > 0 && fits ? [label(text, (x(gap.fromMs) + x(gap.toMs)) / 2, y + 4, words)] : []),
  ].join('');
}

function drawLegend(): string {
  const words = { 'font-size': 11, fill: FAINT };
  return [
    element('circle', { cx: 6, cy: 7, r: 5, fill: HOSTS[0] ?? INK }),
    label('VRRP advert', 18, 11, words),
    element('circle', { cx: 116, cy: 7, r: 5, fill: '#ffffff', stroke: HOSTS[0] ?? INK, 'stroke-width': 2 }),
    label('advert of priority 0: the master lets go', 128, 11, words),
    element('path', { d: 'M376 3l4 6h-8z', fill: ARP }),
    label('gratuitous ARP', 386, 11, words),
    element('rect', { x: 496, y: 1, width: 22, height: 12, fill: FINE }),
    label('answered', 524, 11, words),
    element('rect', { x: 596, y: 1, width: 22, height: 12, fill: LOST }),
    label('not answered', 624, 11, words),
  ].join('');
}
