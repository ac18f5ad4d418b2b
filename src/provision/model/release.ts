/** What the controller has of a release for one architecture: the runtime and the daemon, by content. */
import type { StdinPart } from './shell.ts';

/** A file of `/opt/tandem/releases/<id>/`. */
export interface ReleaseFile {
  /** Relative: `bin/tandemd`, `tandemd.mjs`, `tandem.node`, `manifest.json`. */
  readonly path: string;
  readonly mode: '0755' | '0644';
  readonly sha256: string;
  readonly part: StdinPart;
}

export interface ReleaseArtefact {
  /** SHA-256 over the release, its directory's name. */
  readonly id: string;
  /** For people: `0.1.0`. */
  readonly version: string;
  readonly architecture: string;
  readonly node: {
    /** Of the binary. */
    readonly sha256: string;
    readonly version: string;
    /** The binary, gzip-compressed. */
    readonly part: StdinPart;
  };
  readonly files: readonly ReleaseFile[];
}
