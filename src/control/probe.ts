/** What `tandemd probe` prints with `--json`: one object. */
export interface ProbeReport {
  /** Of this host, as its frames say. */
  readonly name: string;
  readonly instances: readonly ProbedInstance[];
  /** Probe frames of this round from others. */
  readonly heard: readonly HeardProbe[];
  /** Adverts of virtual routers on the interfaces that were listened on, whoever's they are. */
  readonly adverts: readonly HeardAdvert[];
}

/** A vrrp_instance, for whose adverts frames were sent. */
export interface ProbedInstance {
  readonly instance: string;
  readonly vrid: number;
  /** null: none is configured, or none has its source address. */
  readonly interface: string | null;
  readonly family: 4 | 6;
  readonly source: string | null;
  /** The group, or the unicast peers. */
  readonly destinations: readonly string[];
  /** Frames that the kernel took. */
  readonly sent: number;
  /** Why frames could not be sent or heard; null if they could. */
  readonly problem: string | null;
}

export interface HeardProbe {
  readonly name: string;
  readonly vrid: number;
  readonly interface: string;
  readonly source: string;
  readonly destination: string;
  readonly frames: number;
}

export interface HeardAdvert {
  readonly vrid: number;
  readonly version: number;
  readonly priority: number;
  readonly interface: string;
  readonly source: string;
  readonly destination: string;
  readonly packets: number;
}
