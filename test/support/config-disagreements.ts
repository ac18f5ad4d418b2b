import type { Diagnostic } from '#base/errors.ts';
import type { CheckedConfig } from '#conf/load.ts';
import { KEYWORDS } from '#conf/tables.ts';
import type { Verdict } from './config-oracle.ts';

/** What keepalived and we say of one configuration. */
export interface Judgement {
  readonly theirs: Verdict;
  readonly ours: CheckedConfig;
}

/** A difference that is meant to be; `complaint` is one that the other side does not share. */
export interface DisagreementRule {
  readonly id: string;
  readonly reason: string;
  /** Which keepalived is known to differ from us here. */
  readonly version: '2.2.7' | 'all';
  /** A line that keepalived says and we do not. */
  readonly theirs?: (line: string, judgement: Judgement) => boolean;
  /** An error that we report and keepalived does not. */
  readonly ours?: (error: Diagnostic, judgement: Judgement) => boolean;
  /** Exit codes, keepalived's then ours, that differ though both complain. */
  readonly exitCodes?: (judgement: Judgement) => boolean;
}

const NEW_KEYWORDS = new Set(KEYWORDS.filter(({ since }) => since !== undefined).map(({ name }) => name));
const says = (pattern: RegExp) => (line: string) => pattern.test(line);
const has =
  (...ids: readonly string[]) =>
  (error: Diagnostic) =>
    ids.includes(error.id);
const codes =
  (theirs: number, ...ours: readonly number[]) =>
  (judgement: Judgement): boolean =>
    judgement.theirs.exitCode === theirs && ours.includes(judgement.ours.exitCode);

const unknownKeyword = (said: string): string => /Unknown keyword '(\w+)'/.exec(said)?.[1] ?? '';

/** The line of the file that keepalived speaks of. */
function lineOf(text: string): number {
  return Number(/Line (\d+)\)/.exec(text)?.[1] ?? 0);
}

