/** What can be done to a host or to its cables. */
export const FAULTS = {
  start: { about: 'boot a host that is down; its disk is what it was', nic: 'none' },
  stop: { about: 'power a host off in an orderly way', nic: 'none' },
  crash: { about: 'cut the power: its init is killed, and everything on it', nic: 'none' },
  reboot: { about: 'reboot a host in an orderly way', nic: 'none' },
  cut: { about: 'pull the cable of a NIC: the host sees no carrier', nic: 'needed' },
  heal: { about: 'put cables back and end partitions: of a NIC, of a host, or everywhere', nic: 'optional' },
} as const;

export type FaultName = keyof typeof FAULTS;
