/**
 * Cuts a stream into lines. Bytes are held until their line ends, so that a character cut in two by the transport
 * is never decoded in halves. At most `bytesMax` are held.
 */
export class LineSplitter {
  readonly #bytesMax: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that `chunk` completes, without their ends; undefined once a line is longer than the bound. */
  push(chunk: Uint8Array): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const part = chunk.subarray(start, end < 0 ? chunk.length : end);
      if (this.#heldBytes + part.length > this.#bytesMax) return undefined;
      this.#held.push(part);
      this.#heldBytes += part.length;
      if (end < 0) return lines;
      lines.push(this.#take());
      start = end + 1;
    }
  }

  #take(): string {
    const decoder = new TextDecoder();
    const text = this.#held.map(part => decoder.decode(part, { stream: true })).join('') + decoder.decode();
    this.#held = [];
    this.#heldBytes = 0;
    return text;
  }
}
