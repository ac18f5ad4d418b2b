/** What keepalived says when `helo_name` is not given. */
const DEFAULT_HELO = 'smtpchecker.keepalived.org';
/** Longest reply, in bytes; RFC 5321 §4.5.3.1.5 says 512 for a line. */
const REPLY_LENGTH_MAX = 8 * 1024;

/** What to do after some text from the server: send a command, wait, or stop. */
export type DialogueStep =
  | { readonly kind: 'wait' }
  | { readonly kind: 'send'; readonly text: string }
  | { readonly kind: 'end'; readonly ok: boolean; readonly said: string };

interface Stage {
  readonly name: string;
  /** The code that the server must reply; undefined: any. */
  readonly code: string | undefined;
  /** What is said then; undefined: that was all. */
  readonly say: string | undefined;
}

/**
 * SMTP_CHECK's conversation: greeting 220, HELO, 250, QUIT, any reply. Replies may have several lines (RFC 5321 §4.2.1).
 */
export class SmtpDialogue {
  readonly #stages: readonly Stage[];
  #stage = 0;
  #text = '';

  constructor(heloName: string | undefined) {
    this.#stages = [
      { name: 'greeting', code: '220', say: `HELO ${heloName ?? DEFAULT_HELO}\r\n` },
      { name: 'reply to HELO', code: '250', say: 'QUIT\r\n' },
      { name: 'reply to QUIT', code: undefined, say: undefined },
    ];
  }

  /** What the server is to say now, for a message. */
  get awaited(): string {
    return this.#stages[this.#stage]?.name ?? 'nothing';
  }

  /** Takes text from the server. */
  push(text: string): DialogueStep {
    this.#text += text;
    const last = lastLineOf(this.#text);
    if (last === undefined) {
      const isTooLong = this.#text.length > REPLY_LENGTH_MAX;
      return isTooLong ? { kind: 'end', ok: false, said: `endless ${this.awaited}` } : { kind: 'wait' };
    }
    const stage = this.#stages[this.#stage];
    if (!stage) return { kind: 'wait' };
    if (stage.code !== undefined && !last.startsWith(stage.code))
      return { kind: 'end', ok: false, said: `${stage.name} "${printable(last)}"` };
    this.#stage++;
    this.#text = '';
    if (stage.say === undefined) return { kind: 'end', ok: true, said: 'SMTP dialogue' };
    return { kind: 'send', text: stage.say };
  }
}

/** The line that ends the reply: the first that is not `NNN-…`; undefined while it is not complete. */
function lastLineOf(text: string): string | undefined {
  const complete = text.split('\n').slice(0, -1);
  return complete.find(line => !/^\d\d\d-/.test(line))?.trimEnd();
}

function printable(line: string): string {
  return line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80);
}
