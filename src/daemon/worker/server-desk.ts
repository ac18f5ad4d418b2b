import { messageOf } from '#base/errors.ts';
import { readConfiguration } from '#daemon/configuration.ts';
import { inSlices } from '#daemon/slices.ts';
import { openIpvs } from '#linux/ipvs.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import { type NoticeTools, ServerNotices } from './server-notices.ts';
import { VirtualServers } from './virtual-servers.ts';

/** Severities of RFC 5424 §6.2.1. */
const NOTICE = 5;
const WARNING = 4;

/** Work on a configuration between two looks at orders, checks and the heartbeat. */
const READING_SLICE_MS = 20;

/** Characters of a report in one record. */
const PIECE_LENGTH = 32 * 1024;

/** What the VRRP process asks about virtual servers, done; nothing is loaded or opened before the first `loadServers`. */
export class ServerDesk {
  readonly #send: (record: WorkerRecord) => void;
  readonly #notices: ServerNotices;
  /** States of instances that were told before there was a configuration. */
  readonly #states = new Map<string, string>();
  #servers: VirtualServers | undefined;
  #reading: AbortController | undefined;

  constructor(send: (record: WorkerRecord) => void, tools: NoticeTools) {
    this.#send = send;
    this.#notices = new ServerNotices(tools);
  }

  obey({ kind, id, strings }: WorkerRecord): void {
    const [first = '', second = '', third = '', fourth = ''] = strings;
    if (kind === 'loadServers') this.#load(first, second, third, fourth);
    else if (kind === 'instanceState') {
      this.#states.set(first, second);
      this.#servers?.instanceIs(first, second);
    } else if (kind === 'askServers') this.#report(id);
  }

  /** Stops in good order. */
  stop(): void {
    this.#reading?.abort();
    this.#servers?.stop();
    this.#servers = undefined;
  }

  /**
   * The VRRP process has found the file good; the same bytes are read again here, so that it need not hand them over. It is
   * read in slices, and the newest order counts.
   */
  #load(configFile: string, configId: string, sha256: string, record: string): void {
    const servers = (this.#servers ??= this.#open(record));
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const flags = { configFile, configId: configId || undefined };
    const pace = { sliceMs: READING_SLICE_MS, pauseMs: 0, nowMs: () => performance.now() };
    inSlices(readConfiguration(flags, 'worker'), pace, reading.signal)
      .then(loaded => {
        if (loaded.sha256() === sha256) {
          servers.load(loaded.config);
          return;
        }
        const what = `${configFile} changed while it was being loaded`;
        this.#log(WARNING, `${what}: virtual servers stay as they were; reload once more`);
      })
      .catch((error: unknown) => {
        if (!reading.signal.aborted)
          this.#log(WARNING, `${configFile}: virtual servers stay as they were: ${messageOf(error)}`);
      });
  }

  #open(record: string): VirtualServers {
    const servers = new VirtualServers({
      nowMs: () => performance.now(),
      openIpvs,
      notice: line => this.#log(NOTICE, line),
      warn: line => this.#log(WARNING, line),
      notices: this.#notices,
      record,
    });
    for (const [name, state] of this.#states) servers.instanceIs(name, state);
    return servers;
  }

  #report(id: number): void {
    const text = asciiJson(this.#servers?.status() ?? []);
    for (let at = 0; at < text.length; at += PIECE_LENGTH) {
      const isLast = at + PIECE_LENGTH >= text.length;
      const piece = text.slice(at, at + PIECE_LENGTH);
      this.#send({ kind: 'servers', id, code: isLast ? 0 : 1, strings: [piece] });
    }
  }

  #log(code: number, line: string): void {
    this.#send({ kind: 'log', id: 0, code, strings: [line.replaceAll('\0', '')] });
  }
}

/** Pieces of it are text too, wherever it is cut. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
