/** What is read from every host in the one round trip, beside the probes. */

export interface InterfaceFact {
  readonly name: string;
  readonly mac: string | undefined;
  readonly up: boolean;
  /** The .network file by which systemd-networkd manages it, if that file does not keep foreign addresses. */
  readonly networkdFile?: string;
  /** NetworkManager manages it, by a profile that somebody made. */
  readonly hasProfile?: true;
  readonly addresses: readonly {
    readonly address: string;
    readonly prefix: number;
    readonly scope: string;
  }[];
}

export interface Facts {
  readonly hostname: string;
  /** `x64`, `arm64`, or what `uname -m` says. */
  readonly architecture: string;
  readonly kernel: string;
  /** ID, VERSION_ID, ID_LIKE of os-release. */
  readonly os: { readonly id: string; readonly versionId: string; readonly idLike: readonly string[] };
  readonly bootId: string;
  /** The version of the keepalived that is installed, if one is. */
  readonly keepalived?: string;
  /** `systemd` or empty. */
  readonly init: string;
  /** Whether the host is a container, by what systemd says: then its clock and kernel are the machine's. */
  readonly container: boolean;
  /** Whether NetworkManager runs. */
  readonly networkManager: boolean;
  readonly interfaces: readonly InterfaceFact[];
}

/** A group of facts that a module can ask for. */
export type FactName = 'base' | 'interfaces';
