import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';
import { unusedRoutingWords } from './unsupported-routing.ts';
import { canSendFromVmac } from './vmac-config.ts';

/** What the configuration asks for and this daemon does not do: said with its place, never passed over in silence. */
export function unsupportedIn(config: Config): Diagnostic[] {
  return [
    ...config.vrrpInstances.flatMap(unsupportedInInstance),
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
      'they leave by the interface itself, as with vmac_xmit_base, which IPv6 peers need too',
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
