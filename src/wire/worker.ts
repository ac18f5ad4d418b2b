import { assert } from '#base/assert.ts';
import { layout, u16be, u32be, u8, viewOf } from './layout.ts';

/**
 * Records between the VRRP process and its worker, one layout for all: a fixed header, then `bodyLength` bytes of
 * NUL-terminated UTF-8 strings (an argv cannot hold a NUL, so nothing needs escaping).
 */

/** Which record it is. */
export const WORKER_RECORD = {
  /** Worker: it is up and has read nothing yet. */
  ready: 1,
  /** Worker: it is alive; sent every second. */
  heartbeat: 2,
  /** VRRP: run `strings[4…]` every `strings[0]` ms, each time for at most `strings[1]` ms, as user `strings[2]` and group `strings[3]`; `id` names it. */
  trackScript: 3,
  /** VRRP: stop tracking the script, file or process `id`. */
  untrack: 4,
  /** Worker: a run of the script `id` ended: `code` is its exit code, or `SCRIPT_*`; `strings[0]` says it in words. */
  scriptResult: 5,
  /** VRRP: run `strings[3…]` once as user `strings[1]` and group `strings[2]`, after all earlier ones of the queue `strings[0]`. */
  notify: 6,
  /** VRRP: write the line `strings[1]` to the FIFO `strings[0]`. */
  fifoLine: 7,
  /** Worker: log `strings[0]` with the severity `code` (RFC 5424 §6.2.1). */
  log: 8,
  /** VRRP: finish the notifications that wait, then end. */
  finish: 9,
  /** VRRP: tell the number in the file `strings[0]` now and whenever it changes. */
  trackFile: 10,
  /** Worker: the file `id` says `strings[0]`. */
  fileValue: 11,
  /**
   * VRRP: watch for processes `strings[6…]` (a name or path, then parameters): least number `strings[0]`, greatest
   * `strings[1]` (empty: none), ms before gained and lost quorum count `strings[2]` and `strings[3]`, `param_match`
   * `strings[4]` (empty: parameters are not looked at), and `strings[5]` `comm` or `path`: what the name is compared with.
   */
  trackProcess: 12,
  /** Worker: the processes `id` have their quorum (`code` 1) or not (0); `strings[0]` is how many there are. */
  processResult: 13,
  /**
   * VRRP: make the FIFO `strings[0]`, for user `strings[1]` and group `strings[2]`, unless it is there, and keep its
   * reader `strings[5…]` running, if there is one, as user `strings[3]` and group `strings[4]`.
   */
  fifo: 14,
  /**
   * VRRP: send a mail through the server `strings[0]`, port `strings[1]`, with the HELO name `strings[2]` (empty: the
   * host's), within `strings[3]` ms for the connection, from `strings[4]` (empty: keepalived@HOST), with the subject
   * `strings[5]` and the text `strings[6]`, to `strings[7…]`.
   */
  mail: 15,
  /**
   * VRRP: take up the virtual servers of the configuration file `strings[0]` (with config id `strings[1]`, empty: the
   * host's name) if what is read hashes to `strings[2]`; `strings[3]` is the file that remembers what is ours in IPVS.
   */
  loadServers: 16,
  /** VRRP: the instance `strings[0]`, which `lvs_sync_daemon` follows, is in state `strings[1]`. */
  instanceState: 17,
  /** VRRP: report on the virtual servers as a JSON array (`code` 0) or as metrics (1). */
  askServers: 18,
  /** Worker: the answer to `askServers` of this `id`: text in pieces, `code` 0 with the last one. */
  servers: 19,
} as const;

/** Codes of `scriptResult` beyond exit codes: 256 + n is death by signal n. */
export const SCRIPT_SIGNALLED = 256;
export const SCRIPT_TIMED_OUT = 512;
export const SCRIPT_NOT_RUN = 513;

export type WorkerRecordKind = keyof typeof WORKER_RECORD;

const header = layout({ bodyLength: u32be, kind: u8, reserved: u8, code: u16be, id: u32be });

/** Longest body, in bytes: an argv may not be longer on Linux either (MAX_ARG_STRLEN is 128 KiB). */
export const BODY_LENGTH_MAX = 256 * 1024;

/** One record. */
export interface WorkerRecord {
  readonly kind: WorkerRecordKind;
  /** 0…0xffffffff; 0 where it has no meaning. */
  readonly id: number;
  /** 0…0xffff; 0 where it has no meaning. */
  readonly code: number;
  readonly strings: readonly string[];
}

const KIND_OF_NUMBER = new Map<number, WorkerRecordKind>(
  Object.entries(WORKER_RECORD).map(([kind, number]) => [number, kind as WorkerRecordKind]),
);

/** The record's bytes, header and body. */
export function encodeWorkerRecord(record: WorkerRecord): Uint8Array {
  const encoder = new TextEncoder();
  const body = encoder.encode(record.strings.map(text => `${text}\0`).join(''));
  assert(body.length <= BODY_LENGTH_MAX, `a worker record of ${body.length} bytes`);
  assert(
    record.strings.every(text => !text.includes('\0')),
    'a NUL in a string of a worker record',
  );
  const encoded = new Uint8Array(header.length + body.length);
  const { id, code } = record;
  header.write(viewOf(encoded), 0, {
    bodyLength: body.length,
    kind: WORKER_RECORD[record.kind],
    reserved: 0,
    code,
    id,
  });
  encoded.set(body, header.length);
  return encoded;
}

/** The other side broke the framing; the stream cannot be used any more. */
export class WorkerFramingError extends Error {
  override name = 'WorkerFramingError';
}

/** Cuts a stream into records. Holds at most one unfinished record. */
export class WorkerRecordReader {
  #held: Uint8Array = new Uint8Array(0);

  /** The records that `chunk` completes. Throws {@link WorkerFramingError}. */
  push(chunk: Uint8Array): WorkerRecord[] {
    const bytes = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    const view = viewOf(bytes);
    const records: WorkerRecord[] = [];
    let offset = 0;
    for (;;) {
      const head = header.decode(view, offset);
      if (!head) break;
      const kind = KIND_OF_NUMBER.get(head.kind);
      if (!kind) throw new WorkerFramingError(`unknown record kind ${head.kind}`);
      if (head.bodyLength > BODY_LENGTH_MAX)
        throw new WorkerFramingError(`a body of ${head.bodyLength} bytes`);
      const end = offset + header.length + head.bodyLength;
      if (end > bytes.length) break;
      const strings = decodeStrings(bytes.subarray(offset + header.length, end));
      records.push({ kind, id: head.id, code: head.code, strings });
      offset = end;
    }
    this.#held = bytes.slice(offset);
    return records;
  }
}

function decodeStrings(body: Uint8Array): string[] {
  if (body.length === 0) return [];
  if (body.at(-1) !== 0) throw new WorkerFramingError('a string without its end');
  return new TextDecoder().decode(body.subarray(0, -1)).split('\0');
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}
