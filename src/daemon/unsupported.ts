import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';
import { unusedRoutingWords } from './unsupported-routing.ts';
import { canSendFromVmac } from './vmac-config.ts';

/** What the configuration asks for and this daemon does not do: said with its place, never passed over in silence. */
export function unsupportedIn(config: Config): Diagnostic[] {
  return [
    ...config.vrrpInstances.flatMap(unsupportedInInstance),
    ...config.virtualServers.map(server =>
      complaint(
        'virtual-server',
        'virtual_server',
        server.position,
        'IPVS is not touched and real servers are not checked',
      ),
    ),
    ...config.virtualServerGroups.map(each =>
      complaint(
        'virtual-server-group',
        `virtual_server_group ${each.name}`,
        each.position,
        'IPVS is not touched and real servers are not checked',
      ),
    ),
    ...(config.ssl
      ? [complaint('ssl', 'SSL', config.globalDefs.position, 'real servers are not checked')]
      : []),
    ...config.linkbeatInterfaces.map(each =>
      complaint(
        'linkbeat',
        'linkbeat_interfaces',
        each.position,
        'the kernel tells about carrier without polling',
      ),
    ),
    ...unusedRoutingWords(config).map(({ what, position }) =>
      complaint('routing-word', what, position, 'the rest of the line is done'),
    ),
    ...unsupportedGlobals(config),
  ];
}

function unsupportedGlobals({ globalDefs }: Config): Diagnostic[] {
  const { process: settings, position } = globalDefs;
  const asked: [boolean, string, string][] = [
    [settings.vrrpNoSwap, 'vrrp_no_swap', 'locking its memory makes the runtime abort'],
    [globalDefs.lvsSyncDaemon !== undefined, 'lvs_sync_daemon', 'IPVS is not touched'],
    [Object.values(globalDefs.lvsTimeouts).some(Boolean), 'lvs_timeouts', 'IPVS is not touched'],
    [globalDefs.lvsFlush, 'lvs_flush', 'IPVS is not touched'],
    [globalDefs.lvsFlushOnStop !== 'off', 'lvs_flush_on_stop', 'IPVS is not touched'],
    [globalDefs.lvsNotifyFifo !== undefined, 'lvs_notify_fifo', 'real servers are not checked'],
    [globalDefs.checkerLogAllFailures, 'checker_log_all_failures', 'real servers are not checked'],
    [globalDefs.rsInitNotifies, 'rs_init_notifies', 'real servers are not checked'],
    [globalDefs.noCheckerEmails, 'no_checker_emails', 'real servers are not checked'],
  ];
  return asked.flatMap(([isAsked, what, instead]) =>
    isAsked ? [complaint(what.replaceAll('_', '-'), what, position, instead)] : [],
  );
}

function unsupportedInInstance(instance: VrrpInstance): Diagnostic[] {
  const { name, position } = instance;
  const addresses = [...instance.virtualAddresses, ...instance.virtualAddressesExcluded];
  const asked: [boolean, string, string, string][] = [
    [
      instance.vmac !== undefined && !instance.vmac.xmitBase && !canSendFromVmac(instance),
      'vmac-source',
      'sending unicast or IPv6 adverts from the macvlan of use_vmac',
      'they leave by the interface itself, as with vmac_xmit_base',
    ],
    [
      instance.useVmacAddr || addresses.some(each => each.useVmac),
      'use-vmac-addr',
      'use_vmac_addr',
      "VIPs on other interfaces use the interface's own MAC address",
    ],
  ];
  return asked.flatMap(([isAsked, id, what, instead]) =>
    isAsked ? [complaint(id, `vrrp_instance ${name}: ${what}`, position, instead)] : [],
  );
}

function complaint(id: string, what: string, position: Position, instead: string): Diagnostic {
  return {
    id: `unsupported-${id}`,
    severity: 'warning',
    message: `${what} is not supported yet`,
    position,
    hint: instead,
  };
}
