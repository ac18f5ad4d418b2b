import type { HttpUrl } from '#conf/model.ts';

/** keepalived's default for `status_code`. */
const DEFAULT_STATUS_CODES = [{ first: 200, last: 299 }] as const;

/** What was received of a url's answer. */
export interface HttpAnswer {
  /** 0: it was no HTTP. */
  readonly status: number;
  /** Hexadecimal MD5 of the body; undefined if the url has no digest. */
  readonly digest: string | undefined;
  /** Whether the url's regex matched, if that could be found out; undefined if it has none. */
  readonly matched: boolean | 'too hard' | undefined;
}

/** Why the answer is not the right one; undefined if it is. Status, digest and regex must all be right. */
export function faultOf(url: HttpUrl, { status, digest, matched }: HttpAnswer): string | undefined {
  if (status === 0) return 'no HTTP answer';
  const codes = url.statusCodes.length > 0 ? url.statusCodes : DEFAULT_STATUS_CODES;
  if (!codes.some(({ first, last }) => status >= first && status <= last)) return `HTTP status ${status}`;
  const wanted = url.digest?.toLowerCase();
  if (wanted !== undefined && digest !== wanted)
    return `HTTP status ${status}, MD5 ${digest} instead of ${wanted}`;
  if (url.regex === undefined || matched === !url.regexNoMatch) return undefined;
  if (matched === 'too hard') return `HTTP status ${status}, too hard a match of ${url.regex}`;
  const words = url.regexNoMatch ? 'a body that matches' : 'no match for';
  return `HTTP status ${status}, ${words} ${url.regex}`;
}
