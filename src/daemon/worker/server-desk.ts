import { messageOf } from '#base/errors.ts';
import { readConfiguration } from '#daemon/configuration.ts';
import { serverMetrics } from '#daemon/server-metrics.ts';
import { METRICS } from '#daemon/server-orders.ts';
import { inSlices } from '#daemon/slices.ts';
import { openIpvs } from '#linux/ipvs.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import type { ParentLink } from './parent-link.ts';
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
  readonly #link: Pick<ParentLink, 'send' | 'alive'>;
  readonly #notices: ServerNotices;
  /** States of instances that were told before there was a configuration. */
  readonly #states = new Map<string, string>();
  #servers: VirtualServers | undefined;
  #reading: AbortController | undefined;

  constructor(link: Pick<ParentLink, 'send' | 'alive'>, tools: NoticeTools) {
    this.#link = link;
    this.#notices = new ServerNotices(tools);
  }

  obey({ kind, id, code, strings }: WorkerRecord): void {
    const [first = '', second = '', third = '', fourth = ''] = strings;
    if (kind === 'loadServers') this.#load(first, second, third, fourth);
    else if (kind === 'instanceState') {
      this.#states.set(first, second);
      this.#servers?.instanceIs(first, second);
    } else if (kind === 'askServers') this.#report(id, code);
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
      alive: () => this.#link.alive(),
      record,
    });
    for (const [name, state] of this.#states) servers.instanceIs(name, state);
    return servers;
  }

  #report(id: number, what: number): void {
    const servers = this.#servers?.status() ?? [];
    const text = what === METRICS ? serverMetrics(servers) : JSON.stringify(servers);
    let at = 0;
    do {
      // Half a character cannot be sent.
      const end = at + PIECE_LENGTH + (isHighSurrogate(text.charCodeAt(at + PIECE_LENGTH - 1)) ? 1 : 0);
      this.#link.send({
        kind: 'servers',
        id,
        code: end < text.length ? 1 : 0,
        strings: [text.slice(at, end)],
      });
      at = end;
    } while (at < text.length);
  }

  #log(code: number, line: string): void {
    this.#link.send({ kind: 'log', id: 0, code, strings: [line.replaceAll('\0', '')] });
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
