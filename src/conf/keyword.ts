/**
 * The form of the keyword tables: one row per keyword, from which the reader of its arguments, the generated
 * documentation and the diagnostics are drawn.
 */

/** Blocks that have a table; the top level is `''`. */
export type BlockName =
  | ''
  | 'global_defs'
  | 'vrrp_instance'
  | 'authentication'
  | 'auth_hmac'
  | 'vrrp_sync_group'
  | 'vrrp_script'
  | 'vrrp_track_process'
  | 'track_file'
  | 'track_group'
  | 'garp_group'
  | 'bfd_instance'
  | 'virtual_server'
  | 'real_server'
  | 'checker'
  | 'url'
  | 'SSL';

/** How a keyword's arguments are read. Numbers of seconds become milliseconds. */
export type Argument =
  /** No argument. */
  | { readonly type: 'flag' }
  /** `on|off|true|false|yes|no`; the bare keyword is true. */
  | { readonly type: 'boolean' }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  /** Seconds; fractions down to a microsecond unless `whole`. */
  | { readonly type: 'seconds'; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  /** One word. */
  | { readonly type: 'word'; readonly what: string }
  | { readonly type: 'address'; readonly what: string }
  /** A command, then optionally the user and group that run it; `lone` takes the command only. */
  | { readonly type: 'script'; readonly lone: boolean; readonly optional: boolean }
  /** A number, then `reverse` or `noreverse`. */
  | { readonly type: 'weight'; readonly min: number; readonly max: number }
  /** A block with a table; `syntax` shows the words before the brace. */
  | {
      readonly type: 'block';
      readonly block: BlockName;
      readonly syntax: string;
      readonly words: readonly [number, number];
    }
  /** A block of lines with a syntax of their own; `words`: how many words stand before the brace. */
  | { readonly type: 'lines'; readonly syntax: string; readonly words: readonly [number, number] }
  /** Words with a syntax of their own: how many there may be. */
  | { readonly type: 'words'; readonly syntax: string; readonly words: readonly [number, number] };

type Support = 'works' | 'noEffect' | 'notSupported';

/** What a reload does with a changed value. */
type ReloadEffect =
  /** Takes effect, state is kept. */
  | 'live'
  /** Part of the identity: the old instance ends and a new one starts. */
  | 'identity'
  /** Needs a restart of the daemon. */
  | 'restart';

export interface Keyword {
  readonly name: string;
  readonly block: BlockName;
  readonly argument: Argument;
  /** As written in a file; undefined: none. */
  readonly default: string | undefined;
  readonly support: Support;
  /** Why it has no effect or is not supported. */
  readonly reason: string | undefined;
  /** The first keepalived that knows it, if that is later than 2.2.7 (Debian 12). */
  readonly since: string | undefined;
  readonly reload: ReloadEffect;
  /** Of several in one block the first counts and the others are errors; otherwise the last counts. */
  readonly once: boolean;
  /** One sentence. */
  readonly doc: string;
}

type Extras = Partial<Pick<Keyword, 'default' | 'support' | 'reason' | 'since' | 'reload' | 'once'>>;

/** One row. */
export function row(
  block: BlockName,
  name: string,
  argument: Argument,
  doc: string,
  extras: Extras = {},
): Keyword {
  return {
    name,
    block,
    argument,
    doc,
    default: extras.default,
    support: extras.support ?? 'works',
    reason: extras.reason,
    since: extras.since,
    reload: extras.reload ?? 'live',
    once: extras.once ?? argument.type === 'script',
  };
}

/** One row of `global_defs`. */
export function globalRow(name: string, argument: Argument, doc: string, extras?: Extras): Keyword {
  return row('global_defs', name, argument, doc, extras);
}

export const flag: Argument = { type: 'flag' };
export const boolean: Argument = { type: 'boolean' };
export const integer = (min: number, max: number): Argument => ({ type: 'integer', min, max });
export const seconds = (min: number, max: number): Argument => ({ type: 'seconds', min, max, whole: false });
export const wholeSeconds = (min: number, max: number): Argument => ({
  type: 'seconds',
  min,
  max,
  whole: true,
});
export const choice = (...values: string[]): Argument => ({ type: 'choice', values });
export const word = (what: string): Argument => ({ type: 'word', what });
export const address = (what: string): Argument => ({ type: 'address', what });
export const weight = (max: number): Argument => ({ type: 'weight', min: -max, max });
export const script: Argument = { type: 'script', lone: false, optional: false };
export const loneScript: Argument = { type: 'script', lone: true, optional: false };
export const optionalScript: Argument = { type: 'script', lone: false, optional: true };
export const lines = (syntax: string): Argument => ({ type: 'lines', syntax, words: [0, 0] });
/** Lines of a block with a name. */
export const namedLines = (syntax: string): Argument => ({ type: 'lines', syntax, words: [1, 1] });
export const words = (syntax: string, min: number, max: number): Argument => ({
  type: 'words',
  syntax,
  words: [min, max],
});
export const block = (name: BlockName, syntax: string, min: number, max = min): Argument => ({
  type: 'block',
  block: name,
  syntax,
  words: [min, max],
});

/** Support of rows that are accepted without effect, and why. */
export const noEffect = (reason: string): Extras => ({ support: 'noEffect', reason });
/** Support of rows that are refused, and why. */
export const notSupported = (reason: string): Extras => ({ support: 'notSupported', reason });

const UINT32 = 0xffffffff;
/** Largest value of keepalived's unsigned numbers. */
export const MAX_UNSIGNED = UINT32;
/** Largest interval in whole seconds that keepalived takes (2^32 microseconds). */
export const MAX_TIMER_S = 4294;
/** The same for seconds with a fraction. */
export const MAX_PAUSE_S = 4294.967295;

/** Arguments as a man page writes them. */
export function describeArgument(argument: Argument): string {
  switch (argument.type) {
    case 'flag':
      return '';
    case 'boolean':
      return '[on|off]';
    case 'integer':
      return argument.max >= 0x7fffffff
        ? `integer ≥ ${argument.min}`
        : `integer ${argument.min}–${argument.max}`;
    case 'seconds':
      return `${argument.whole ? 'whole seconds' : 'seconds'} ${argument.min}–${argument.max}`;
    case 'choice':
      return argument.values.join('|');
    case 'word':
    case 'address':
      return argument.what;
    case 'script':
      return describeScript(argument);
    case 'weight':
      return `integer ${argument.min}–${argument.max} [reverse|noreverse]`;
    case 'block':
      return `${argument.syntax} { … }`.trimStart();
    case 'lines':
      return `{ ${argument.syntax} … }`;
    case 'words':
      return argument.syntax;
  }
}

function describeScript(argument: Extract<Argument, { type: 'script' }>): string {
  const text = argument.lone ? 'COMMAND' : 'COMMAND [USER [GROUP]]';
  return argument.optional ? `[${text}]` : text;
}
