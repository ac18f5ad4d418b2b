import type { Authentication, Family, InitialState, VrrpVersion } from './model.ts';
import type { Report } from './report.ts';
import { SecretBytes } from './secret.ts';
import { PRIORITY_OWNER } from './timers.ts';
import { readBlock, Settings } from './values.ts';

/** RFC 2338 §5.3.6: eight bytes, zero padded. */
const AUTH_DATA_LENGTH = 8;

interface Facts {
  readonly strict: boolean;
  readonly version: VrrpVersion;
  readonly family: Family;
  readonly election: { readonly state: InitialState | undefined; readonly priority: number };
}

/** `authentication { auth_type … auth_pass … }`; undefined where it does not apply, after a diagnostic. */
export function buildAuthentication(
  name: string,
  instance: Settings,
  facts: Facts,
  report: Report,
): Authentication | undefined {
  const statements = instance.all('authentication').flatMap(setting => setting.statement.block ?? []);
  if (!instance.has('authentication')) return undefined;
  const position = instance.positionOf('authentication');
  const settings = new Settings(position, readBlock('authentication', statements, report));
  const type = settings.text('auth_type');
  const password = settings.text('auth_pass');
  const ignored = whyIgnored(type, password, facts);
  if (ignored !== undefined) {
    report.error('authentication-ignored', position, `the authentication of ${name} is ignored: ${ignored}`);
    return undefined;
  }
  if (type === undefined || password === undefined) return undefined;
  const bytes = new TextEncoder().encode(password);
  if (bytes.length > AUTH_DATA_LENGTH) {
    const message = `only the first ${AUTH_DATA_LENGTH} bytes of auth_pass count; the rest is cut off`;
    report.error(
      'auth-pass-truncated',
      settings.positionOf('auth_pass'),
      message,
      'use at most 8 characters on all routers',
    );
  }
  const data = new Uint8Array(AUTH_DATA_LENGTH);
  data.set(bytes.subarray(0, AUTH_DATA_LENGTH));
  const { state, priority } = facts.election;
  if (type === 'AH' && state === 'MASTER' && priority !== PRIORITY_OWNER) {
    const message = `${name} starts as BACKUP: with AH it must hear the current master's sequence number first`;
    report.error('ah-master', instance.positionOf('state'), message, 'write `state BACKUP`');
  }
  return { type: type === 'AH' ? 'AH' : 'PASS', data: new SecretBytes(data), position };
}

function whyIgnored(
  type: string | undefined,
  password: string | undefined,
  facts: Facts,
): string | undefined {
  if (facts.strict) return 'strict mode forbids it';
  if (facts.version === 3) return 'version 3 has none (RFC 9568 §9)';
  if (password === undefined || password === '') return 'it has no `auth_pass`';
  if (type === undefined) return 'it has no `auth_type`';
  return type === 'AH' && facts.family === 6 ? 'AH needs IPv4' : undefined;
}
