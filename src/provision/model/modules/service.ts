import { z } from 'zod';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import {
  type Change,
  type Claim,
  type Effect,
  type Module,
  type PlanContext,
  Refusal,
  type Reverter,
} from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';
import { must } from '#base/assert.ts';
import { splitWords } from './arguments.ts';

export interface ServiceArgs {
  readonly name: string;
  readonly enabled?: boolean | undefined;
  readonly state?: 'started' | 'stopped' | 'restarted' | 'reloaded' | undefined;
  /** Units beside which this one may not run: the host is refused while one of them does. */
  readonly conflicts?: readonly string[] | undefined;
  /**
   * Units whose place this one takes: stopped and disabled just before it starts, and started again if it does not. One
   * that runs and that Tandem neither started nor took over is refused unless `migrate` is true.
   */
  readonly replaces?: readonly string[] | undefined;
  readonly migrate?: boolean | undefined;
  /**
   * A unit that runs with files that are about to become Tandem's: teardown has it load its own again. Refused unless
   * `migrate` is true or it is Tandem's already.
   */
  readonly adopted?: boolean | undefined;
  /** A command that exits 0 while the running unit does what it is for: where it does not, the unit is restarted. */
  readonly check?: string | undefined;
}

/** What systemd says of a unit. */
export interface SeenService {
  /** `loaded`, `not-found`, `masked`, …; empty: there is no systemd. */
  readonly load: string;
  readonly active: string;
  /** `enabled`, `disabled`, `static`, …; empty without a unit file. */
  readonly unitFile: string;
  /** Which of the conflicting units run. */
  readonly conflicting: readonly string[];
  readonly replaced: readonly { readonly name: string; readonly active: string; readonly enabled: boolean }[];
  /** False: the unit's check was asked for and did not hold. */
  readonly holds: boolean;
}

const unitName = z.string().regex(/^[A-Za-z0-9:_.@\\-]+$/, 'expected a unit name such as tandemd');

/** A systemd service: whether it starts at boot, and whether it runs. All its changes wait for the host's turn. */
export const service: Module<ServiceArgs, SeenService> = {
  name: 'service',
  schema: z
    .strictObject({
      name: unitName,
      enabled: z.boolean().optional(),
      state: z.enum(['started', 'stopped', 'restarted', 'reloaded']).optional(),
      conflicts: z.array(unitName).optional(),
      replaces: z.array(unitName).optional(),
      migrate: z.boolean().optional(),
      adopted: z.literal(true).optional(),
      check: z
        .string()
        .refine(command => (splitWords(command)?.length ?? 0) > 0, 'expected a command; check its quotes')
        .optional(),
    })
    .refine(
      args => args.enabled !== undefined || args.state !== undefined || args.adopted === true,
      'expected "enabled", "state" or both',
    )
    .refine(
      args => args.replaces === undefined || args.state === 'started',
      '"replaces" goes with "state: started"',
    )
    .refine(
      args => args.check === undefined || args.state === 'started',
      '"check" goes with "state: started"',
    ),
  needs: [],
  resources: claims,
  probe: args =>
    lines([look([args.name, ...(args.conflicts ?? []), ...(args.replaces ?? [])]), checked(args)]),
  parse: (answer, args) => parse(answer, args),
  diff,
  apply: change => {
    const { name, action, instead = [] } = change.to as unknown as Action;
    if (action === 'adopt') return NOTHING;
    return instead.length > 0 ? orAsBefore(run(action, name), name, instead) : run(action, name);
  },
  handler: args => {
    if (args.state !== 'restarted' && args.state !== 'reloaded') return undefined;
    const restart = args.state === 'restarted';
    const fragment = run(restart ? 'restart' : 'reload-or-restart', args.name);
    const effect = restart ? 'restart' : 'reload';
    const [pause, resume] = [run('stop', args.name), run('start', args.name)];
    return { fragment, on: `service:${args.name}/state`, effect, pause, resume };
  },
  predict: (args, seen, changes) => ({ name: args.name, active: seen.active, changed: changes.length > 0 }),
};

interface Action {
  readonly name: string;
  readonly action: string;
  /** Units that it takes the place of, and that ran until now. */
  readonly instead?: readonly string[];
}

function claims(args: ServiceArgs): readonly Claim[] {
  const lasting = args.state === 'started' || args.state === 'stopped';
  return [
    ...(args.enabled === undefined
      ? []
      : [{ resource: `service:${args.name}/enabled`, wanted: args.enabled }]),
    ...(lasting ? [{ resource: `service:${args.name}/state`, wanted: args.state }] : []),
  ];
}

