import { parseIpv4, parseIpv6 } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type {
  GarpSettings,
  GlobalDefs,
  MailSettings,
  NotifyFifo,
  ProcessSettings,
  ScriptCommand,
} from './model.ts';
import { groupName } from './command.ts';
import type { Report } from './report.ts';
import type { ConfigEnvironment } from './source.ts';
import { namesIn, readInteger, readSeconds, type Settings } from './values.ts';

/** What instances inherit unless they say otherwise. */
export interface InstanceDefaults {
  readonly garp: GarpSettings;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  readonly checkUnicastSrc: boolean;
  readonly skipCheckAdvAddr: boolean;
  readonly downTimerAdverts: number;
  readonly v3ChecksumAsV2: boolean;
  readonly smtpAlert: boolean;
  readonly notifyPriorityChanges: boolean;
}

/** RFC 3768 §5.2.2, RFC 9568 §5.1.2.2. */
const MCAST_GROUP4 = must(parseIpv4('224.0.0.18'), 'valid');
const MCAST_GROUP6 = must(parseIpv6('ff02::12'), 'valid');

/** `global_defs` (all its blocks together) and the top-level words beside it. */
export function buildGlobalDefs(
  settings: Settings,
  top: Settings,
  environment: ConfigEnvironment,
  report: Report,
): GlobalDefs {
  const [scriptUser, scriptGroup] = settings.words('script_user') ?? [];
  const vmacPrefix = settings.text('vmac_prefix') ?? 'vrrp';
  const checkLog = settings.words('reload_check_config')?.[0]?.text;
  return {
    position: settings.position,
    routerId: settings.text('router_id') ?? environment.hostname,
    netNamespace: top.text('net_namespace'),
    netNamespaceIpvs: top.text('net_namespace_ipvs'),
    instance: top.text('instance'),
    usePidDir: top.flag('use_pid_dir'),
    mail: buildMail(settings, report),
    smtpAlert: settings.boolean('smtp_alert'),
    smtpAlertVrrp: settings.boolean('smtp_alert_vrrp'),
    smtpAlertChecker: settings.boolean('smtp_alert_checker'),
    startupScript: settings.script('startup_script'),
    startupScriptTimeoutMs: settings.number('startup_script_timeout') ?? 10_000,
    shutdownScript: settings.script('shutdown_script'),
    shutdownScriptTimeoutMs: settings.number('shutdown_script_timeout') ?? 10_000,
    notifyFifo: buildFifo('notify_fifo', settings, report),
    vrrpNotifyFifo: buildFifo('vrrp_notify_fifo', settings, report),
    lvsNotifyFifo: undefined,
    vrrpNotifyPriorityChanges: settings.boolean('vrrp_notify_priority_changes') ?? false,
    fifoWriteVrrpStatesOnReload: settings.flag('fifo_write_vrrp_states_on_reload'),
    scriptUser: scriptUser?.text,
    scriptGroup: scriptGroup && groupName(scriptGroup),
    enableScriptSecurity: settings.flag('enable_script_security'),
    vrrpStartupDelayMs: settings.number('vrrp_startup_delay') ?? 0,
    vrrpDelayAfterBootMs: settings.number('vrrp_delay_after_boot') ?? 0,
    vrrpVersion: settings.number('vrrp_version') === 3 ? 3 : 2,
    vrrpStrict: settings.flag('vrrp_strict'),
    vrrpMcastGroup4: group(settings, 'vrrp_mcast_group4', MCAST_GROUP4, report),
    vrrpMcastGroup6: group(settings, 'vrrp_mcast_group6', MCAST_GROUP6, report),
    vrrpGarpIntervalMs: settings.number('vrrp_garp_interval') ?? 0,
    vrrpGnaIntervalMs: settings.number('vrrp_gna_interval') ?? 0,
    defaultInterface: settings.text('default_interface') ?? 'eth0',
    dynamicInterfaces: buildDynamicInterfaces(settings, report),
    linkbeatUsePolling: top.flag('linkbeat_use_polling'),
    logUnknownVrids: settings.flag('log_unknown_vrids'),
    vmacPrefix,
    vmacAddrPrefix: settings.text('vmac_addr_prefix') ?? vmacPrefix,
    process: buildProcess(settings, report),
    reloadCheckConfig: settings.flag('reload_check_config'),
    reloadCheckConfigLog: checkLog,
    reloadFile: settings.has('reload_file') ? (settings.words('reload_file')?.[0]?.text ?? true) : false,
    nftables: settings.words('nftables')?.[0]?.text ?? 'keepalived',
    lvsFlush: false,
    lvsFlushOnStop: 'off',
    lvsTimeouts: { tcpS: undefined, tcpfinS: undefined, udpS: undefined },
    lvsSyncDaemon: undefined,
    checkerLogAllFailures: false,
  };
}

function buildDynamicInterfaces(settings: Settings, report: Report): GlobalDefs['dynamicInterfaces'] {
  const words = settings.words('dynamic_interfaces');
  if (!words) return 'off';
  const [option] = words;
  if (!option) return 'on';
  if (option.text === 'allow_if_changes') return 'allow_if_changes';
  report.error('value-invalid', option.position, `\`${option.text}\` is not allow_if_changes`);
  return 'on';
}

function buildMail(settings: Settings, report: Report): MailSettings {
  const [server, portWord] = settings.words('smtp_server') ?? [];
  return {
    notificationEmail: namesIn(settings.lines('notification_email', report)).map(word => word.text),
    notificationEmailFrom: settings.text('notification_email_from'),
    smtpServer: server?.text,
    smtpPort: (portWord && readInteger(portWord, 1, 65535, report)) ?? 25,
    smtpHeloName: settings.text('smtp_helo_name'),
    smtpConnectTimeoutMs: settings.number('smtp_connect_timeout') ?? 30_000,
    noEmailFaults: settings.flag('no_email_faults'),
  };
}

