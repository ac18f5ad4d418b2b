import { describe, expect, test } from 'vitest';
import type { DaemonStatus, InstanceState } from '#control/status.ts';
import type { HostPlan, Step } from '#provision/model/plan.ts';
import { sh } from '#provision/model/shell.ts';
import { wireRoll, type WireMember } from './wire-roll.ts';

/** `VI_1=MASTER VI_2=BACKUP`; a BACKUP hears its master unless it is written `BACKUP!`. */
function status(text: string): DaemonStatus {
  const instances = text.split(' ').map(each => {
    const [name = '', state = ''] = each.split('=');
    const heard = state === 'BACKUP' ? { address: 'x', priority: 254, ageMs: 5 } : null;
    const known = { heard, masterDownIntervalMs: 3000, advertIntervalMs: 1000 };
    return { ...known, name, state: state.replace('!', '') as InstanceState };
  });
  return { instances, syncGroups: [] } as unknown as DaemonStatus;
}

const RESTART: Step = { kind: 'handler', name: 'restart', fragment: sh`restart`, effect: 'restart' };

/** `breaks`: the instances that the host's turn breaks; undefined without a turn that breaks anything. */
function member(
  name: string,
  live: string | undefined,
  breaks?: string,
  more: Partial<WireMember> = {},
): WireMember {
  const wire = breaks && {
    breaks: breaks.split(' ').map(instance => ({ instance, keywords: ['authentication'] })),
    pause: sh`stop`,
    resume: sh`start`,
  };
  const plan = { turn: [], ...(wire ? { wire } : {}) } as unknown as HostPlan;
  return {
    name,
    due: breaks !== undefined,
    plan,
    live: live === undefined ? undefined : status(live),
    ...more,
  };
}

const roll = (...members: WireMember[]) => {
  const found = wireRoll(members);
  return found && 'breaks' in found ? { ...found, handovers: Object.fromEntries(found.handovers) } : found;
};

describe('the order', () => {
  test('nothing that breaks: nothing to arrange', () => {
    expect(roll(member('a', 'V=MASTER'), member('b', 'V=BACKUP'))).toBeUndefined();
  });

  test('the backup stops, the master goes first', () => {
    expect(roll(member('a', 'V=MASTER', 'V'), member('b', 'V=BACKUP', 'V'))).toEqual({
      breaks: [{ instance: 'V', keywords: ['authentication'] }],
      handovers: {},
      stop: ['b'],
      stay: ['a'],
      order: ['a', 'b'],
      expectedSeconds: 10,
    });
  });

  test('a master that is not the preferred one goes first all the same', () => {
    expect(roll(member('a', 'V=BACKUP', 'V'), member('b', 'V=MASTER', 'V'))).toMatchObject({
      stop: ['a'],
      order: ['b', 'a'],
    });
  });

  test('who is master of one and backup of the other hands over before it stops', () => {
    const two = 'V W';
    expect(roll(member('a', 'V=MASTER W=BACKUP', two), member('b', 'V=BACKUP W=MASTER', two))).toMatchObject({
      handovers: { b: ['W'] },
      stop: ['b'],
      order: ['a', 'b'],
    });
  });

  test('three in a full mesh: one goes on with all the VIPs', () => {
    const names = 'V W X';
    const found = roll(
      member('a', 'V=MASTER W=BACKUP X=BACKUP', names),
      member('b', 'V=BACKUP W=MASTER X=BACKUP', names),
      member('c', 'V=BACKUP W=BACKUP X=MASTER', names),
    );
    expect(found).toMatchObject({
      handovers: { c: ['X'], b: ['W'] },
      stop: ['c', 'b'],
      order: ['a', 'b', 'c'],
    });
  });

  test('nobody runs: nothing stops, and nothing is asked for', () => {
    expect(roll(member('a', undefined, 'V'), member('b', undefined, 'V'))).toMatchObject({
      stop: [],
      expectedSeconds: 0,
    });
  });

  test('the others speak it already: the one that does not stops, and comes back to them', () => {
    expect(roll(member('a', 'V=MASTER'), member('b', 'V=MASTER', 'V'))).toMatchObject({
      stop: ['b'],
      order: ['b'],
      expectedSeconds: 0,
    });
  });

  test('a killed roll-out goes on: the master has the file and not yet read it, the backup is stopped', () => {
    const master = { ...member('a', 'V=MASTER'), due: true };
    expect(roll(master, member('b', undefined, 'V'))).toMatchObject({
      stop: [],
      order: ['a', 'b'],
      expectedSeconds: 0,
    });
  });
});

describe('there is no safe way', () => {
  const reason = (...members: WireMember[]): string => {
    const found = wireRoll(members);
    return found && 'refused' in found ? found.refused : JSON.stringify(found);
  };

  test('with a member outside the limit', () => {
    const outside = member('b', 'V=BACKUP', 'V', { due: false });
    expect(reason(member('a', 'V=MASTER', 'V'), outside)).toMatch(/b would not understand.*--limit/);
  });

  test('when the daemon that keeps the VIPs is to be restarted as well', () => {
    const found = member('a', 'V=MASTER', 'V');
    const restarting = { ...found, plan: { ...found.plan, turn: [RESTART] } as unknown as HostPlan };
    expect(reason(restarting, member('b', 'V=BACKUP', 'V'))).toMatch(/--skip-tags vrrp_configuration/);
    expect(reason(member('b', 'V=MASTER', 'V'), { ...restarting, live: status('V=BACKUP') })).toMatch(
      /"order"/,
    );
  });

  test('when two have VIPs that nobody could take over, and an instance in common', () => {
    const common = 'V W';
    expect(
      reason(member('a', 'V=MASTER W=BACKUP!', common), member('b', 'V=BACKUP! W=MASTER', common)),
    ).toMatch(/a and b|b and a/);
  });
});
