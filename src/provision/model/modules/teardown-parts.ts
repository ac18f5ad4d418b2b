/** Probes of many ledger entries in one part of a program. */
import { type Fragment, sh } from '#provision/model/shell.ts';

/** Answers with `STATUS LENGTH`, a line, and that many bytes. */
export function asPart(probe: Fragment): Fragment {
  return sh`t_g() {
:
${probe}
}
t_part`;
}

/** Reads what {@link asPart} answers, one after the other, from byte `from` on. Throws SyntaxError where one failed. */
export function answersIn(answer: Uint8Array, from = 0): Uint8Array[] {
  const answers: Uint8Array[] = [];
  let at = from;
  while (at < answer.length) {
    const end = answer.indexOf(0x0a, at);
    const [status = '', length = ''] = new TextDecoder().decode(answer.subarray(at, end)).split(' ');
    const bytes = answer.subarray(end + 1, end + 1 + Number(length));
    if (status !== '0') throw new SyntaxError(new TextDecoder().decode(bytes));
    answers.push(bytes);
    at = end + 1 + Number(length);
  }
  return answers;
}
