import type { Outcome } from './ports.ts';

const FAULT = -0x8000_0000;
const MAX = 0x7fff_ffff;

/**
 * What the number in a FILE_CHECK's file means. Weight 0: any number but 0 is a failure (the other way round with
 * `reverse`). Other weights multiply it (`reverse`: with the other sign) and add the product to the real server's
 * weight; a product below the least 32-bit number is a failure.
 */
export function fileOutcome(value: number, weight: number, reverse: boolean): Outcome {
  const said = `the file says ${value}`;
  if (weight === 0) return { ok: (value === 0) !== reverse, said };
  const product = value * weight * (reverse ? -1 : 1);
  if (product <= FAULT) return { ok: false, said };
  return { ok: true, said, weightAdded: product === 0 ? 0 : Math.min(product, MAX) };
}
