import { z } from 'zod';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type Json, type Module, Refusal, type Reverter } from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';
import { absolutePath } from './arguments.ts';

interface SysctlArgs {
  readonly name: string;
  readonly value: string | number;
  readonly sysctl_file: string;
  readonly ignore_missing: boolean;
}

/** Live value and persistent line, each null if there is none. */
interface SysctlState {
  readonly [key: string]: Json;
  readonly live: string | null;
  readonly persisted: string | null;
  readonly file: string;
}

/** Sorts after everything that Debian and Red Hat ship, so that our value is the one that counts at boot. */
const SYSCTL_FILE = '/etc/sysctl.d/99-tandem.conf';

/** A kernel parameter: now, and at every boot by one file that holds all of ours. */
export const sysctl: Module<SysctlArgs, SysctlState> = {
  name: 'sysctl',
  schema: z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_:@-]+)+$/, 'expected a name such as net.ipv4.ip_forward'),
    value: z.union([z.string().regex(/^[^\n\0]+$/), z.int()]),
    sysctl_file: absolutePath.default(SYSCTL_FILE),
    /** Where the kernel does not know the parameter yet: only at boot, and live if it is there by then. */
    ignore_missing: z.boolean().default(false),
  }),
  needs: [],
  resources: args => [{ resource: `sysctl:${args.name}`, wanted: canonical(args.value) }],
  probe: args => look(args.name, args.sysctl_file),
  parse: (answer, args) => parseState(answer, args.sysctl_file),
  diff,
  apply: (change, args) => set(args.name, change.to as SysctlState),
  predict: (args, _seen, changes) => ({
    name: args.name,
    value: canonical(args.value),
    changed: changes.length > 0,
  }),
};

/** Several numbers in one value are separated by tabs in /proc. */
function canonical(value: string | number): string {
  return String(value).trim().replaceAll(/\s+/g, ' ');
}

function look(name: string, file: string): Fragment {
  return sh`t_sysctl ${name} ${procPath(name)} ${file}`;
}

/** `net.ipv4.conf.eth0/100.rp_filter`: the first separator decides which of `.` and `/` separates (sysctl.d(5)). */
export function procPath(name: string): string {
  const dots = /[./]/.exec(name)?.[0] === '.';
  const path = dots ? name.replaceAll(/[./]/g, mark => (mark === '.' ? '/' : '.')) : name;
  return `/proc/sys/${path}`;
}

function parseState(answer: Uint8Array, file: string): SysctlState {
  const [live = '', persisted = ''] = new TextDecoder().decode(answer).split('\n');
  const value = (text: string): string | null => (text.startsWith('=') ? canonical(text.slice(1)) : null);
  return { live: value(live), persisted: value(persisted), file };
}

function diff(args: SysctlArgs, seen: SysctlState): readonly Change[] {
  const value = canonical(args.value);
  if (seen.live === null && !args.ignore_missing)
    throw new Refusal(
      `this kernel has no ${args.name} (${procPath(args.name)}): is its module or interface there?`,
    );
  const to: SysctlState = { live: value, persisted: value, file: args.sysctl_file };
  const parts = [
    ...(seen.live === value || seen.live === null ? [] : [`${seen.live} → ${value}`]),
    ...(seen.persisted === value
      ? []
      : [`in ${args.sysctl_file}: ${seen.persisted ?? 'nothing'} → ${value}`]),
  ];
  if (parts.length === 0) return [];
  return [{ resource: `sysctl:${args.name}`, from: seen, to, summary: parts.join(', '), effect: 'none' }];
}

function set(name: string, state: SysctlState): Fragment {
  const persist = persistent(state.file, name, state.persisted);
  if (state.live === null) return persist;
  const path = procPath(name);
  return lines([persist, sh`[ ! -e ${path} ] || printf '%s\\n' ${state.live} >${path}`]);
}

function persistent(file: string, name: string, value: string | null): Fragment {
  return value === null ? sh`t_sysctl_line ${file} ${name}` : sh`t_sysctl_line ${file} ${name} ${value}`;
}

/** Teardown: the values that were there first, live and in the file; a file that has no line left goes. */
export const sysctlReverter: Reverter = {
  kind: 'sysctl',
  effect: 'none',
  probe: entry => look(nameOf(entry), (entry.ours as SysctlState).file),
  verdict: (entry, answer) => {
    const ours = entry.ours as SysctlState;
    const seen = parseState(answer, ours.file);
    const accepted = [ours, ...(entry.previous === undefined ? [] : [entry.previous as SysctlState])];
    const first = entry.first as SysctlState;
    if (seen.live === first.live && seen.persisted === first.persisted) return 'gone';
    // The interface may be gone, and its value with it; the line in the file is still ours.
    const mine = accepted.some(
      state =>
        [state.live, first.live, null].includes(seen.live) &&
        [state.persisted, first.persisted].includes(seen.persisted),
    );
    return mine ? 'ours' : 'foreign';
  },
  revert: entry => {
    const first = entry.first as SysctlState;
    const name = nameOf(entry);
    const file = (entry.ours as SysctlState).file;
    return lines([
      persistent(file, name, first.persisted),
      // What appeared with a module is the module's to take away.
      first.live === null
        ? NOTHING
        : sh`[ ! -e ${procPath(name)} ] || printf '%s\\n' ${first.live} >${procPath(name)}`,
    ]);
  },
};

function nameOf(entry: LedgerEntry): string {
  return entry.resource.slice('sysctl:'.length);
}
