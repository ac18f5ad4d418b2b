import { formatIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';
import { SecretBytes } from '#conf/secret.ts';
import type { Action } from '#vrrp/action.ts';
import { keepalivedState } from '#vrrp/names.ts';
import { config, instance, ip, script, syncGroup, tracker, vip } from './scenario-config.ts';
import type { SimulatedHost } from './simulator-host.ts';
import { checkHost } from './simulator-invariants.ts';
import { Simulation } from './simulator.ts';

/**
 * Scenario files: elections as readable text, with what happened recorded under each block of commands.
 *
 *     # comment
 *     host n1 priority=110 interval=1000
 *     start n1
 *     run 5000
 *     ----
 *     0.000 n1 tells BACKUP: started
 *
 * A block ends with a blank line. Advertisements are shown when they say something new (`verbose`: all of them).
 * Words of `host`: priority, interval, version, family, state, nopreempt, preempt_delay, instances, group,
 * startup_delay, script (weight of a tracked script `chk`), init_fail, rise, fall, no_accept, auth, addresses.
 */
export interface Block {
  /** Comments and blank lines before the commands, as they stand. */
  readonly preamble: string;
  readonly commands: readonly string[];
  readonly recorded: string;
}

/** Splits a scenario file into blocks. */
export function parseScenario(text: string): Block[] {
  const blocks: Block[] = [];
  let preamble = '';
  let commands: string[] = [];
  let output: string[] | undefined;
  const finish = () => {
    if (commands.length > 0) blocks.push({ preamble, commands, recorded: (output ?? []).join('\n') });
    [preamble, commands, output] = ['', [], undefined];
  };
  for (const line of text.split('\n')) {
    if (line === '----') output = [];
    else if (output && line === '') finish();
    else if (output) output.push(line);
    else if (line === '' || line.startsWith('#')) preamble += `${line}\n`;
    else commands.push(line);
  }
  finish();
  return blocks;
}

/** Runs the blocks in one simulation and returns the file as it should be. */
export function recordScenario(blocks: readonly Block[]): string {
  const scenario = new Scenario();
  return blocks
    .map(({ preamble, commands }) => {
      const output = commands.flatMap(command => scenario.execute(command));
      return `${preamble}${[...commands, '----', ...output].join('\n')}\n`;
    })
    .join('\n');
}

class Scenario {
  readonly #simulation = new Simulation(1);
  readonly #lastSent = new Map<string, number>();
  #verbose = false;
  #output: string[] = [];

  constructor() {
    // A fixed delay makes the recorded times exact.
    this.#simulation.lan.faults.minDelayMs = 0.5;
    this.#simulation.lan.faults.maxDelayMs = 0.5;
  }

  execute(line: string): string[] {
    this.#output = [];
    const [command = '', ...words] = line.split(/ +/);
    if (command === 'run') this.#simulation.run(Number(words[0]));
    else if (command === 'verbose') this.#verbose = words[0] !== 'off';
    else if (command === 'heal') this.#simulation.lan.heal();
    else if (command === 'cut') this.#cut(words);
    else if (command === 'host') this.#addHost(words);
    else if (command === 'state') this.#showState();
    else this.#onHost(command, words);
    return this.#output;
  }

  #cut([from = '', to = '']: readonly string[]): void {
    this.#simulation.lan.cut(from, to);
    this.#simulation.lan.cut(to, from);
  }

  #addHost([name, ...options]: readonly string[]): void {
    const host = this.#simulation.addHost(configOf(options));
    must(host.name === name, `hosts are named in order: ${host.name}`);
    host.onAction = (_, action) => this.#show(host, action);
    host.onSettled = checkHost;
  }

  #host(name: string | undefined): SimulatedHost {
    return must(
      this.#simulation.hosts.find(host => host.name === name),
      `no host ${name}`,
    );
  }

  #onHost(command: string, [name, ...words]: readonly string[]): void {
    const host = this.#host(name);
    const [word = ''] = words;
    const commands: Readonly<Record<string, () => void>> = {
      start: () => host.start(),
      stop: () => host.stop(),
      kill: () => host.kill(),
      stall: () => host.stall(),
      resume: () => host.resume(),
      link: () => host.setLink(word === 'up'),
      script: () => host.tell({ kind: 'scriptResult', script: 'chk', success: word === 'ok' }),
      handover: () => host.tell({ kind: 'handover', router: host.router() }),
      handoverEnd: () => host.tell({ kind: 'handoverEnd', router: host.router() }),
      removeAddress: () => host.meddle('addressRemoved', word),
      addAddress: () => host.meddle('addressAdded', word),
      refuse: () => (host.faults.addError = word === 'off' ? undefined : word),
      mute: () => (host.faults.sendError = word === 'off' ? undefined : word),
      reload: () => host.reload(configOf(words)),
    };
    must(commands[command], `no command ${command}`)();
  }

  #showState(): void {
    for (const host of this.#simulation.hosts)
      for (const router of host.routers) {
        const { state, effectivePriority: priority, config: own } = router;
        const held = [...host.addressTexts].join(' ') || 'no address';
        this.#output.push(
          `${host.name} ${own.name} ${keepalivedState(state)} priority ${priority}, on eth0: ${held}`,
        );
      }
    for (const host of this.#simulation.hosts)
      if (!host.engine) this.#output.push(`${host.name} is not running`);
  }

  #show(host: SimulatedHost, action: Action): void {
    const text = this.#describe(host, action);
    if (text !== undefined)
      this.#output.push(`${this.#simulation.clock.nowMs.toFixed(3)} ${host.name} ${text}`);
  }

  #describe(host: SimulatedHost, action: Action): string | undefined {
    const of = 'router' in action && host.routers.length > 1 ? `${action.router.config.name} ` : '';
    switch (action.kind) {
      case 'sendAdvertisement':
        return this.#isNews(host, action.router.identity, action.priority)
          ? `${of}sends priority ${action.priority}`
          : undefined;
      case 'addAddresses':
      case 'removeAddresses': {
        const list = action.addresses.map(each => formatIp(each.address)).join(' ');
        return `${of}${action.kind === 'addAddresses' ? 'adds' : 'removes'} ${list}`;
      }
      case 'announce': {
        const list = action.addresses.map(each => formatIp(each.address)).join(' ');
        return `${of}announces ${list} ×${action.repeat} (${action.occasion})`;
      }
      case 'notify': {
        const leaves = action.state === 'BACKUP' || action.state === 'FAULT';
        if (action.type === 'INSTANCE' && leaves)
          this.#lastSent.delete(`${host.name} ${action.router.identity}`);
        const subject = action.type === 'GROUP' ? `group ${action.group.config.name} ` : of;
        return `${subject}tells ${action.state}: ${action.reason}`;
      }
      case 'setAccept':
        return `${of}${action.dropping ? 'drops' : 'accepts'} traffic to its addresses`;
      case 'log':
        return action.severity === 'info' ? undefined : `${of}${action.severity}: ${action.message}`;
      case 'drainSockets':
        return this.#verbose ? 'drains its sockets' : undefined;
      default:
        return undefined;
    }
  }

  #isNews(host: SimulatedHost, identity: string, priority: number): boolean {
    const key = `${host.name} ${identity}`;
    const isNews = this.#verbose || priority === 0 || this.#lastSent.get(key) !== priority;
    this.#lastSent.set(key, priority);
    return isNews;
  }
}

