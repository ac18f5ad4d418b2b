import { parseIpv4, type Family } from '#base/address.ts';
import type { VirtualServer } from './model.ts';
import { parseInteger } from './number.ts';
import type { Report } from './report.ts';
import type { Settings } from './values.ts';

/** Seconds that the bare `persistence_timeout` means. */
export const PERSISTENCE_S = 360;
/** Longest timeout of IPVS, in seconds: 31 days. */
export const MAX_TIMEOUT_S = 31 * 86_400;

const FLAGS = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'] as const;

/** Flags that the scheduler takes. */
export function schedulerFlags(settings: Settings, report: Report): string[] {
  const scheduler = settings.text(settings.lastOf('lvs_sched', 'lb_algo') ?? '') ?? 'wlc';
  return FLAGS.filter(flag => {
    if (!settings.has(flag)) return false;
    const owner = flag.startsWith('flag') ? undefined : flag.slice(0, 2);
    if (owner === undefined || owner === scheduler) return true;
    const message = `\`${flag}\` has no effect with the scheduler ${scheduler}`;
    if (scheduler === 'sh' || scheduler === 'mh')
      report.warning('scheduler-flag', settings.positionOf(flag), message);
    else report.error('scheduler-flag', settings.positionOf(flag), message);
    return false;
  });
}

type Persistence = Pick<
  VirtualServer,
  'persistenceTimeoutS' | 'persistenceGranularity' | 'persistenceEngine'
>;

/** `persistence_*`; a granularity or engine makes the service persistent. */
export function readPersistence(settings: Settings, family: Family | undefined, report: Report): Persistence {
  const persistenceGranularity = readGranularity(settings, family, report);
  const timeout = readTimeout(settings, report);
  const engine = settings.text('persistence_engine');
  if (engine !== undefined && engine.length > 15) {
    const message = 'the name of an engine has at most 15 characters; the rest is cut off';
    report.error('engine-name', settings.positionOf('persistence_engine'), message);
  }
  return {
    persistenceTimeoutS: timeout ?? (persistenceGranularity === undefined ? undefined : PERSISTENCE_S),
    persistenceGranularity,
    persistenceEngine: engine?.slice(0, 15),
  };
}

function readTimeout(settings: Settings, report: Report): number | undefined {
  const words = settings.words('persistence_timeout');
  if (!words) return undefined;
  const [word] = words;
  if (!word) return PERSISTENCE_S;
  const seconds = parseInteger(word.text);
  if (seconds !== undefined && seconds >= 1 && seconds <= MAX_TIMEOUT_S) return seconds;
  const message = `\`${word.text}\` is not a number of seconds in 1–${MAX_TIMEOUT_S}; it is ignored`;
  report.error('persistence-timeout', word.position, message);
  return undefined;
}

/** A netmask (IPv4), or the length of a prefix (IPv6). */
function readGranularity(
  settings: Settings,
  family: Family | undefined,
  report: Report,
): Uint8Array | number | undefined {
  const word = settings.words('persistence_granularity')?.[0];
  if (!word) return undefined;
  const isV4 = family === undefined ? word.text.includes('.') : family === 4;
  const value = isV4 ? parseIpv4(word.text) : parseInteger(word.text);
  if (value instanceof Uint8Array || (value !== undefined && value >= 1 && value <= 128)) return value;
  const expected = isV4 ? 'a netmask such as 255.255.255.0' : 'a length of a prefix, 1–128';
  report.error('granularity', word.position, `\`${word.text}\` is not ${expected}; it is ignored`);
  return undefined;
}