/** systemctl answers with a block for each unit, in the order of the question. */
function look(names: readonly string[]): Fragment {
  return sh`command -v systemctl >/dev/null || exit 0; systemctl show -p LoadState -p ActiveState -p UnitFileState ${names}`;
}

/** One more block: what the check says. It only looks, and not for long. */
function checked({ check }: ServiceArgs): Fragment {
  if (check === undefined) return NOTHING;
  const words = must(splitWords(check), 'the schema has checked the command');
  return sh`if timeout 5 ${words} >/dev/null 2>&1 </dev/null; then printf '\nCheck=holds\n'; else printf '\nCheck=fails\n'; fi`;
}

const ENABLED: ReadonlySet<string> = new Set(['enabled', 'static', 'generated', 'alias', 'indirect']);

function parse(
  answer: Uint8Array,
  { conflicts = [], replaces = [] }: Pick<ServiceArgs, 'conflicts' | 'replaces'> = {},
): SeenService {
  const [text = '', ...others] = new TextDecoder().decode(answer).split('\n\n');
  const valueIn = (block: string, key: string): string =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
  const value = (key: string): string => valueIn(text, key);
  const replaced = replaces.map((name, index) => {
    const block = others[conflicts.length + index] ?? '';
    return {
      name,
      active: valueIn(block, 'ActiveState'),
      enabled: valueIn(block, 'UnitFileState') === 'enabled',
    };
  });
  const conflicting = conflicts.filter((_, index) =>
    /^ActiveState=(?:active|activating)$/m.test(others[index] ?? ''),
  );
  return {
    load: value('LoadState'),
    active: value('ActiveState'),
    unitFile: value('UnitFileState'),
    conflicting,
    replaced,
    holds: !others.some(block => /^Check=fails$/m.test(block)),
  };
}

const RUNNING: ReadonlySet<string> = new Set(['active', 'reloading']);
const STOPPED: ReadonlySet<string> = new Set(['inactive', 'failed', '']);

function diff(args: ServiceArgs, seen: SeenService, context: PlanContext): readonly Change[] {
  if (seen.load === '') throw new Refusal('services are run by systemd, and this host has none');
  if (seen.load === 'masked' && args.state !== 'stopped')
    throw new Refusal(`${args.name} is masked: systemctl unmask ${args.name} if it shall run`);
  const [other] = seen.conflicting;
  if (other !== undefined)
    throw new Refusal(
      `${other} runs on this host, and ${args.name} must not run beside it: systemctl disable --now ${other}`,
    );
  return [
    ...adopting(args, seen, context),
    ...replacing(args, seen, context),
    ...enabling(args, seen),
    ...running(args, seen),
  ];
}

/** A unit that runs, and that Tandem neither started nor took over. */
function isForeign(name: string, active: string, { ledger }: PlanContext): boolean {
  const isOurs = ledger.some(({ resource }) =>
    [`service:${name}/state`, `service:${name}/adopted`].includes(resource),
  );
  return !STOPPED.has(active) && !isOurs;
}

function adopting(args: ServiceArgs, seen: SeenService, context: PlanContext): readonly Change[] {
  if (args.adopted !== true || !isForeign(args.name, seen.active, context)) return [];
  if (args.migrate !== true)
    throw new Refusal(
      `${args.name} runs on this host, and not by Tandem: --migrate has it go on with the inventory's configuration in place of its own (tandem import makes an inventory of that)`,
    );
  return [
    {
      resource: `service:${args.name}/adopted`,
      from: { active: seen.active },
      to: { name: args.name, action: 'adopt' },
      summary: 'runs already: taken over',
      effect: 'none',
      early: true,
    },
  ];
}

/** Stopped just before the other starts. Whatever does not run is only kept from starting at boot. */
function replacing(args: ServiceArgs, seen: SeenService, context: PlanContext): readonly Change[] {
  return seen.replaced.flatMap(({ name, active, enabled }): Change[] => {
    if (args.migrate !== true && isForeign(name, active, context))
      throw new Refusal(
        `${name} runs on this host, and not by Tandem; ${args.name} must not run beside it: --migrate has ${args.name} take its place, or vrrp_daemon: ${name} has Tandem go on with it (tandem import makes an inventory of its configuration)`,
      );
    const change = (aspect: string, from: Change['from'], action: string, summary: string): Change => ({
      resource: `service:${name}/${aspect}`,
      from,
      to: { name, action },
      summary: `${name}: ${summary}`,
      effect: 'restart',
    });
    return [
      ...(enabled ? [change('enabled', { enabled }, 'disable', 'does not start at boot any more')] : []),
      ...(STOPPED.has(active)
        ? []
        : [change('state', { active }, 'stop', `${active} → stopped: ${args.name} takes its place`)]),
    ];
  });
}

