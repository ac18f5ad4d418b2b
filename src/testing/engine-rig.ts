import type { VrrpInstance } from '#conf/model.ts';
import type { Action } from '#vrrp/action.ts';
import { createEngine, nextDeadline, reconfigure, step } from '#vrrp/engine.ts';
import type { EngineEvent } from '#vrrp/event.ts';
import type { VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import { config, instance, ip } from './scenario-config.ts';
import { summarise } from './summary.ts';

const OWN = ip('192.0.2.5');

/** One engine without a LAN: events in, short words for actions out. */
export class EngineRig {
  readonly actions: Action[] = [];
  readonly engine: VrrpEngine;
  nowMs = 0;

  constructor(instances: readonly VrrpInstance[], fields: Parameters<typeof config>[1] = {}) {
    this.engine = createEngine(config(instances, fields), 0, this.actions);
  }

  /** Delivers events and returns what they led to. */
  tell(...events: EngineEvent[]): string[] {
    this.actions.length = 0;
    for (const event of events) step(this.engine, event, this.nowMs, this.actions);
    return summarise(this.actions);
  }

  boot(address = OWN): string[] {
    return this.tell(
      { kind: 'linkChanged', interface: 'eth0', exists: true, up: true },
      { kind: 'addressAdded', interface: 'eth0', address },
      { kind: 'start' },
    );
  }

  /** Lets time pass, draining before every deadline. */
  run(durationMs: number): string[] {
    const untilMs = this.nowMs + durationMs;
    this.actions.length = 0;
    for (let atMs = nextDeadline(this.engine); atMs <= untilMs; atMs = nextDeadline(this.engine)) {
      this.nowMs = atMs;
      step(this.engine, { kind: 'deadline', socketsDrained: true }, atMs, this.actions);
    }
    this.nowMs = untilMs;
    return summarise(this.actions);
  }

  router(index = 0): VirtualRouter {
    const router = this.engine.routers[index];
    if (!router) throw new Error(`no router ${index}`);
    return router;
  }

  reload(instances: readonly VrrpInstance[], fields: Parameters<typeof config>[1] = {}): string[] {
    this.actions.length = 0;
    reconfigure(this.engine, config(instances, fields), this.nowMs, this.actions);
    return summarise(this.actions);
  }
}

/** One instance that has become master. */
export function masterRig(fields: Partial<VrrpInstance> = {}): EngineRig {
  const rig = new EngineRig([instance(fields)]);
  rig.boot();
  rig.run(3700);
  return rig;
}
