import { z } from 'zod';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type Json, type Module, Refusal, type Reverter } from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';

interface ModprobeArgs {
  readonly name: string;
  readonly persistent: boolean;
  readonly required: boolean;
}

/** `built-in` can be neither loaded nor removed; `missing`: this kernel has no such module. */
type ModuleState = 'loaded' | 'built-in' | 'available' | 'missing';

interface SeenModule {
  readonly [key: string]: Json;
  readonly state: ModuleState;
  /** Whether our file has systemd-modules-load(8) load it at boot. */
  readonly persistent: boolean;
}

/** A kernel module: loaded now, and at every boot by a file of its own in `/etc/modules-load.d`. */
export const modprobe: Module<ModprobeArgs, SeenModule> = {
  name: 'modprobe',
  schema: z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]+$/, 'expected the name of a module such as ip_vs'),
    persistent: z.boolean().default(true),
    required: z.boolean().default(true),
  }),
  free: 'name',
  needs: [],
  resources: args => [{ resource: `module:${args.name}`, wanted: { persistent: args.persistent } }],
  probe: args => look(args.name),
  parse,
  diff,
  apply: (change, args) => {
    const { state, persistent } = change.to as SeenModule;
    const before = (change.from as SeenModule).state;
    return lines([
      state === 'loaded' && before !== 'loaded' ? sh`modprobe ${args.name}` : NOTHING,
      persistent ? sh`t_modules_load ${args.name} on` : NOTHING,
    ]);
  },
  predict: (args, seen, changes) => ({
    name: args.name,
    available: seen.state !== 'missing',
    changed: changes.length > 0,
  }),
};

function look(name: string): Fragment {
  return sh`t_module ${name}`;
}

function parse(answer: Uint8Array): SeenModule {
  const [state = '', persistent = ''] = new TextDecoder().decode(answer).trim().split(' ');
  const states: readonly string[] = ['loaded', 'built-in', 'available', 'missing'] satisfies ModuleState[];
  if (!states.includes(state)) throw new SyntaxError(`not the state of a kernel module: ${state}`);
  return { state: state as ModuleState, persistent: persistent === 'yes' };
}

function diff(args: ModprobeArgs, seen: SeenModule): readonly Change[] {
  if (seen.state === 'missing') {
    if (!args.required) return [];
    throw new Refusal(
      `this kernel has no module ${args.name}: install the kernel's modules, or another kernel`,
    );
  }
  const load = seen.state === 'available';
  const persist = args.persistent && !seen.persistent && seen.state !== 'built-in';
  if (!load && !persist) return [];
  const summary = [load ? 'loaded' : '', persist ? 'loaded at boot' : ''].filter(Boolean).join(', ');
  const to: SeenModule = { state: load ? 'loaded' : seen.state, persistent: seen.persistent || persist };
  return [{ resource: `module:${args.name}`, from: seen, to, summary, effect: 'none' }];
}

/** Teardown: not loaded at boot any more, and removed if it was not there before and nothing uses it. */
export const modprobeReverter: Reverter = {
  kind: 'module',
  effect: 'none',
  probe: entry => look(nameOf(entry)),
  verdict: (entry, answer) => {
    const seen = parse(answer);
    const first = entry.first as SeenModule;
    const loaded = seen.state === 'loaded' && first.state !== 'loaded';
    return loaded || seen.persistent !== first.persistent ? 'ours' : 'gone';
  },
  revert: entry => {
    const first = entry.first as SeenModule;
    const name = nameOf(entry);
    return lines([
      first.persistent ? NOTHING : sh`t_modules_load ${name} off`,
      first.state === 'available'
        ? sh`modprobe -r ${name} 2>/dev/null || echo ${`${name} is in use: stays loaded until the next boot`}`
        : NOTHING,
    ]);
  },
};

function nameOf(entry: LedgerEntry): string {
  return entry.resource.slice('module:'.length);
}