function enabling(args: ServiceArgs, seen: SeenService): readonly Change[] {
  const enabled = ENABLED.has(seen.unitFile);
  if (args.enabled === undefined || args.enabled === enabled) return [];
  const action = args.enabled ? 'enable' : 'disable';
  return [
    {
      resource: `service:${args.name}/enabled`,
      from: { enabled },
      to: { name: args.name, action, enabled: args.enabled },
      summary: args.enabled ? 'starts at boot' : 'does not start at boot any more',
      effect: 'reload',
    },
  ];
}

function running(args: ServiceArgs, seen: SeenService): readonly Change[] {
  const instead = seen.replaced.filter(({ active }) => !STOPPED.has(active)).map(({ name }) => name);
  const change = (action: string, summary: string, effect: Effect, transient: boolean): Change => ({
    resource: `service:${args.name}/state`,
    from: { active: seen.active },
    to: { name: args.name, action, ...(action === 'start' && instead.length > 0 ? { instead } : {}) },
    summary,
    effect,
    ...(transient ? { transient } : {}),
  });
  switch (args.state) {
    case 'started':
      if (RUNNING.has(seen.active) && !seen.holds)
        return [change('restart', `${seen.active}, but its check fails → restarted`, 'restart', true)];
      return RUNNING.has(seen.active)
        ? []
        : [change('start', `${seen.active || 'not there'} → started`, 'restart', false)];
    case 'stopped':
      return STOPPED.has(seen.active) ? [] : [change('stop', `${seen.active} → stopped`, 'restart', false)];
    case 'restarted':
      return [change('restart', 'restarted', 'restart', true)];
    case 'reloaded':
      return [change('reload-or-restart', 'reloaded', 'reload', true)];
    case undefined:
      return [];
  }
}

function run(action: string, name: string): Fragment {
  if (action === 'enable' || action === 'disable') return sh`systemctl ${action} ${name} 2>&1`;
  if (action === 'stop') return sh`systemctl stop ${name}`;
  return sh`systemctl reset-failed ${name} 2>/dev/null || :; t_unit ${action} ${name}`;
}

/** A unit that does not start leaves the host to those that ran before it, and is kept from trying again beside them. */
function orAsBefore(start: Fragment, name: string, instead: readonly string[]): Fragment {
  return sh`(\n${start}\n) || { t_e=$?; systemctl stop ${name}; systemctl enable --now ${instead} >&2; echo ${`${instead.join(', ')} runs again instead`} >&2; exit $t_e; }`;
}

/** Teardown: stopped or started, disabled or enabled, as it was first. */
export const serviceReverter: Reverter = {
  kind: 'service',
  effect: 'restart',
  probe: entry => look([partsOf(entry).name]),
  verdict: (entry, answer) => {
    const { aspect } = partsOf(entry);
    const seen = parse(answer);
    if (aspect === 'adopted') return RUNNING.has(seen.active) ? 'ours' : 'gone';
    if (aspect === 'enabled') return (seen.unitFile === 'enabled') === wasEnabled(entry) ? 'gone' : 'ours';
    return RUNNING.has(seen.active) === wasRunning(entry) ? 'gone' : 'ours';
  },
  revert: entry => {
    const { name, aspect } = partsOf(entry);
    if (aspect === 'adopted') return run('reload-or-restart', name);
    if (aspect === 'enabled') return run(wasEnabled(entry) ? 'enable' : 'disable', name);
    return run(wasRunning(entry) ? 'start' : 'stop', name);
  },
};

function partsOf(entry: LedgerEntry): { name: string; aspect: string } {
  const slash = entry.resource.lastIndexOf('/');
  return { name: entry.resource.slice('service:'.length, slash), aspect: entry.resource.slice(slash + 1) };
}

function wasEnabled(entry: LedgerEntry): boolean {
  return (entry.first as { enabled: boolean }).enabled;
}

function wasRunning(entry: LedgerEntry): boolean {
  return RUNNING.has((entry.first as { active: string }).active);
}
