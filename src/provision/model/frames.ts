/** Reads a program's answers: frames that carry the program's nonce and announce their lengths, amid any noise. */

/** One fragment's answer. */
export interface Frame {
  /** The fragment's id, or `end` for the program: then exit ≠ 0 means that the session lost its place. */
  readonly id: string;
  readonly exit: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Longest header line: nonce, id, three numbers. */
const HEADER_BYTES_MAX = 256;

/** More than any probe answers; a host that sends more is broken or hostile. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** What the remote sent cannot be the answer to the program. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/**
 * Incremental: push what arrives, in pieces of any size, get the frames that it completes. What is between frames
 * (banners, start-up files' output) is skipped; what a frame announces is taken as it is, whatever it looks like.
 */
export class FrameParser {
  readonly #prefix: Uint8Array;
  #buffer: Uint8Array = new Uint8Array(0);
  #used = 0;
  #header: { id: string; exit: number; out: number; err: number } | undefined;
  /** True once the `end` frame was seen. */
  ended = false;

  constructor(nonce: string) {
    this.#prefix = new TextEncoder().encode(`\n${nonce} `);
  }

  /** Throws {@link FrameError} on a header that no program of ours writes. */
  push(chunk: Uint8Array): Frame[] {
    this.#append(chunk);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  /** Amortised: the buffer doubles, so that many small chunks of one large frame cost linear time. */
  #append(chunk: Uint8Array): void {
    if (this.#used + chunk.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(4096, 2 * (this.#used + chunk.length)));
      grown.set(this.#buffer.subarray(0, this.#used));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  #drop(length: number): void {
    this.#buffer.copyWithin(0, length, this.#used);
    this.#used -= length;
  }

  #next(): Frame | undefined {
    this.#header ??= this.#readHeader();
    const header = this.#header;
    if (!header || this.#used < header.out + header.err) return undefined;
    const stderr = this.#buffer.slice(0, header.err);
    const stdout = this.#buffer.slice(header.err, header.err + header.out);
    this.#drop(header.err + header.out);
    this.#header = undefined;
    if (header.id === 'end') this.ended = true;
    return { id: header.id, exit: header.exit, stdout, stderr };
  }

  #readHeader(): { id: string; exit: number; out: number; err: number } | undefined {
    const start = this.#indexOfPrefix();
    if (start > 0) this.#drop(start);
    const data = this.#buffer.subarray(0, this.#used);
    if (data.length < this.#prefix.length) return undefined;
    const end = data.indexOf(0x0a, this.#prefix.length);
    if (end < 0) {
      if (data.length > HEADER_BYTES_MAX) throw new FrameError('an answer’s header has no end');
      return undefined;
    }
    const text = new TextDecoder().decode(data.subarray(this.#prefix.length, end));
    const match = /^([\w.:/-]+) (\d{1,3}) (\d{1,10}) (\d{1,10})$/.exec(text);
    const [, id = '', exit = '', out = '', err = ''] = match ?? [];
    if (!match || Number(out) + Number(err) > FRAME_BYTES_MAX)
      throw new FrameError(`an answer begins with ${JSON.stringify(text.slice(0, 80))}`);
    this.#drop(end + 1);
    return { id, exit: Number(exit), out: Number(out), err: Number(err) };
  }

  /** Where the next header begins, or as far as noise certainly reaches. */
  #indexOfPrefix(): number {
    const prefix = this.#prefix;
    for (let at = 0; at < this.#used; at++) {
      let length = 0;
      while (
        length < prefix.length &&
        at + length < this.#used &&
        this.#buffer[at + length] === prefix[length]
      )
        length++;
      if (length === prefix.length || at + length === this.#used) return at;
    }
    return this.#used;
  }
}