export const DISAGREEMENTS: readonly DisagreementRule[] = [
  {
    id: 'not-supported',
    reason: 'BFD and IPVS in another network namespace are not supported, and said to be',
    version: 'all',
    ours: has('keyword-not-supported'),
  },
  {
    id: 'endless-pauses',
    reason: 'keepalived waits for as long as is written; 71 minutes is the most that its other timers take',
    version: 'all',
    ours: ({ id, message }) => id === 'value-out-of-range' && message.endsWith('–4294.967295 s'),
  },
  {
    id: 'flag-above-scheduler',
    reason: 'keepalived ignores sh-port and its like unless the scheduler stands above them',
    version: 'all',
    theirs: says(/only applies to sh scheduler/),
  },
  {
    id: 'option-above-sorry-server',
    reason: 'keepalived ignores options of the sorry server unless it stands above them',
    version: 'all',
    theirs: says(/used before or without sorry_server|forwarding used without sorry_server/),
  },
  {
    id: 'virtual-server-twice',
    reason: 'keepalived takes two virtual servers of one address, which are one service in the kernel',
    version: 'all',
    ours: has('virtual-server-twice'),
  },
  {
    id: 'weight-of-16-bits',
    reason: 'keepalived takes 65536, and gives the kernel 65535',
    version: 'all',
    ours: ({ id, message }) => id === 'value-out-of-range' && message.startsWith('65536 is not in'),
  },
  {
    id: 'newer-keyword',
    reason: 'we know keywords of later versions',
    version: '2.2.7',
    theirs: (line, { theirs }) =>
      NEW_KEYWORDS.has(unknownKeyword(line)) ||
      (/No VIP specified/.test(line) && unknownKeyword(theirs.said) === 'no_virtual_ipaddress'),
    exitCodes: judgement => codes(5, 4)(judgement) && NEW_KEYWORDS.has(unknownKeyword(judgement.theirs.said)),
  },
  {
    id: 'fractions-of-seconds',
    reason: 'interval and timeout of vrrp_script have fractions since 2.3.2, misc_timeout here',
    version: '2.2.7',
    theirs: says(
      /vrrp script (?:interval|timeout) '\d*\.\d*'|invalid number '\d*\.\d*'|Invalid misc_timeout value '\d*\.\d*'/,
    ),
  },
  {
    id: 'noreverse',
    reason: '`noreverse` is newer',
    version: '2.2.7',
    theirs: says(/unknown weight option noreverse/),
  },
  {
    id: 'include-check',
    reason: '2.2.7 refuses every word that its own manual page gives for include_check',
    version: '2.2.7',
    theirs: says(/include_check/),
  },
  {
    id: 'without-effect',
    reason:
      'arguments of keywords that have no effect here are not looked at, and that they have none is said',
    version: 'all',
    theirs: (line, { ours }) =>
      ours.diagnostics.some(
        ({ id, position }) => id === 'keyword-no-effect' && position?.line === lineOf(line),
      ),
  },
  {
    id: 'deprecated',
    reason: 'old names work as ever; that a name is old is no error',
    version: 'all',
    theirs: says(/deprecated/),
  },
  {
    id: 'empty-block',
    reason: 'an empty list does no harm',
    version: 'all',
    theirs: says(/Warning - .*empty .*block/),
  },
  {
    id: 'accounts',
    reason: 'users and groups are looked up by the process that runs the script, not by the parser',
    version: 'all',
    theirs: says(
      /Error setting global script uid|Failed to set uid|Unable to set (?:uid\/gid|default user)|Invalid (?:startup|shutdown) script|track script .* not found, ignoring/,
    ),
  },
  {
    id: 'names-of-numbers',
    reason: "names of scopes and tables are looked up in the host's files when they are used",
    version: 'all',
    theirs: says(/Invalid scope/),
  },
  {
    id: 'script-absent',
    reason:
      'the daemon warns of a script that is not there when it starts; the parser does not look at the disk',
    version: 'all',
    theirs: says(/not found\/accessible/),
  },
  {
    id: 'mail-server-name',
    reason: 'names are not resolved while a configuration is read',
    version: 'all',
    theirs: says(/Invalid smtp server/),
  },
  {
    id: 'cpu-count',
    reason: 'a configuration may be for a host with more CPUs than this one',
    version: 'all',
    theirs: says(/cpu_id|outside range \[0, \d{1,2}\]/),
  },
  {
    id: 'block-missing',
    reason: 'keepalived takes a block keyword without a block for an empty one; a brace was forgotten',
    version: 'all',
    ours: has('block-missing'),
  },
  {
    id: 'words-before-brace',
    reason: 'keepalived ignores words before the brace of some blocks',
    version: 'all',
    ours: has('name-extra'),
  },
  {
    id: 'duplicate-name',
    reason: 'keepalived keeps two scripts, processes or files of one name, and no rule says which is tracked',
    version: 'all',
    ours: has('name-duplicate'),
  },
  {
    id: 'words-after-keyword',
    reason: 'keepalived drops a second keyword on a line without a word',
    version: 'all',
    ours: has('keyword-on-same-line'),
  },
  {
    id: 'useless-authentication',
    reason:
      'keepalived runs without authentication where auth_type or auth_pass is missing, and says nothing',
    version: 'all',
    ours: has('authentication-ignored'),
  },
  {
    id: 'not-a-number',
    reason: 'keepalived takes "" for 0',
    version: 'all',
    ours: ({ id, message }, { ours }) =>
      (id === 'value-invalid' && message.startsWith('`` is not')) ||
      (id === 'garp-group-empty' && ours.diagnostics.some(other => other.message.startsWith('`` is not'))),
  },
  {
    id: 'number-of-bursts',
    reason:
      'garp_lower_prio_repeat takes 31 bits and inherits garp_master_repeat, which has 32 in keepalived',
    version: 'all',
    ours: ({ id, message }) => id === 'value-out-of-range' && message.startsWith('2147483648 '),
  },
  {
    id: 'not-a-boolean',
    reason: 'keepalived takes any word for `on` at some keywords',
    version: 'all',
    ours: ({ id, message }) => id === 'value-invalid' && message.endsWith('on, off, true, false, yes or no'),
  },
  {
    id: 'not-an-address',
    reason: 'keepalived cuts the prefix off a source address',
    version: 'all',
    ours: ({ id, message }) => id === 'value-invalid' && message.endsWith('an IPv4 or IPv6 address'),
  },
  {
    id: 'too-many-words',
    reason: 'keepalived takes the last of too many numbers',
    version: 'all',
    ours: ({ id, message }) => id === 'value-invalid' && message.startsWith('expected `'),
  },
  {
    id: 'lone-keyword',
    reason: 'keepalived says nothing of a few keywords without argument',
    version: 'all',
    ours: has('argument-none'),
  },
  {
    id: 'exit-code-of-missing-parameters',
    reason: 'the VRRP process that gives up at a missing parameter makes 2.2.7 exit with 2, not with 4',
    version: '2.2.7',
    exitCodes: codes(2, 4),
  },
  {
    id: 'nameless-block',
    reason: 'keepalived cannot run with a nameless block; we leave out the block and run',
    version: '2.2.7',
    exitCodes: judgement => codes(2, 5)(judgement) && /missing a parameter/.test(judgement.theirs.said),
  },
  {
    id: 'script-security',
    reason:
      'keepalived gives 6 where scripts are run without enable_script_security; we where a path is insecure',
    version: 'all',
    exitCodes: judgement =>
      codes(6, 0, 5)(judgement) && /script_security not enabled/.test(judgement.theirs.said),
  },
  {
    id: 'unknown-interface-of-delays',
    reason:
      'keepalived cannot run where interface_up_down_delays names an interface that is not there; we wait for it',
    version: 'all',
    exitCodes: judgement => codes(4, 5)(judgement) && /up\/down delay/.test(judgement.theirs.said),
  },
  {
    id: 'keepalived-loops',
    reason:
      '2.2.7 never ends where a sync group without members, or with a file that is not defined, tracks files',
    version: '2.2.7',
    exitCodes: judgement =>
      codes(124, 5)(judgement) &&
      judgement.ours.diagnostics.some(({ id }) => id === 'tracker-unknown' || id === 'group-empty'),
  },
  {
    id: 'keepalived-crashes',
    reason: '2.2.7 follows a null pointer at unclosed quotes and missing names and braces',
    version: '2.2.7',
    exitCodes: codes(139, 4, 5),
  },
];

