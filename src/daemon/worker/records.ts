import type { ReaderCommand } from './fifo-reader.ts';
import type { Mail } from './mailer.ts';
import type { TrackedProcess } from './process-trackers.ts';

/** The strings of a `trackProcess` record, read. */
export function readProcess(strings: readonly string[]): TrackedProcess {
  const [quorum, quorumMax = '', forkDelayMs, terminateDelayMs, match, comparedWith, ...process] = strings;
  return {
    process,
    paramMatch: match === 'exact' || match === 'initial' || match === 'partial' ? match : undefined,
    fullCommand: comparedWith === 'path',
    quorum: Number(quorum),
    quorumMax: quorumMax === '' ? undefined : Number(quorumMax),
    forkDelayMs: Number(forkDelayMs),
    terminateDelayMs: Number(terminateDelayMs),
  };
}

/** The strings of a `fifo` record, read: path, owner, reader. */
export function readFifo(
  strings: readonly string[],
): [string, { readonly user: string; readonly group: string }, ReaderCommand | undefined] {
  const [path = '', user = '', group = '', runAs = '', runAsGroup = '', ...argv] = strings;
  const reader = argv.length === 0 ? undefined : { user: runAs, group: runAsGroup, argv: [...argv, path] };
  return [path, { user, group }, reader];
}

/** The strings of a `mail` record, read. */
export function readMail(strings: readonly string[]): Mail {
  const [server = '', port, heloName = '', timeoutMs, from = '', subject = '', text = '', ...to] = strings;
  const connectTimeoutMs = Number(timeoutMs);
  return { server, port: Number(port), heloName, connectTimeoutMs, from, subject, text, to };
}
