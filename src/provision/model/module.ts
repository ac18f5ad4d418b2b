/** The shape of a module: reads state, compares, changes, takes back. Pure; effects are the fragments it returns. */
import type { ZodType } from 'zod';
import type { Expectation } from '#control/expectation.ts';
import type { Facts, FactName } from './facts.ts';
import type { LedgerEntry } from './ledger.ts';
import type { ReleaseArtefact } from './release.ts';
import type { Fragment } from './shell.ts';
import type { VrrpChange } from './vrrp-change.ts';

/** How much a change can disturb what runs; the planner puts `reload` and `restart` into the host's turn. */
export type Effect = 'none' | 'reload' | 'restart' | 'connectivity';

/** JSON as it is stored in the ledger and compared. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One difference between what is and what is wanted, and the unit of the ledger. */
export interface Change {
  /** `kind:key`, such as `file:/etc/tandem/keepalived.conf`; equal addresses are the same thing on the host. */
  readonly resource: string;
  /** What the ledger keeps as `first` if this is the first change of the resource. */
  readonly from: Json;
  /** What the ledger keeps as `ours`. */
  readonly to: Json;
  /** For people: redacted, one line. */
  readonly summary: string;
  /** Whole texts for a line diff, where they are text; redacted. */
  readonly before?: string;
  readonly after?: string;
  readonly effect: Effect;
  /** True if teardown has nothing to take back (a restart, a daemon-reload): no ledger record is written. */
  readonly transient?: boolean;
  /** For the file that a VRRP daemon reads: what that means for its peers. */
  readonly vrrp?: VrrpChange & {
    /** What a daemon that runs with the new text says in its status. */
    readonly configurationSha256: string;
    /** The service that runs until now, where another takes its place. */
    readonly replaced?: string;
  };
  /** True if it leaves what runs alone although the task notifies a handler: it need not wait for the turn. */
  readonly early?: boolean;
  /**
   * True if it takes away what a daemon may need that runs as it did: where this host's turn comes, it goes with that,
   * and stays undone with it.
   */
  readonly closes?: boolean;
}

/** One desired value per resource and host. */
export interface Claim {
  readonly resource: string;
  readonly wanted: Json;
}

/** What a task's `register` holds afterwards; `unknown` until the change has run. */
type Registered = Readonly<Record<string, Json>>;

/** Controller-side material that a module's arguments refer to. */
export interface Sources {
  /** The rendered text of a template of the role. Throws NeedsFacts before facts are known. */
  render(src: string): string;
  /** The text of a file of the role. */
  file(src: string): string;
}

/** What a module may look at when it plans. */
export interface PlanContext {
  readonly facts: Facts;
  readonly ledger: readonly LedgerEntry[];
  /** What earlier tasks of this plan will have made: resource → state. */
  readonly planned: ReadonlyMap<string, Json>;
  /** The release artefacts for the host's architecture, if the controller has them. */
  readonly release: ReleaseArtefact | undefined;
  /** Directories on the host that come before PATH when a `validate:` command runs: the release that will run. */
  readonly path: readonly string[];
  /** Replaces what is secret in a text that people will see. */
  readonly redact: (text: string) => string;
}

/** What a handler does. */
export interface HandlerAction {
  readonly fragment: Fragment;
  /** On what, as a resource. */
  readonly on: string;
  /** A restart includes a reload. */
  readonly effect: 'reload' | 'restart';
  /** Stops what it reloads or restarts, until the handler runs. */
  readonly pause: Fragment;
  /** Starts it as it is. */
  readonly resume: Fragment;
}

export interface Module<Args, Seen> {
  readonly name: string;
  /** Arguments after templating; unknown ones are errors with the position of the task. */
  readonly schema: ZodType<Args>;
  /** A task may give one argument without a name (`package: nginx`): that argument's name. */
  readonly free?: string;
  readonly needs: readonly FactName[];
  /** Fills in content from the role's files. Called before the probe and, if that threw NeedsFacts, after it. */
  resolve?(args: Args, sources: Sources): Args;
  /** What the arguments lay down; the planner refuses two tasks that disagree about one resource. */
  resources(args: Args): readonly Claim[];
  /** Read-only, runs in check mode too; depends on addresses and content hashes only. */
  probe(args: Args): Fragment;
  /** For modules whose probe depends on facts or the ledger: called in the round after those are known, instead of `probe`. */
  probeWith?(args: Args, context: PlanContext): Fragment;
  parse(answer: Uint8Array, args: Args): Seen;
  /** Nothing to do is an empty list. Throws Refusal for what cannot or may not be done on this host. */
  diff(args: Args, seen: Seen, context: PlanContext): readonly Change[];
  /** Runs under `set -e`; must be safe to repeat after being killed anywhere. */
  apply(change: Change, args: Args, context: PlanContext): Fragment;
  /**
   * Splits an apply for a host's turn: `stage` runs early and in parallel, outside every include glob, and `commit` is
   * the cheap rename at the host's turn. Absent: the whole change happens in the turn.
   */
  staged?(
    change: Change,
    args: Args,
    context: PlanContext,
  ): { readonly stage: Fragment; readonly commit: Fragment } | undefined;
  /** For changes of effect `connectivity`: takes one back without us, safe to run whatever part of it has happened. */
  undo?(change: Change, args: Args, context: PlanContext): Fragment;
  /** Makes the module fit for a handler. */
  handler?(args: Args): HandlerAction | undefined;
  /** Makes the task a gate: a check after the host's turn. With `until` the fragment only prints the daemon's status. */
  gate?(
    args: Args,
    context: PlanContext,
  ): {
    readonly fragment: Fragment;
    readonly timeoutMs: number;
    readonly until?: { readonly expected: Expectation; readonly configuration: string | undefined };
  };
  /** Directories for {@link PlanContext.path} of the tasks after this one. */
  provides?(args: Args, context: PlanContext): readonly string[];
  predict(args: Args, seen: Seen, changes: readonly Change[]): Registered | 'unknown';
}

/** A module of which only the registry knows the types. */
export type AnyModule = Module<unknown, unknown>;

/** This host is not as the task needs it, and nothing was changed: the message says what is wrong and the way out. */
export class Refusal extends Error {
  override name = 'Refusal';
}

/** How a kind of resource (`file`, `sysctl`, …) is taken back at teardown from its ledger entry alone. */
export interface Reverter {
  readonly kind: string;
  /** Reads the present state of one entry. */
  probe(entry: LedgerEntry): Fragment;
  /** `ours`: put back what was there first. `foreign`: somebody changed it since; `gone`: nothing left to do. */
  verdict(entry: LedgerEntry, answer: Uint8Array): 'ours' | 'foreign' | 'gone';
  revert(entry: LedgerEntry): Fragment;
  /** Keeps what is foreign beside, before `--force` reverts it. */
  preserve?(entry: LedgerEntry): Fragment;
  readonly effect: Effect;
}
