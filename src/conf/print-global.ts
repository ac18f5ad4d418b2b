import { EntryList, type Entries } from './entries-instance.ts';
import type { GlobalDefs, NotifyFifo } from './model.ts';
import { formatSeconds } from './number.ts';
import {
  printAddress,
  printBoolean,
  printCommand,
  printLines,
  printScript,
  printWord,
} from './print-words.ts';

/** Everything that `global_defs` says. */
export function globalEntries(globals: GlobalDefs): Entries {
  const list = new EntryList();
  const word = (keyword: string, text: string | undefined): void =>
    list.add(keyword, text && printWord(text));
  const boolean = (keyword: string, value: boolean | undefined): void =>
    list.add(keyword, value === undefined ? undefined : printBoolean(value));
  word('router_id', globals.routerId);
  addMail(globals, list);
  boolean('smtp_alert', globals.smtpAlert);
  boolean('smtp_alert_vrrp', globals.smtpAlertVrrp);
  boolean('smtp_alert_checker', globals.smtpAlertChecker);
  list.add('startup_script', globals.startupScript && printScript(globals.startupScript));
  milliseconds(list, 'startup_script_timeout', globals.startupScriptTimeoutMs, 10_000);
  list.add('shutdown_script', globals.shutdownScript && printScript(globals.shutdownScript));
  milliseconds(list, 'shutdown_script_timeout', globals.shutdownScriptTimeoutMs, 10_000);
  addFifo('notify_fifo', globals.notifyFifo, list);
  addFifo('vrrp_notify_fifo', globals.vrrpNotifyFifo, list);
  list.add(
    'vrrp_notify_priority_changes',
    printBoolean(globals.vrrpNotifyPriorityChanges),
    !globals.vrrpNotifyPriorityChanges,
  );
  list.flag('fifo_write_vrrp_states_on_reload', globals.fifoWriteVrrpStatesOnReload);
  const user = [globals.scriptUser, globals.scriptGroup].flatMap(name =>
    name === undefined ? [] : printWord(name),
  );
  list.add('script_user', user.length > 0 ? user.join(' ') : undefined);
  list.flag('enable_script_security', globals.enableScriptSecurity);
  milliseconds(list, 'vrrp_startup_delay', globals.vrrpStartupDelayMs, 0);
  milliseconds(list, 'vrrp_delay_after_boot', globals.vrrpDelayAfterBootMs, 0);
  list.add('vrrp_version', globals.vrrpVersion, globals.vrrpVersion === 2);
  list.flag('vrrp_strict', globals.vrrpStrict);
  const group4 = printAddress(globals.vrrpMcastGroup4);
  list.add('vrrp_mcast_group4', group4, group4 === '224.0.0.18');
  const group6 = printAddress(globals.vrrpMcastGroup6);
  list.add('vrrp_mcast_group6', group6, group6 === 'ff02::12');
  milliseconds(list, 'vrrp_garp_interval', globals.vrrpGarpIntervalMs, 0);
  milliseconds(list, 'vrrp_gna_interval', globals.vrrpGnaIntervalMs, 0);
  list.add('default_interface', printWord(globals.defaultInterface), globals.defaultInterface === 'eth0');
  list.add('dynamic_interfaces', dynamicInterfaces(globals));
  list.flag('log_unknown_vrids', globals.logUnknownVrids);
  list.add('vmac_prefix', printWord(globals.vmacPrefix), globals.vmacPrefix === 'vrrp');
  list.add(
    'vmac_addr_prefix',
    printWord(globals.vmacAddrPrefix),
    globals.vmacAddrPrefix === globals.vmacPrefix,
  );
  addProcess(globals, list);
  const log = globals.reloadCheckConfigLog;
  list.add(
    'reload_check_config',
    globals.reloadCheckConfig ? (log === undefined ? '' : printWord(log)) : undefined,
  );
  const { reloadFile } = globals;
  if (typeof reloadFile === 'boolean') list.flag('reload_file', reloadFile);
  else word('reload_file', reloadFile);
  list.add('nftables', printWord(globals.nftables), globals.nftables === 'keepalived');
  return list.entries;
}

/** The words that stand at the top level. */
export function topEntries(globals: GlobalDefs): Entries {
  const list = new EntryList();
  list.add('net_namespace', globals.netNamespace && printWord(globals.netNamespace));
  list.add('net_namespace_ipvs', globals.netNamespaceIpvs && printWord(globals.netNamespaceIpvs));
  list.add('instance', globals.instance && printWord(globals.instance));
  list.flag('use_pid_dir', globals.usePidDir);
  list.flag('linkbeat_use_polling', globals.linkbeatUsePolling);
  return list.entries;
}

function milliseconds(list: EntryList, keyword: string, value: number, fallback: number): void {
  list.add(keyword, formatSeconds(value), value === fallback);
}

function addMail(globals: GlobalDefs, list: EntryList): void {
  const { mail } = globals;
  list.add('notification_email', printLines(mail.notificationEmail.map(printWord)));
  list.add('notification_email_from', mail.notificationEmailFrom && printWord(mail.notificationEmailFrom));
  const port = mail.smtpPort === 25 ? '' : ` ${mail.smtpPort}`;
  list.add('smtp_server', mail.smtpServer && `${printWord(mail.smtpServer)}${port}`);
  list.add('smtp_helo_name', mail.smtpHeloName && printWord(mail.smtpHeloName));
  milliseconds(list, 'smtp_connect_timeout', mail.smtpConnectTimeoutMs, 30_000);
  list.flag('no_email_faults', mail.noEmailFaults);
}

function addFifo(keyword: string, fifo: NotifyFifo | undefined, list: EntryList): void {
  if (!fifo) return;
  const words = [fifo.path, fifo.user, fifo.group].flatMap(name =>
    name === undefined ? [] : printWord(name),
  );
  list.add(keyword, words.join(' '));
  list.add(`${keyword}_script`, fifo.script && printCommand(fifo.script.argv));
}

function addProcess(globals: GlobalDefs, list: EntryList): void {
  const { process } = globals;
  list.add('vrrp_priority', process.vrrpPriority);
  list.add('vrrp_rt_priority', process.vrrpRtPriority);
  list.flag('vrrp_no_swap', process.vrrpNoSwap);
  list.add('vrrp_cpu_affinity', process.vrrpCpuAffinity.join(' ') || undefined);
  list.add('max_auto_priority', process.maxAutoPriority, process.maxAutoPriority === 0);
  list.add(
    'min_auto_priority_delay',
    process.minAutoPriorityDelayMs * 1000,
    process.minAutoPriorityDelayMs === 1000,
  );
}

function dynamicInterfaces(globals: GlobalDefs): string | undefined {
  if (globals.dynamicInterfaces === 'off') return undefined;
  return globals.dynamicInterfaces === 'on' ? '' : globals.dynamicInterfaces;
}
