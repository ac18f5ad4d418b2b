/**
 * Reads what `tcpdump -w` writes: the classic capture file of pcap-savefile(5), either byte order, microseconds or
 * nanoseconds, link type Ethernet.
 */

/** One record of a capture file. */
export interface PcapRecord {
  /** Epoch milliseconds, with what is finer as fraction. */
  readonly timeMs: number;
  /** The frame as far as it was captured. */
  readonly frame: Uint8Array;
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LINKTYPE_ETHERNET = 1;
/** More than tcpdump's largest snapshot length: a longer record means that we have lost our place. */
const MAX_FRAME_BYTES = 262_144;

/** Takes the bytes of a capture as they come and yields the records that are complete. */
export class PcapReader {
  #rest: Uint8Array = new Uint8Array(0);
  #format: { littleEndian: boolean; fractionsPerMs: number } | undefined;

  /** @throws {Error} when the bytes are no Ethernet capture. */
  push(chunk: Uint8Array): PcapRecord[] {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const view = new DataView(bytes.buffer);
    let at = 0;
    if (!this.#format) {
      if (bytes.length < FILE_HEADER_BYTES) {
        this.#rest = bytes;
        return [];
      }
      this.#format = readFileHeader(view);
      at = FILE_HEADER_BYTES;
    }
    const { littleEndian, fractionsPerMs } = this.#format;
    const records: PcapRecord[] = [];
    while (bytes.length - at >= RECORD_HEADER_BYTES) {
      const length = view.getUint32(at + 8, littleEndian);
      if (length > MAX_FRAME_BYTES) throw new Error(`a record of ${length} bytes is no frame`);
      const end = at + RECORD_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const timeMs =
        view.getUint32(at, littleEndian) * 1000 + view.getUint32(at + 4, littleEndian) / fractionsPerMs;
      records.push({ timeMs, frame: bytes.slice(at + RECORD_HEADER_BYTES, end) });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return records;
  }
}

function readFileHeader(view: DataView): { littleEndian: boolean; fractionsPerMs: number } {
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    const fractionsPerMs = magic === 0xa1b2c3d4 ? 1000 : magic === 0xa1b23c4d ? 1_000_000 : undefined;
    if (fractionsPerMs === undefined) continue;
    const linkType = view.getUint32(20, littleEndian) & 0xffff;
    if (linkType !== LINKTYPE_ETHERNET) throw new Error(`link type ${linkType} is not Ethernet`);
    return { littleEndian, fractionsPerMs };
  }
  throw new Error('not a pcap file');
}
