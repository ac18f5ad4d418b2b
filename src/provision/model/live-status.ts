/** What the VRRP daemon of a host says of itself, whichever runs: how it is asked, and how the answer reads. */
import type { LiveStatus } from '#control/server-status.ts';
import { parseKeepalived } from './keepalived-status.ts';
import { type Fragment, sh } from './shell.ts';

/** Asks the running daemon for its status; prints nothing where none runs, and says on stderr why one does not tell. */
export function liveProbe(): Fragment {
  return sh`( PATH=/opt/tandem/current/bin:$PATH; command -v tandemd >/dev/null && timeout 10 tandemd status --json ) || t_keepalived`;
}

/** Undefined where none runs. Throws SyntaxError where one does not tell, with the reason. */
export function parseLive(answer: Uint8Array): LiveStatus | undefined {
  const text = new TextDecoder().decode(answer);
  if (text.trim() === '') return undefined;
  if (!text.startsWith('{')) return parseKeepalived(text);
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'instances' in value) return value as LiveStatus;
  throw new SyntaxError(`the status has no instances: ${text.slice(0, 200)}`);
}
