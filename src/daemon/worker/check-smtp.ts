import type { AttemptEnd } from '#check/ports.ts';
import { SmtpDialogue } from '#check/smtp-dialogue.ts';
import type { Checker } from '#conf/model.ts';
import { type AttemptDone, type CancelAttempt, placeOf } from './check-attempt.ts';
import { type Conversation, converse } from './check-stream.ts';

type SmtpChecker = Extract<Checker, { readonly kind: 'SMTP_CHECK' }>;

/** SMTP_CHECK: greeting, HELO, QUIT. */
export function attemptSmtp(checker: SmtpChecker, done: AttemptDone): CancelAttempt {
  return converse(checker, new SmtpConversation(checker), done);
}

class SmtpConversation implements Conversation {
  readonly place: string;
  readonly opening = '';
  readonly #dialogue: SmtpDialogue;

  constructor(checker: SmtpChecker) {
    this.place = placeOf(checker);
    this.#dialogue = new SmtpDialogue(checker.heloName);
  }

  awaited(): string {
    return this.#dialogue.awaited;
  }

  hear(chunk: Uint8Array): AttemptEnd | string | undefined {
    const step = this.#dialogue.push(Buffer.from(chunk).toString('latin1'));
    switch (step.kind) {
      case 'wait':
        return undefined;
      case 'send':
        return step.text;
      case 'end':
        return { made: true, ok: step.ok, said: `${step.said} from ${this.place}` };
    }
  }

  closed(): AttemptEnd {
    const said = `the connection was closed instead of a ${this.awaited()} from ${this.place}`;
    return { made: true, ok: false, said };
  }
}
