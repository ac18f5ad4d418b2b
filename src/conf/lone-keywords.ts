/**
 * Keywords that look for their argument themselves: when it is missing, keepalived tells it and goes on without the
 * keyword. At every other keyword a missing argument is the end of the start (seen with 2.2.7).
 */
const LONE_IGNORED: ReadonlySet<string> = new Set([
  '.net_namespace',
  '.net_namespace_ipvs',
  '.instance',
  ...[
    'router_id',
    'notification_email_from',
    'smtp_helo_name',
    'notify_fifo',
    'notify_fifo_script',
    'vrrp_notify_fifo',
    'vrrp_notify_fifo_script',
    'lvs_notify_fifo',
    'lvs_notify_fifo_script',
    'startup_script',
    'startup_script_timeout',
    'shutdown_script',
    'shutdown_script_timeout',
    'script_user',
    'vrrp_garp_extra_if',
    'vrrp_vmac_garp_intvl',
    'default_interface',
    'vrrp_priority',
    'vrrp_rt_priority',
    'vrrp_cpu_affinity',
    'min_auto_priority_delay',
    'checker_priority',
    'checker_rt_priority',
    'checker_cpu_affinity',
    'bfd_priority',
    'bfd_rt_priority',
    'bfd_cpu_affinity',
    'lvs_sync_daemon',
    'lvs_timeouts',
    'reload_time_file',
    'tmp_config_directory',
    'snmp_socket',
    'dbus_service_name',
    'vrrp_netlink_cmd_rcv_bufs',
    'vrrp_netlink_monitor_rcv_bufs',
    'lvs_netlink_cmd_rcv_bufs',
    'lvs_netlink_monitor_rcv_bufs',
    'process_monitor_rcv_bufs',
    'vrrp_rx_bufs_policy',
    'vrrp_rx_bufs_multiplier',
  ].map(name => `global_defs.${name}`),
  'vrrp_instance.garp_extra_if',
  'vrrp_instance.vmac_garp_intvl',
  'vrrp_instance.kernel_rx_buf_size',
  'vrrp_script.script',
  'vrrp_track_process.weight',
  'track_file.file',
  'track_file.weight',
]);

/** Whether keepalived goes on where the keyword stands without its argument. */
export function goesOnWithoutArgument(block: string, name: string): boolean {
  return LONE_IGNORED.has(`${block}.${name}`);
}