function buildFifo(name: string, settings: Settings, report: Report): NotifyFifo | undefined {
  const [path, user, group] = settings.words(name) ?? [];
  const script: ScriptCommand | undefined = settings.script(`${name}_script`);
  if (!path) {
    if (script) {
      const message = `\`${name}_script\` has no effect without \`${name}\``;
      report.error('fifo-missing', settings.positionOf(`${name}_script`), message);
    }
    return undefined;
  }
  return { path: path.text, user: user?.text, group: group?.text, script };
}

function buildProcess(settings: Settings, report: Report): ProcessSettings {
  const affinity = settings.words('vrrp_cpu_affinity') ?? [];
  const auto = settings.words('max_auto_priority');
  const autoWord = auto?.[0];
  return {
    vrrpPriority: settings.number('vrrp_priority'),
    vrrpRtPriority: settings.number('vrrp_rt_priority'),
    vrrpNoSwap: settings.flag('vrrp_no_swap'),
    vrrpCpuAffinity: affinity.flatMap(word => readInteger(word, 0, 4095, report) ?? []),
    maxAutoPriority: !auto ? 0 : autoWord ? Math.max(0, readInteger(autoWord, -1, 99, report) ?? 0) : 99,
    minAutoPriorityDelayMs: (settings.number('min_auto_priority_delay') ?? 1_000_000) / 1000,
  };
}

function group(settings: Settings, name: string, fallback: Uint8Array, report: Report): Uint8Array {
  const address = settings.address(name);
  if (!address) return fallback;
  if (address.length === fallback.length && isVrrpMulticast(address)) return address;
  const expected =
    fallback.length === 4 ? 'an IPv4 multicast group' : 'a link-local IPv6 multicast group (ff02::…)';
  report.error(
    'mcast-group-invalid',
    settings.positionOf(name),
    `\`${name}\` must be ${expected}; the default is used`,
  );
  return fallback;
}

/** Whether adverts can be sent to it: any IPv4 group, or a link-local IPv6 group. */
export function isVrrpMulticast(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  return address.length === 4 ? first >= 224 && first <= 239 : first === 0xff && (second & 0x0f) === 2;
}

/** Defaults that the global `vrrp_*` keywords give to instances. */
export function buildInstanceDefaults(
  settings: Settings,
  globalDefs: GlobalDefs,
  report: Report,
): InstanceDefaults {
  const minimal = settings.boolean('vrrp_min_garp') ?? false;
  const masterDelayMs = settings.number('vrrp_garp_master_delay') ?? (minimal ? 0 : 5000);
  const masterRepeat = atLeastOne(settings, 'vrrp_garp_master_repeat', report) ?? (minimal ? 1 : 5);
  return {
    garp: {
      masterDelayMs,
      masterRepeat,
      lowerPrioDelayMs: settings.number('vrrp_garp_lower_prio_delay') ?? masterDelayMs,
      lowerPrioRepeat: settings.number('vrrp_garp_lower_prio_repeat') ?? masterRepeat,
      masterRefreshMs: settings.number('vrrp_garp_master_refresh') ?? 0,
      masterRefreshRepeat: atLeastOne(settings, 'vrrp_garp_master_refresh_repeat', report) ?? 1,
      ...(extraInterval(settings, ['vrrp_garp_extra_if', 'vrrp_vmac_garp_intvl'], report) ?? NO_EXTRA),
    },
    lowerPrioNoAdvert: settings.boolean('vrrp_lower_prio_no_advert') ?? false,
    higherPrioSendAdvert: settings.boolean('vrrp_higher_prio_send_advert') ?? false,
    checkUnicastSrc: settings.flag('vrrp_check_unicast_src'),
    skipCheckAdvAddr: settings.boolean('vrrp_skip_check_adv_addr') ?? false,
    downTimerAdverts: settings.number('vrrp_down_timer_adverts') ?? 3,
    v3ChecksumAsV2: settings.boolean('v3_checksum_as_v2') ?? false,
    smtpAlert: globalDefs.smtpAlertVrrp ?? globalDefs.smtpAlert ?? false,
    notifyPriorityChanges: globalDefs.vrrpNotifyPriorityChanges,
  };
}

const NO_EXTRA = { extraIfMs: 0, extraIfAll: false };

/** A repeat count; 0 was allowed before keepalived 2.0.7 and means 1. */
export function atLeastOne(settings: Settings, name: string, report: Report): number | undefined {
  const value = settings.number(name);
  if (value !== 0) return value;
  report.error('repeat-zero', settings.positionOf(name), `\`${name}\` must be at least 1; 1 is used`);
  return 1;
}

/** `[all] SECONDS` of garp_extra_if. */
export function extraInterval(
  settings: Settings,
  names: readonly string[],
  report: Report,
): { readonly extraIfMs: number; readonly extraIfAll: boolean } | undefined {
  const name = settings.lastOf(...names);
  const words = name === undefined ? undefined : settings.words(name);
  if (!words || name === undefined) return undefined;
  const numbers = words.filter(word => word.text !== 'all');
  const [number] = numbers;
  if (!number || numbers.length > 1) {
    report.error('value-invalid', settings.positionOf(name), `expected \`${name} [all] SECONDS\``);
    return undefined;
  }
  const extraIfMs = readSeconds(number, { min: 0, max: 86_400, whole: true }, report);
  return extraIfMs === undefined ? undefined : { extraIfMs, extraIfAll: numbers.length < words.length };
}
