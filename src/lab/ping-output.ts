/** What a measurement with ping(8) says. */
export interface ProbeReport {
  readonly sent: number;
  readonly lost: number;
  /** Longest time between two answers, or from the last one (without any: from the start) to the end. */
  readonly largestGapMs: number;
  /** Epoch milliseconds of each answer, in order. */
  readonly answeredAtMs: readonly number[];
}

/** A line of `ping -D -O` about one echo. */
export interface PingAnswer {
  readonly sequence: number;
  readonly timeMs: number;
  /** False for "no answer yet" and for ICMP errors. */
  readonly answered: boolean;
}

/** Reads `[seconds.micros] 64 bytes from …: icmp_seq=7 …` or `[…] no answer yet for icmp_seq=7`; undefined for other lines. */
export function parsePingLine(line: string): PingAnswer | undefined {
  const match = /^\[(\d+\.\d+)\] (.*?)icmp_seq=(\d+)/.exec(line);
  if (!match) return undefined;
  const answered = /^\d+ bytes from /.test(match[2] ?? '');
  return { sequence: Number(match[3]), timeMs: Number(match[1]) * 1000, answered };
}

/** @param answers in the order of printing; an echo may appear as unanswered first and answered later. */
export function measure(answers: readonly PingAnswer[], startedAtMs: number, nowMs: number): ProbeReport {
  const answered = new Map<number, number>();
  let sent = 0;
  for (const answer of answers) {
    sent = Math.max(sent, answer.sequence);
    if (answer.answered && !answered.has(answer.sequence)) answered.set(answer.sequence, answer.timeMs);
  }
  const answeredAtMs = [...answered.values()].toSorted((a, b) => a - b);
  let largestGapMs = nowMs - (answeredAtMs.at(-1) ?? startedAtMs);
  for (const [index, timeMs] of answeredAtMs.entries()) {
    if (index > 0) largestGapMs = Math.max(largestGapMs, timeMs - (answeredAtMs[index - 1] ?? timeMs));
  }
  return { sent, lost: sent - answered.size, largestGapMs, answeredAtMs };
}
