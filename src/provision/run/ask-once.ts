/** A prompt that a run of many hosts can bear: one question at a time, and the same one only once. */
import type { Ask, Question } from './ports.ts';

/**
 * Wraps what asks on the terminal. A passphrase is asked once per key file; a password and sudo's password once per
 * user, as they are usually the same on all hosts of an inventory (Ansible's -k and -K ask once, too).
 */
export function askOnce(ask: Ask): Ask {
  const answers = new Map<string, ReturnType<Ask>>();
  let last: Promise<unknown> = Promise.resolve();
  return question => {
    const key = `${question.kind} ${subjectOf(question)}`;
    const known = answers.get(key);
    if (known) return known;
    const answer = last.then(() => ask(question));
    last = answer.catch(() => undefined);
    answers.set(key, answer);
    return answer;
  };
}

function subjectOf({ kind, about }: Question): string {
  return kind === 'passphrase' ? about : about.slice(0, Math.max(0, about.indexOf('@')));
}