function configOf(options: readonly string[]): Config {
  const given = new Map(options.map(option => option.split('=') as [string, string | undefined]));
  const number = (name: string, fallback: number) => Number(given.get(name) ?? fallback);
  const count = number('instances', 1);
  const instances = Array.from({ length: count }, (_, i) => instanceOf(given, number, i));
  return config(instances, {
    globalDefs: { vrrpStartupDelayMs: number('startup_delay', 0) },
    vrrpSyncGroups: given.has('group')
      ? [
          syncGroup(
            'G',
            instances.map(each => each.name),
          ),
        ]
      : [],
    vrrpScripts: [
      script('chk', { rise: number('rise', 1), fall: number('fall', 1), initFail: given.has('init_fail') }),
    ],
  });
}

function instanceOf(
  given: ReadonlyMap<string, string | undefined>,
  number: (name: string, fallback: number) => number,
  index: number,
): VrrpInstance {
  const auth = given.get('auth');
  const data = new SecretBytes(new TextEncoder().encode('secret\0\0'));
  return instance({
    name: `VI_${index + 1}`,
    virtualRouterId: 51 + index,
    priority: number('priority', 100),
    advertIntervalMs: number('interval', 1000),
    version: given.get('version') === '3' ? 3 : 2,
    state: given.get('state') === 'MASTER' ? 'MASTER' : 'BACKUP',
    preempt: given.has('nopreempt') ? 'nopreempt' : 'preempt',
    preemptDelayMs: number('preempt_delay', 0),
    accept: !given.has('no_accept'),
    virtualAddresses: (given.get('addresses') ?? `192.0.2.${100 + index}`).split(',').map(text => vip(text)),
    trackScripts: given.has('script') ? [tracker('chk', number('script', 0))] : [],
    authentication:
      auth === 'PASS' || auth === 'AH'
        ? { type: auth, data, position: { file: 'scenario', line: 1, column: 1 } }
        : undefined,
    ...(given.has('unicast')
      ? { unicastPeers: peersOf(given.get('unicast') ?? ''), unicastSrcIp: undefined }
      : {}),
  });
}

function peersOf(list: string): VrrpInstance['unicastPeers'] {
  const position = { file: 'scenario', line: 1, column: 1 };
  return list.split(',').map(text => ({ address: ip(text), minTtl: undefined, maxTtl: undefined, position }));
}
