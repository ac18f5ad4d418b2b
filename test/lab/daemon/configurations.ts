/** One vrrp_instance as the tests write it. */
export interface InstanceOptions {
  readonly name?: string;
  readonly vrid?: number;
  readonly priority: number;
  readonly vips?: readonly string[];
  /** Lines that are added to the block. */
  readonly more?: string;
}

/** The instance of topology 1: version 2, every second, a group of its own, PASS. */
export function twoNode(priority: number, more = ''): string {
  return `global_defs {
  vrrp_mcast_group4 224.0.0.111
}
vrrp_instance VG_1 {
  interface eth0
  virtual_router_id 103
  priority ${priority}
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass pa55word
  }
  virtual_ipaddress {
    172.16.8.100
  }
  ${more}
}
`;
}

/** Instances of version 3 with 10 adverts a second, so that tests take tenths. */
export function fast(...instances: readonly InstanceOptions[]): string {
  const blocks = instances.map(
    ({ name = 'VG_1', vrid = 103, priority, vips = ['172.16.8.100'], more = '' }) => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  version 3
  advert_int 0.1
  virtual_ipaddress {
    ${vips.join('\n    ')}
  }
  ${more}
}
`,
  );
  return blocks.join('');
}
