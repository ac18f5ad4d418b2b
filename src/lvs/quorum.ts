/**
 * Quorum of a virtual server, as keepalived decides it: gained at a sum of weights of at least quorum + hysteresis,
 * lost below quorum − hysteresis, and whenever the sum is 0.
 */
export interface QuorumRule {
  readonly quorum: number;
  /** Less than the quorum. */
  readonly hysteresis: number;
}

/** Whether there is quorum now. `sum`: weights of the real servers that are up. */
export function hasQuorum(rule: QuorumRule, had: boolean, sum: number): boolean {
  if (!had) return sum >= rule.quorum + rule.hysteresis;
  return sum > 0 && sum >= rule.quorum - rule.hysteresis;
}
