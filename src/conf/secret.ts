const REDACTED = '[secret]';

/** Bytes that must never be printed: string conversion, JSON and Node's inspect all show a placeholder. */
export class SecretBytes {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  /** A copy of the bytes, for the codec that puts them on the wire. */
  reveal(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** Whether both hold the same bytes. */
  equals(other: SecretBytes): boolean {
    const bytes = other.#bytes;
    return bytes.length === this.#bytes.length && bytes.every((byte, i) => byte === this.#bytes[i]);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
