import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';

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
    ...config.trackProcesses.map(each =>
      complaint('track-process', `track_process ${each.name}`, each.position, 'use a vrrp_script with pgrep'),
    ),
    ...config.trackFiles.map(each =>
      complaint(
        'track-file',
        `track_file ${each.name}`,
        each.position,
        'use a vrrp_script that tests the file',
      ),
    ),
    ...[...config.staticAddresses, ...config.staticRoutes, ...config.staticRules].map(each =>
      complaint(
        'static',
        'static_ipaddress, static_routes and static_rules',
        each.position,
        'configure them on the host',
      ),
    ),
    ...config.interfaceDelays.map(each =>
      complaint(
        'interface-delay',
        'interface_up_down_delays',
        each.position,
        'changes of a link act at once',
      ),
    ),
    ...config.linkbeatInterfaces.map(each =>
      complaint(
        'linkbeat',
        'linkbeat_interfaces',
        each.position,
        'the kernel tells about carrier without polling',
      ),
    ),
    ...unsupportedGlobals(config),
  ];
}

function unsupportedGlobals({ globalDefs }: Config): Diagnostic[] {
  const { process: settings, position } = globalDefs;
  const asked: [boolean, string, string][] = [
    [globalDefs.startupScript !== undefined, 'startup_script', 'use ExecStartPre= of the unit'],
    [globalDefs.shutdownScript !== undefined, 'shutdown_script', 'use ExecStopPost= of the unit'],
    [settings.vrrpNoSwap, 'vrrp_no_swap', 'locking its memory makes the runtime abort'],
    [settings.vrrpCpuAffinity.length > 0, 'vrrp_cpu_affinity', 'use CPUAffinity= of the unit'],
    [globalDefs.notifyFifo?.script !== undefined, 'notify_fifo_script', 'run the reader as a service'],
    [
      globalDefs.vrrpNotifyFifo?.script !== undefined,
      'vrrp_notify_fifo_script',
      'run the reader as a service',
    ],
  ];
  return asked.flatMap(([isAsked, what, instead]) =>
    isAsked ? [complaint(what.replaceAll('_', '-'), what, position, instead)] : [],
  );
}

function unsupportedInInstance(instance: VrrpInstance): Diagnostic[] {
  const { name, position } = instance;
  const asked: [boolean, string, string][] = [
    [!instance.accept && instance.priority !== 255, 'no_accept', 'traffic to its VIPs is accepted'],
    [instance.vmac !== undefined, 'use_vmac', "adverts and ARP carry the interface's own MAC address"],
    [instance.smtpAlert, 'smtp_alert', 'no mail is sent: use notify scripts'],
    [instance.garp.extraIfMs > 0, 'garp_extra_if', 'only the interfaces that hold VIPs are told'],
  ];
  return asked.flatMap(([isAsked, what, instead]) =>
    isAsked
      ? [complaint(what.replaceAll('_', '-'), `vrrp_instance ${name}: ${what}`, position, instead)]
      : [],
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
