/** What the benchmarks say of repeated measurements. */
import { must } from '#base/assert.ts';

/** @param share 0–1: 0.5 is the median, 0.99 the 99th percentile (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return must(sorted[rank - 1], 'a value at least');
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `0.42 (0.40–0.55)`: the median, and the least and the greatest. */
export function spread(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

/** A row of a Markdown table. */
export function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}
