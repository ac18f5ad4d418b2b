import type { Config } from '#conf/model.ts';
import { FakeClock } from './clock.ts';
import { FakeLan } from './lan.ts';
import { Random } from './random.ts';
import { ip } from './scenario-config.ts';
import { SimulatedHost } from './simulator-host.ts';

/** N routers on one LAN, all from one seed: the same calls give the same run. */
export class Simulation {
  readonly clock = new FakeClock();
  readonly random: Random;
  readonly lan: FakeLan;
  readonly hosts: SimulatedHost[] = [];

  constructor(seed = 1) {
    this.random = new Random(seed);
    this.lan = new FakeLan(this.clock, this.random);
  }

  /** A host that is not started; its source is 192.0.2.N (fe80::N with `family` 6). */
  addHost(config: Config, family: 4 | 6 = 4): SimulatedHost {
    const number = this.hosts.length + 1;
    const source = ip(family === 4 ? `192.0.2.${number}` : `fe80::${number}`);
    const host = new SimulatedHost(`n${number}`, source, config, this.clock, this.lan);
    this.hosts.push(host);
    return host;
  }

  run(durationMs: number): void {
    this.clock.runUntil(this.clock.nowMs + durationMs);
  }
}
