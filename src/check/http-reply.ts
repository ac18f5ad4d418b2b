/** Longest head (status line and header fields), in bytes. */
export const HEAD_LENGTH_MAX = 64 * 1024;
/** Longest body, in bytes. */
export const BODY_LENGTH_MAX = 16 * 1024 * 1024;

const EMPTY = new Uint8Array(0);

/** Where reading stands: more is to come, all that `Content-Length` announced is here, or it is longer than we read. */
export type ReplyProgress = 'open' | 'complete' | 'head too long' | 'body too long';

/**
 * Reads an HTTP answer as keepalived does: the status line, all else up to the first empty line, and then the body as it
 * came: a `Transfer-Encoding` is not decoded, because digests are made of the undecoded body (genhash).
 */
export class HttpReply {
  #head: Uint8Array = EMPTY;
  #isHeadDone = false;
  #status = 0;
  #announced: number | undefined;
  #bodyLength = 0;

  /** 100–599; 0 for what is no HTTP, or before the head is complete. */
  get status(): number {
    return this.#status;
  }

  get isHeadDone(): boolean {
    return this.#isHeadDone;
  }

  /** Takes what was received; `onBody` gets the part of it that belongs to the body. */
  push(chunk: Uint8Array, onBody: (part: Uint8Array) => void): ReplyProgress {
    const part = this.#isHeadDone ? chunk : this.#pushHead(chunk);
    if (!part) return this.#head.length > HEAD_LENGTH_MAX ? 'head too long' : 'open';
    const rest = this.#announced === undefined ? Infinity : this.#announced - this.#bodyLength;
    const counted = part.length > rest ? part.subarray(0, rest) : part;
    this.#bodyLength += counted.length;
    if (this.#bodyLength > BODY_LENGTH_MAX) return 'body too long';
    if (counted.length > 0) onBody(counted);
    return this.#bodyLength === this.#announced ? 'complete' : 'open';
  }

  /** The part of the chunk after the head; undefined while that is incomplete. */
  #pushHead(chunk: Uint8Array): Uint8Array | undefined {
    const known = this.#head.length;
    const joined = new Uint8Array(known + chunk.length);
    joined.set(this.#head);
    joined.set(chunk, known);
    this.#head = joined;
    const end = endOfHead(joined, Math.max(0, known - 3));
    if (end === undefined || end > HEAD_LENGTH_MAX) return undefined;
    const text = new TextDecoder('latin1').decode(joined.subarray(0, end));
    this.#isHeadDone = true;
    this.#head = EMPTY;
    this.#status = statusOf(text);
    this.#announced = contentLengthOf(text);
    return joined.subarray(end);
  }
}

/** Where the body begins: after the first empty line. */
function endOfHead(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(13, from); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at + 4;
  }
  return undefined;
}

/** RFC 9112 §4; the reason phrase and the blank before it may be absent. */
function statusOf(head: string): number {
  const [, status = '0'] = /^HTTP\/\S* ([1-5]\d\d)(?: |\r)/.exec(head) ?? [];
  return Number(status);
}

function contentLengthOf(head: string): number | undefined {
  const [, digits] = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r/i.exec(head) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
