/** SVG elements as text. Every value is escaped; numbers are rounded, so that a picture is the same everywhere. */

export type Attributes = Readonly<Record<string, string | number>>;

/** One element with its children, which are SVG already. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escape(typeof value === 'number' ? round(value) : value)}"`,
  );
  const head = `<${name}${written.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.join('')}</${name}>`;
}

/** A line of text. */
export function label(text: string, x: number, y: number, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escape(text));
}

/** A whole picture on a background of its own, readable on light and dark pages. */
export function picture(
  size: { readonly width: number; readonly height: number },
  about: { readonly title: string; readonly description: string },
  ...children: readonly string[]
): string {
  const { width, height } = size;
  const lines = [
    element('title', {}, escape(about.title)),
    element('desc', {}, escape(about.description)),
    element('rect', { width, height, rx: 10, fill: '#f6f8fa', stroke: '#d0d7de' }),
    ...children,
  ];
  const viewBox = `0 0 ${round(width)} ${round(height)}`;
  const font = 'DejaVu Sans, Verdana, Helvetica, Arial, sans-serif';
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox,
      width,
      height,
      role: 'img',
      'font-family': font,
      'font-size': 12,
    },
    `\n${lines.join('\n')}\n`,
  )}\n`;
}

/** Widths in ems of DejaVu Sans, the widest of the fonts that are asked for. */
const NARROW: readonly (readonly [chars: string, ems: number])[] = [
  [' .,·', 0.32],
  ["ijlI:;/|!'", 0.34],
  ['ftr-()[]', 0.42],
  ['scvxyzkJ"', 0.6],
  ['mwMW@%—', 1],
  ['ABCDEFGHKLNOPQRSTUVXYZ&', 0.76],
];
const EMS = new Map(NARROW.flatMap(([chars, ems]) => Array.from(chars, char => [char, ems] as const)));

/** About how wide a text is, in pixels, at 12 pixels' height; a little generous, so that boxes never are too narrow. */
export function textWidth(text: string, fontSize = 12): number {
  const ems = Array.from(text, char => (char > '\u2e7f' ? 1 : (EMS.get(char) ?? 0.66)));
  return ems.reduce((sum, part) => sum + part, 0) * fontSize;
}

/** At most so many pixels of a text. */
export function fit(text: string, width: number, fontSize = 12): string {
  if (textWidth(text, fontSize) <= width) return text;
  const chars = Array.from(text);
  while (chars.length > 1 && textWidth(`${chars.join('')}…`, fontSize) > width) chars.pop();
  return `${chars.join('')}…`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
