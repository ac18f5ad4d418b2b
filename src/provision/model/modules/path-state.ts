/** What is at a path of a host: as a probe answers, as the ledger keeps it, as it is put back. */
import { createHash } from 'node:crypto';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import type { Json } from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';

/** Modes are octal without leading zeros, as `stat` prints them; owner and group are names, or numbers without one. */
export type PathState =
  | { readonly type: 'absent' | 'other' }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'directory'; readonly mode: string; readonly owner: string; readonly group: string }
  | {
      readonly type: 'file';
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
      readonly sha256: string;
    };

/** A probe's answer about one path. */
export interface SeenPath {
  readonly state: PathState;
  /** Numeric ids: what a task may write instead of names. */
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  readonly bytes: number | undefined;
  /** The file's text, if it was asked for, is small, and is UTF-8 without NUL. */
  readonly text: string | undefined;
  /** The nearest directory above that exists, if there is nothing. */
  readonly above: string | undefined;
  /** The configuration of the daemon that runs in this one's place, with what it includes. */
  readonly replaced?: string;
}

/** Longest content that comes back, in bytes. */
const CONTENT_MAX = 65_536;

/** Asks for {@link SeenPath}; with the content unless its hash is `known` or it is too long, and never if that is `-`. */
export function lookAt(path: string, known: string, contentMax: number = CONTENT_MAX): Fragment {
  return sh`t_look ${path} ${known} ${contentMax}`;
}

/** Reads the answer to {@link lookAt}. Throws SyntaxError if it is none. */
export function parseSeenPath(answer: Uint8Array): SeenPath {
  const end = answer.indexOf(0x0a);
  const whole = end < 0 ? answer : answer.subarray(0, end);
  const first = new TextDecoder().decode(whole);
  const nothing = { uid: undefined, gid: undefined, bytes: undefined, text: undefined, above: undefined };
  const [type, mode = '', owner = '', group = '', uid = '', gid = '', size = '', sha256 = ''] =
    first.split(' ');
  if (type === 'absent') return { ...nothing, state: { type }, above: first.slice('absent '.length) };
  if (type === 'other') return { ...nothing, state: { type } };
  if (type === 'link')
    return { ...nothing, state: { type, target: new TextDecoder().decode(answer).slice('link '.length) } };
  const names = { mode, owner: nameOr(owner, uid), group: nameOr(group, gid) };
  if (type === 'directory' && gid !== '') return { ...nothing, state: { type, ...names }, uid, gid };
  if (type !== 'file' || sha256.length !== 64)
    throw new SyntaxError(`not the state of a path: ${first.slice(0, 80)}`);
  const content = end < 0 ? new Uint8Array(0) : answer.subarray(end + 1);
  return {
    ...nothing,
    state: { type, ...names, sha256 },
    uid,
    gid,
    bytes: Number(size),
    text: textOf(content, sha256),
  };
}

function nameOr(name: string, id: string): string {
  return name === 'UNKNOWN' ? id : name;
}

/** A shell drops NUL bytes: what does not have the hash was not text. */
function textOf(content: Uint8Array, sha256: string): string | undefined {
  if (sha256Of(content) !== sha256) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Of(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** True if `seen` is what the ledger says Tandem made of it: same type, and same content or target where it says one. */
export function isOurs(seen: PathState, ours: Json): boolean {
  if (typeof ours !== 'object' || ours === null || Array.isArray(ours)) return false;
  const wanted = ours as Readonly<Record<string, Json>>;
  if (seen.type !== wanted['type']) return false;
  if (seen.type === 'file') return wanted['sha256'] === undefined || seen.sha256 === wanted['sha256'];
  return seen.type === 'link' ? seen.target === wanted['target'] : true;
}

/** Puts `path` back to what it was first; the content comes from the saved originals. */
export function restore(path: string, first: PathState): Fragment {
  switch (first.type) {
    case 'absent':
      return sh`if [ -d ${path} ] && [ ! -L ${path} ]; then rmdir ${path} 2>/dev/null || echo ${`${path} is not empty: left`}; else rm -f ${path}; fi`;
    case 'file':
      return lines([
        sh`t_h=$(sha256sum <${path}) || t_h=`,
        sh`if [ "\${t_h%% *}" = ${first.sha256} ]; then chown ${`${first.owner}:${first.group}`} ${path}; chmod ${first.mode} ${path}`,
        sh`else t_put "$t_state/originals/"${first.sha256} ${path} ${first.mode} ${`${first.owner}:${first.group}`}; fi`,
      ]);
    case 'directory':
      return sh`mkdir -p ${path}; chown ${`${first.owner}:${first.group}`} ${path}; chmod ${first.mode} ${path}`;
    case 'link':
      return sh`ln -sfn ${first.target} ${path}`;
    case 'other':
      return NOTHING;
  }
}

/** The path of a `file:` entry. */
export function pathOf(entry: LedgerEntry): string {
  return entry.resource.slice('file:'.length);
}
