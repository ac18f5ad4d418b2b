/** A planner for one host, asked and answered by hand. */
import type { DepartureOrders } from '#provision/model/departures.ts';
import { type FileSource, loadInventory } from '#provision/model/inventory.ts';
import { MODULES } from '#provision/model/modules/registry.ts';
import { sha256Of } from '#provision/model/modules/path-state.ts';
import type { HostPlan, Step } from '#provision/model/plan.ts';
import { HostPlanner } from '#provision/model/planner.ts';
import { loadPlaybook } from '#provision/model/playbook.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import { hostVariables } from '#provision/model/variables.ts';

export const FACTS = 'hostname ka67.example\nmachine x86_64\nID debian\ninit systemd\n';
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface Bench {
  readonly tasks: string;
  readonly handlers?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly ledger?: string;
  readonly facts?: string;
  /** Part → answer; what is not listed answers `absent /etc`. */
  readonly answers?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly skipTags?: readonly string[];
  readonly release?: ReleaseArtefact;
  readonly resume?: boolean;
  readonly departures?: DepartureOrders;
}

const indent = (text: string): string => text.replaceAll(/^/gm, '    ');

export function planner(bench: Bench): HostPlanner {
  const playbook = `- name: P\n  hosts: all\n  tasks:\n${indent(bench.tasks)}\n  handlers:\n${indent(bench.handlers ?? '[]')}\n`;
  const all: Record<string, string> = {
    'p/site.yml': playbook,
    'i.yml': 'all: { hosts: { ka67: { vrrp_pass: hunter22 } } }',
    ...bench.files,
  };
  const files: FileSource = { read: path => all[path], list: () => [], exists: path => path in all };
  const { inventory } = loadInventory(['i.yml'], files);
  const { tags, skipTags } = bench;
  return new HostPlanner({
    host: 'ka67',
    plays: loadPlaybook('p/site.yml', { files, modules: MODULES }),
    variables: (layers, departures) =>
      hostVariables(inventory, 'ka67', {
        ...layers,
        magic: { without: departures.map(({ host, state }) => `${host} ${state}`) },
      }),
    files,
    release: () => bench.release,
    resume: bench.resume ?? false,
    ...(bench.departures ? { departures: bench.departures } : {}),
    ...(tags ? { tags } : {}),
    ...(skipTags ? { skipTags } : {}),
  });
}

/** One round: asks, answers, plans. */
export function round(
  subject: HostPlanner,
  bench: Bench,
): { readonly asked: readonly string[]; readonly plan: HostPlan } {
  const { parts } = subject.probe();
  const known: Readonly<Record<string, string>> = {
    facts: bench.facts ?? FACTS,
    ledger: bench.ledger ?? '',
    ...bench.answers,
  };
  const answers = parts.map(({ id }): [string, { exit: number; stdout: Uint8Array; stderr: Uint8Array }] => [
    id,
    { exit: 0, stdout: encode(known[id] ?? 'absent /etc'), stderr: encode('') },
  ]);
  return { asked: parts.map(({ id }) => id), plan: subject.plan(new Map(answers)) };
}

export function planOf(bench: Bench): HostPlan {
  return round(planner(bench), bench).plan;
}

export const names = (steps: readonly Step[]): string[] => steps.map(step => `${step.kind} ${step.name}`);
export const file = (text: string, mode = '644'): string =>
  `file ${mode} root root 0 0 ${text.length} ${sha256Of(text)}\n${text}`;
export const unit = (active: string): string =>
  `LoadState=loaded\nActiveState=${active}\nUnitFileState=enabled\n`;

export const CONF = '- { name: conf, copy: { dest: /etc/a.conf, content: new }, notify: reload a }\n';
export const HANDLERS =
  '- { name: restart a, service: { name: a, state: restarted } }\n- { name: reload a, service: { name: a, state: reloaded } }\n';