/** The rules that explain a disagreement, and what they do not explain; nothing at all if both agree. */
export function explain(judgement: Judgement): { rules: DisagreementRule[]; unexplained: string[] } {
  const { theirs, ours } = judgement;
  if (theirs.exitCode === ours.exitCode) return { rules: [], unexplained: [] };
  if (theirs.exitCode !== 0 && ours.exitCode !== 0) {
    const rule = DISAGREEMENTS.find(({ exitCodes }) => exitCodes?.(judgement));
    return { rules: rule ? [rule] : [], unexplained: rule ? [] : ['the exit codes'] };
  }
  if (theirs.exitCode === 0) {
    const errors = ours.diagnostics.filter(({ severity }) => severity === 'error');
    return collect(errors, error => ({
      rule: DISAGREEMENTS.find(each => each.ours?.(error, judgement)),
      text: error.message,
    }));
  }
  const lines = theirs.said.split('\n').filter(line => line !== '');
  return collect(lines, line => ({
    rule: DISAGREEMENTS.find(each => each.theirs?.(line, judgement) ?? isOfExitCode(each, line)),
    text: line,
  }));
}

/** keepalived's line that goes with an exit code of its own. */
function isOfExitCode({ id }: DisagreementRule, line: string): boolean {
  return id === 'script-security' && line.startsWith('SECURITY VIOLATION');
}

function collect<T>(
  items: readonly T[],
  look: (item: T) => { rule: DisagreementRule | undefined; text: string },
): { rules: DisagreementRule[]; unexplained: string[] } {
  const found = items.map(look);
  return {
    rules: found.flatMap(({ rule }) => rule ?? []),
    unexplained: found.flatMap(({ rule, text }) => (rule ? [] : [text])),
  };
}
