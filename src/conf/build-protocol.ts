import { atLeastOne, extraInterval, type InstanceDefaults } from './build-global.ts';
import type { GarpSettings, VrrpInstance, VrrpVersion } from './model.ts';
import type { Report } from './report.ts';
import type { Settings } from './values.ts';

/** v2: whole seconds, 1–255; v3: hundredths, up to 40.95 s (RFC 9568 §5.2.7). */
export function buildInterval(
  name: string,
  settings: Settings,
  version: VrrpVersion,
  report: Report,
): number {
  const interval = settings.number('advert_int') ?? 1000;
  const unit = version === 2 ? 1000 : 10;
  const max = version === 2 ? 255_000 : 40_950;
  const rounded = Math.min(max, Math.max(unit, Math.round(interval / unit) * unit));
  if (rounded !== interval) {
    const message = `version ${version} cannot have an interval of ${interval / 1000} s in ${name}; ${rounded / 1000} s is used`;
    const hint = version === 2 ? 'whole seconds, or version 3' : 'hundredths of a second up to 40.95';
    report.error('advert-int', settings.positionOf('advert_int'), message, hint);
  }
  return rounded;
}

type Protocol = Pick<
  VrrpInstance,
  'downTimerAdverts' | 'lowerPrioNoAdvert' | 'higherPrioSendAdvert' | 'garp'
>;

/** Bursts of gratuitous ARP and how other masters' adverts are answered. */
export function buildProtocol(
  name: string,
  settings: Settings,
  strict: boolean,
  defaults: InstanceDefaults,
  report: Report,
): Protocol {
  const pick = <T>(keyword: string, given: T | undefined, fallback: T, strictValue: T): T => {
    if (given === undefined) return strict ? strictValue : fallback;
    if (!strict || given === strictValue) return given;
    const message = `strict mode: \`${keyword}\` of ${name} is ignored`;
    report.error('strict-keyword', settings.positionOf(keyword), message, 'remove it, or strict mode');
    return strictValue;
  };
  const number = (keyword: string): number | undefined => settings.number(keyword);
  const { garp } = defaults;
  const extra = extraInterval(settings, ['garp_extra_if', 'vmac_garp_intvl'], report);
  const bursts: GarpSettings = {
    masterDelayMs: number('garp_master_delay') ?? garp.masterDelayMs,
    masterRepeat: atLeastOne(settings, 'garp_master_repeat', report) ?? garp.masterRepeat,
    lowerPrioDelayMs: pick(
      'garp_lower_prio_delay',
      number('garp_lower_prio_delay'),
      garp.lowerPrioDelayMs,
      0,
    ),
    lowerPrioRepeat: pick(
      'garp_lower_prio_repeat',
      number('garp_lower_prio_repeat'),
      garp.lowerPrioRepeat,
      0,
    ),
    masterRefreshMs: number('garp_master_refresh') ?? garp.masterRefreshMs,
    masterRefreshRepeat:
      atLeastOne(settings, 'garp_master_refresh_repeat', report) ?? garp.masterRefreshRepeat,
    extraIfMs: extra?.extraIfMs ?? garp.extraIfMs,
    extraIfAll: extra?.extraIfAll ?? garp.extraIfAll,
  };
  const boolean = (keyword: string): boolean | undefined => settings.boolean(keyword);
  return {
    garp: bursts,
    downTimerAdverts: pick('down_timer_adverts', number('down_timer_adverts'), defaults.downTimerAdverts, 3),
    lowerPrioNoAdvert: pick(
      'lower_prio_no_advert',
      boolean('lower_prio_no_advert'),
      defaults.lowerPrioNoAdvert,
      true,
    ),
    higherPrioSendAdvert: pick(
      'higher_prio_send_advert',
      boolean('higher_prio_send_advert'),
      defaults.higherPrioSendAdvert,
      false,
    ),
  };
}
