import { layout, padding, u8 } from './layout.ts';
import { type NetlinkMessage, type NetlinkWriter, numberOf, parseAttributes } from './netlink.ts';

/**
 * Generic netlink (Linux `include/uapi/linux/genetlink.h`): subsystems are families whose message type is given out
 * when they register, and asked for by name.
 */

/** Message type of the controller, the one family whose number is fixed. */
export const CONTROL_FAMILY = 16;

const GET_FAMILY = 3;
const CONTROL_VERSION = 1;
const CONTROL_ATTRIBUTE = { familyId: 1, familyName: 2 } as const;

/** What follows the netlink header; attributes follow it. */
const genericHeader = layout({ command: u8, version: u8, reserved: padding(2) });

/** Length in bytes of what precedes the attributes of a generic message's body. */
export const GENERIC_HEADER_BYTES = genericHeader.length;

/** Starts the body of a message to a family. */
export function writeGeneric(writer: NetlinkWriter, command: number, version: number): NetlinkWriter {
  return writer.struct(genericHeader.encode({ command, version }));
}

/** Writes the question for a family's number. */
export function writeFamilyRequest(writer: NetlinkWriter, name: string): void {
  writeGeneric(writer, GET_FAMILY, CONTROL_VERSION).text(CONTROL_ATTRIBUTE.familyName, name);
}

/** The family's number in the controller's answer. */
export function parseFamily(message: NetlinkMessage): number | undefined {
  if (message.type !== CONTROL_FAMILY) return undefined;
  return numberOf(parseAttributes(message.body, GENERIC_HEADER_BYTES).get(CONTROL_ATTRIBUTE.familyId));
}
