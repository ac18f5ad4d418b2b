import type { Vmac } from './model.ts';
import { validInterfaceName } from './parse-address.ts';
import type { Report } from './report.ts';
import type { Settings } from './values.ts';
import { vmacWords } from './vmac-name.ts';

/** `use_vmac` and `vmac_xmit_base`. */
export function buildVmac(
  name: string,
  settings: Settings,
  strict: boolean,
  report: Report,
): Vmac | undefined {
  const words = settings.words('use_vmac');
  const xmitBase = settings.flag('vmac_xmit_base');
  if (!words) {
    if (xmitBase) {
      const position = settings.positionOf('vmac_xmit_base');
      report.error(
        'vmac-xmit-base',
        position,
        `\`vmac_xmit_base\` of ${name} has no effect without use_vmac`,
      );
    }
    return undefined;
  }
  let interfaceName: string | undefined;
  let macAddress: Uint8Array | undefined;
  for (const { kind, word } of vmacWords(words)) {
    if (kind === 'mac') {
      macAddress = readMac(word.text, settings.number('virtual_router_id') ?? 0);
      if (((macAddress[0] ?? 0) & 1) === 0) continue;
      report.error('vmac-address', word.position, `${word.text} is a multicast address; it is ignored`);
      macAddress = undefined;
    } else if (interfaceName === undefined && validInterfaceName(word.text)) interfaceName = word.text;
    else
      report.error(
        'vmac-name',
        word.position,
        `\`${word.text}\` cannot be the name of the macvlan; it is ignored`,
      );
  }
  const position = settings.positionOf('use_vmac');
  if (strict && macAddress) {
    report.error('strict-vmac', position, `strict mode: ${name} cannot have a MAC address of its own`);
    macAddress = undefined;
  }
  if (strict && xmitBase) {
    report.error(
      'strict-vmac',
      settings.positionOf('vmac_xmit_base'),
      `strict mode: vmac_xmit_base of ${name} is ignored`,
    );
  }
  return { interface: interfaceName, macAddress, xmitBase: xmitBase && !strict };
}

/** Five octets are completed by the VRID. */
function readMac(text: string, virtualRouterId: number): Uint8Array {
  const octets = text.split(':').map(octet => Number.parseInt(octet, 16));
  return Uint8Array.from(octets.length === 5 ? [...octets, virtualRouterId] : octets);
}
