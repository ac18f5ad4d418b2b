/** The options as commander hands them over. */
import type { Vault } from '#provision/model/vault.ts';

/** Where the passwords of encrypted files and values come from. */
export interface VaultOptions {
  readonly vaultPasswordFile?: readonly string[];
  readonly vaultId?: readonly string[];
  readonly askVaultPass?: boolean;
  /** Made of the others before a command runs. */
  readonly vault?: Vault;
}

export interface InventoryOptions extends VaultOptions {
  readonly inventory: readonly string[];
  readonly limit?: string;
  readonly extraVars?: readonly string[];
}

export interface ConnectionOptions {
  readonly sshConfig?: string;
  readonly user?: string;
  readonly privateKey?: string;
  readonly forks: number;
  /** Seconds. */
  readonly timeout: number;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly diff?: boolean;
  readonly verbose?: boolean;
}

export interface RunOptions extends InventoryOptions, ConnectionOptions, OutputOptions {
  readonly tags?: readonly string[];
  readonly skipTags?: readonly string[];
  /** Seconds. */
  readonly lockTimeout: number;
  readonly forceDegraded?: boolean;
  /** `--migrate`: take over hosts on which a VRRP daemon runs that is not Tandem's. */
  readonly migrate?: boolean;
  readonly resume?: boolean;
  /** Seconds. */
  readonly allowUnprotected?: number;
  readonly check?: boolean;
}
