import type { RealState } from './state.ts';

const WEIGHT_MAX = 65_535;

/** The weight that the configuration and all checkers ask for together, 0–65535 (keepalived: `effective_weight`). */
export function weightOf({ config, checks }: Pick<RealState, 'config' | 'checks'>): number {
  const changes = checks.map(({ opinion: { weight, weightAdded } }) =>
    weight === undefined ? weightAdded : weight - config.weight + weightAdded,
  );
  const sum = changes.reduce((total, change) => total + change, config.weight);
  return Math.min(Math.max(sum, 0), WEIGHT_MAX);
}
