import type { Config } from '#conf/model.ts';

/** Pauses between the announcements of a lane, in ms; 0 is none. */
export interface AnnouncePauses {
  /** Interfaces of one lane wait for each other. */
  readonly lane: string;
  readonly garpMs: number;
  readonly gnaMs: number;
}

/**
 * How announcements on an interface are paced: by the `garp_group` that names it, whose interfaces share the pauses,
 * otherwise by `vrrp_garp_interval` and `vrrp_gna_interval` for itself.
 */
export function pausesOn({ garpGroups, globalDefs }: Config, interfaceName: string): AnnouncePauses {
  const group = garpGroups.find(({ interfaces }) => interfaces.includes(interfaceName));
  if (!group)
    return {
      lane: interfaceName,
      garpMs: globalDefs.vrrpGarpIntervalMs,
      gnaMs: globalDefs.vrrpGnaIntervalMs,
    };
  const { garpIntervalMs, gnaIntervalMs } = group;
  return { lane: group.interfaces.join(' '), garpMs: garpIntervalMs, gnaMs: gnaIntervalMs };
}
