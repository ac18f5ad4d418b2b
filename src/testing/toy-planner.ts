/** A planner of a few lines: tests of the order of things need no playbook. */
import type { Expectation } from '#control/expectation.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { Gate, HostPlan, Step, WirePlan } from '#provision/model/plan.ts';
import { type Fragment, sh } from '#provision/model/shell.ts';
import type { ElectionChange } from '#provision/model/vrrp-change.ts';
import type { Answers, HostPlanner, RunHost } from '#provision/run/ports.ts';

/** What a host shall have: each part is a fragment that runs once. */
export interface Toy {
  readonly early?: Fragment;
  readonly guarded?: Fragment;
  readonly selfRevert?: Fragment;
  readonly guardedInTurn?: true;
  readonly turn?: Fragment;
  readonly handler?: Fragment;
  /** What the turn makes of the peers' understanding, and how the host is stopped. */
  readonly wire?: WirePlan;
  readonly elections?: readonly ElectionChange[];
  readonly effect?: 'reload' | 'restart';
  readonly gate?: Fragment;
  /** With a gate that prints the daemon's status. */
  readonly until?: Expectation;
}

/** Plans what the toy says for files that are not there yet: `early`, `guarded` and `turn` each make one of their name. */
function toyPlanner(host: string, toy: Toy): HostPlanner {
  return {
    probe: () => ({
      parts: [
        { id: 'seen', fragment: sh`for f in early guarded turn; do [ ! -e "$f" ] || echo "$f"; done` },
        { id: 'live', fragment: sh`cat status.json 2>/dev/null || :` },
      ],
    }),
    plan: answers => planOf(host, toy, answers),
  };
}

function planOf(host: string, toy: Toy, answers: Answers): HostPlan {
  const text = (id: string): string => new TextDecoder().decode(answers.get(id)?.stdout);
  const seen = new Set(text('seen').split('\n'));
  const parts = ['early', 'guarded', 'turn'] as const;
  const wanted = new Set(parts.filter(name => toy[name] && !seen.has(name)));
  const step = (name: 'early' | 'guarded' | 'turn'): Step[] => {
    const fragment = toy[name];
    if (!fragment || !wanted.has(name)) return [];
    const effect = name === 'turn' ? (toy.effect ?? 'reload') : 'none';
    const change = { resource: `file:${name}`, from: null, to: name, summary: name, effect } as const;
    return [{ kind: 'apply', task: name.length, name, change, fragment: sh`${fragment}; touch ${name}` }];
  };
  const gates: Gate[] =
    toy.gate && wanted.has('turn')
      ? [{ name: 'gate', fragment: toy.gate, timeoutMs: 2000, ...untilOf(toy) }]
      : [];
  const handler: Step[] =
    toy.handler && wanted.has('turn')
      ? [{ kind: 'handler', name: 'reload it', fragment: toy.handler, effect: toy.effect ?? 'reload' }]
      : [];
  return {
    host,
    tasks: (['early', 'guarded', 'turn'] as const)
      .filter(name => toy[name])
      .map(name => ({
        id: name.length,
        role: 'toy',
        name,
        status: wanted.has(name) ? ('pending' as const) : ('ok' as const),
        changes: [],
      })),
    early: step('early'),
    guarded: step('guarded'),
    selfRevert: wanted.has('guarded') ? toy.selfRevert : undefined,
    ...(toy.guardedInTurn && wanted.has('guarded') ? { guardedInTurn: true } : {}),
    turn: [...step('turn'), ...handler],
    gates,
    ...(toy.wire && wanted.has('turn') ? { wire: toy.wire } : {}),
    ...(toy.elections && wanted.has('turn') ? { elections: toy.elections } : {}),
    resumed: [],
    live: text('live') === '' ? undefined : (JSON.parse(text('live')) as DaemonStatus),
    barrier: false,
  };
}

function untilOf({ until }: Toy): Pick<Gate, 'until'> {
  if (!until) return {};
  return {
    until: {
      expected: until,
      configuration: '/etc/tandem/keepalived.conf',
      held: say('held'),
      stopped: say('stopped'),
    },
  };
}

/** A line in the log that all hosts share. */
export const say = (words: string): Fragment => sh`echo ${words} >>../log`;

export function toyHosts(
  toys: Readonly<Record<string, Toy>>,
  limit: readonly string[] = Object.keys(toys),
): RunHost[] {
  return Object.entries(toys).map(([name, toy]) => ({
    access: { name },
    planner: toyPlanner(name, toy),
    selected: limit.includes(name),
  }));
}
