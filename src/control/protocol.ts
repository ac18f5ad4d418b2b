import type { VirtualServerStatus } from './server-status.ts';
import type { DaemonEvent, DaemonStatus, Explanation, HandoverResult, ReloadStatus } from './status.ts';

/** Version of the lines below; a peer that speaks another one is answered with `wrong-version`. */
export const CONTROL_VERSION = 1;

/** Where the daemon listens unless told otherwise. */
export const DEFAULT_CONTROL_SOCKET = '/run/tandemd/control.sock';

/** Longest request that the daemon accepts, in bytes. */
export const REQUEST_BYTES_MAX = 64 * 1024;

/** Longest answer, in bytes: the status of some ten thousand instances, or a hundred thousand real servers. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** What can be asked: the parameters and the answer of each request. */
export interface Requests {
  status: { parameters: Record<string, never>; result: DaemonStatus };
  /** Virtual and real servers, as the worker sees them; none if it does not answer. */
  servers: {
    parameters: Record<string, never>;
    result: { readonly virtualServers: readonly VirtualServerStatus[] };
  };
  /** Prometheus text exposition format. */
  stats: { parameters: Record<string, never>; result: { readonly text: string } };
  explain: { parameters: { readonly instance: string }; result: Explanation };
  /** Answers once, then sends events until the connection closes. */
  subscribe: { parameters: Record<string, never>; result: { readonly subscribed: true } };
  /**
   * Gives MASTER to the peer; answers when the peer was heard as MASTER, or fails. The instance does not preempt from then
   * on, until the peer is gone or it is asked again with `end`.
   */
  handover: {
    parameters: { readonly instance: string; readonly timeoutMs: number; readonly end?: boolean };
    result: HandoverResult;
  };
  reload: { parameters: Record<string, never>; result: ReloadStatus };
}

export type RequestName = keyof Requests;

/** Every request, for validation. */
const REQUEST_NAMES: readonly RequestName[] = [
  'status',
  'servers',
  'stats',
  'explain',
  'subscribe',
  'handover',
  'reload',
];

/** Why a request failed. `busy`: another one of the kind is under way. */
export type ControlErrorCode =
  | 'bad-request'
  | 'wrong-version'
  | 'no-such-instance'
  | 'not-master'
  | 'no-peer'
  | 'timeout'
  | 'busy'
  | 'failed';

/** One line from a client. */
export interface RequestLine {
  readonly v: number;
  /** Chosen by the client, repeated in the answer. */
  readonly id: number;
  readonly ask: RequestName;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** One line from the daemon. */
export type ReplyLine =
  | { readonly v: number; readonly id: number; readonly result: unknown }
  | {
      readonly v: number;
      readonly id: number;
      readonly error: { readonly code: ControlErrorCode; readonly message: string };
    }
  | { readonly v: number; readonly event: DaemonEvent };

/** A line as it goes over the wire. */
export function encodeLine(line: RequestLine | ReplyLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** A request, or why the line is not one. */
export function decodeRequest(
  text: string,
): RequestLine | { readonly id: number; readonly code: ControlErrorCode; readonly message: string } {
  const value = parseObject(text);
  if (!value) return { id: 0, code: 'bad-request', message: 'not a JSON object' };
  const id = typeof value['id'] === 'number' ? value['id'] : 0;
  if (value['v'] !== CONTROL_VERSION)
    return {
      id,
      code: 'wrong-version',
      message: `this daemon speaks version ${CONTROL_VERSION} of the protocol`,
    };
  const ask = REQUEST_NAMES.find(name => name === value['ask']);
  if (!ask) return { id, code: 'bad-request', message: `"ask" must be one of ${REQUEST_NAMES.join(', ')}` };
  const parameters = value['parameters'] ?? {};
  if (!isRecord(parameters)) return { id, code: 'bad-request', message: '"parameters" must be an object' };
  return { v: CONTROL_VERSION, id, ask, parameters };
}

/** A line of the daemon; undefined if it is not one, which a client treats as a broken connection. */
export function decodeReply(text: string): ReplyLine | undefined {
  const value = parseObject(text);
  if (!value || typeof value['v'] !== 'number') return undefined;
  const answers = typeof value['id'] === 'number' && ('result' in value || isRecord(value['error']));
  if (!answers && !isRecord(value['event'])) return undefined;
  return value as unknown as ReplyLine;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
