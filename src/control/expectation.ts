import type { DaemonStatus, InstanceState, InstanceStatus } from './status.ts';

/** Instance → the states that are good. */
export type Expectation = ReadonlyMap<string, readonly InstanceState[]>;

const STATES: readonly InstanceState[] = ['INIT', 'BACKUP', 'MASTER', 'FAULT'];

/**
 * Reads what `tandemd await --expect` takes: `VG_1=MASTER`, `VG_1=MASTER|BACKUP`, several of them, or one JSON
 * object `{"VG_1":"MASTER","VG_2":["MASTER","BACKUP"]}`. Throws SyntaxError with the accepted forms.
 */
export function parseExpectation(texts: readonly string[]): Expectation {
  const expected = new Map<string, readonly InstanceState[]>();
  for (const text of texts) {
    const entries = text.trimStart().startsWith('{') ? jsonEntries(text) : [argumentEntry(text)];
    for (const [instance, states] of entries)
      expected.set(
        instance,
        states.map(state => asState(state, text)),
      );
  }
  return expected;
}

function argumentEntry(text: string): [string, string[]] {
  const equals = text.lastIndexOf('=');
  if (equals <= 0) throw new SyntaxError(`--expect "${text}": expected INSTANCE=STATE, such as VG_1=MASTER`);
  return [text.slice(0, equals), text.slice(equals + 1).split('|')];
}

function jsonEntries(text: string): [string, string[]][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`--expect: ${String(error)}`, { cause: error });
  }
  return Object.entries(value as object).map(([instance, states]) => [
    instance,
    (Array.isArray(states) ? states : [states]).map(String),
  ]);
}

function asState(text: string, argument: string): InstanceState {
  const state = STATES.find(name => name === text.toUpperCase());
  if (!state) throw new SyntaxError(`--expect "${argument}": "${text}" is not one of ${STATES.join(', ')}`);
  return state;
}

/**
 * What is not yet as expected, one sentence each; empty when all is. MASTER includes that every VIP is in the
 * kernel, BACKUP that none is and that a living master is heard: an instance that hears nobody is about to be a
 * second master.
 */
export function unmet(status: DaemonStatus, expectation: Expectation): string[] {
  return [...expectation].flatMap(([name, states]) => {
    const instance = status.instances.find(candidate => candidate.name === name);
    if (!instance)
      return [
        `${name}: not configured (${status.instances.map(known => known.name).join(', ') || 'nothing is'})`,
      ];
    return unmetByInstance(instance, states);
  });
}

/** A keepalived that runs with an older file than the one that is there, in a sentence; empty if it does not. */
export function unloaded({ program, configurationSha256, configurationFile }: DaemonStatus): string[] {
  return program === 'keepalived' && configurationSha256 === ''
    ? [`keepalived has not loaded ${configurationFile} as it is now`]
    : [];
}

function unmetByInstance(instance: InstanceStatus, states: readonly InstanceState[]): string[] {
  const { name, state } = instance;
  if (!states.includes(state)) {
    const why = instance.faults.length > 0 ? `: ${instance.faults.join('; ')}` : '';
    return [`${name}: is ${state}, expected ${states.join(' or ')}${why}`];
  }
  if (state === 'MASTER')
    return instance.vips
      .filter(vip => !vip.present)
      .map(vip => `${name}: is MASTER but ${vip.address} is not on ${vip.dev}`);
  const left = instance.vips
    .filter(vip => vip.present)
    .map(vip => `${name}: is ${state} but ${vip.address} is still on ${vip.dev}`);
  return state === 'BACKUP' ? [...left, ...unheard(instance)] : left;
}

function unheard(instance: InstanceStatus): string[] {
  const { name, heard } = instance;
  const where = `on ${instance.interface}, virtual_router_id ${instance.virtualRouterId}`;
  if (!heard) return [`${name}: is BACKUP but has heard no advert ${where}`];
  if (heard.priority === 0) return [`${name}: is BACKUP and its master ${heard.address} is giving up`];
  if (heard.ageMs > instance.masterDownIntervalMs)
    return [
      `${name}: is BACKUP but the last advert, of ${heard.address}, came ${heard.ageMs} ms ago ${where}`,
    ];
  return [];
}
