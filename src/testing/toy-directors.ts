/** Two directors of real servers whose configuration is a file that holds how web8 has left: tests of who may leave, and in which order. */
import type { RunEvent } from '#control/events.ts';
import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';
import {
  type Departure,
  departureChanges,
  type DepartureOrders,
  type LeavingService,
} from '#provision/model/departures.ts';
import type { HostPlan, Step } from '#provision/model/plan.ts';
import { sh } from '#provision/model/shell.ts';
import type { ApplyOptions } from '#provision/run/api.ts';
import type { HostPlanner, RunHost } from '#provision/run/ports.ts';
import { leaveOrders, type RetireOptions } from '#provision/run/retire.ts';
import { run } from '#provision/run/run.ts';
import { LOCAL_PATHS, LocalHosts } from './local-hosts.ts';
import { toyHosts } from './toy-planner.ts';

export const DIRECTORS = ['ka67', 'ka68'];
export const CLUSTER = { name: 'lvs', members: DIRECTORS, realServers: ['web8', 'web9'] };
/** How web8 is marked, but for the cause. */
export const MARK = { state: 'drained', owner: 'ann@desk', atMs: 1 } as const;
export const SETTINGS = { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, lockTimeoutMs: 0, owner: 'ann@desk' };
const VIRTUAL = '[10.16.8.100]:tcp:80';

function real(address: string, more: Partial<RealServerStatus> = {}): RealServerStatus {
  const traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
  const counts = { activeConnections: 0, inactiveConnections: 0, traffic, checkers: [] };
  return { name: `[${address}]:tcp:80`, up: true, weight: 1, weightInKernel: 1, ...counts, ...more };
}

/** A director whose configuration is a file that holds how web8 has left; the turn does to status.json what a reload would. */
export function director(name: string, orders: DepartureOrders): RunHost {
  let wanted = orders;
  const planner: HostPlanner = {
    depart: next => (wanted = next),
    probe: () => ({
      parts: [
        { id: 'mark', fragment: sh`cat mark 2>/dev/null || :` },
        { id: 'live', fragment: sh`cat status.json` },
      ],
    }),
    plan: answers => {
      const text = (id: string): string => new TextDecoder().decode(answers.get(id)?.stdout);
      const mark = text('mark').trim();
      const present = mark === '' ? [] : [JSON.parse(mark) as Departure];
      const departures = departureChanges(present, wanted);
      const changed = departures.left.length + departures.returned.length > 0;
      const [left] = departures.inForce;
      const weight = left ? '0' : '1';
      const fragment = sh`echo ${`${name} ${left?.state ?? 'serves'}`} >>../log
printf %s ${left ? JSON.stringify(left) : ''} >mark
sed -i ${`s/\\(10.16.8.8[^}]*"weight":\\)1,"weightInKernel":1/\\1${weight},"weightInKernel":${weight}/`} status.json`;
      const turn: Step[] = changed ? [{ kind: 'note', name: 'turn', fragment }] : [];
      const plan: HostPlan = {
        host: name,
        tasks: [],
        early: [],
        guarded: [],
        selfRevert: undefined,
        turn,
        gates: [],
        departures,
        resumed: [],
        live: text('live') === '' ? undefined : (JSON.parse(text('live')) as NonNullable<HostPlan['live']>),
        barrier: false,
      };
      return plan;
    },
  };
  return { access: { name }, planner, selected: true };
}

const SERVICES: LeavingService[] = [
  {
    host: 'web8',
    instance: 'VG_1',
    virtual: VIRTUAL,
    real: { address: '10.16.8.8', port: 80 },
    undrainable: undefined,
    drainTimeoutS: undefined,
  },
];

/** web8's teardown, which says so, and whether its directors were locked meanwhile. */
export const DOWN = sh`echo web8 down, locked: $(cd .. && for h in ka67 ka68; do [ ! -e $h/run/lock ] || echo $h; done) >>../log`;

export class ToyDirectors {
  readonly hosts = new LocalHosts([...DIRECTORS, 'web8', 'web9']);
  readonly events: RunEvent[] = [];

  constructor() {
    this.hosts.runs('ka67', 'MASTER');
    this.hosts.runs('ka68', 'BACKUP');
    for (const name of DIRECTORS) this.serve(name, {});
  }

  /** What a director's tandemd says of one virtual server with web8 and web9. */
  serve(director: string, web8: Partial<RealServerStatus>, web9: Partial<RealServerStatus> = {}): void {
    const status = JSON.parse(this.hosts.read(director, 'status.json') ?? '{}') as object;
    const reals = [real('10.16.8.8', web8), real('10.16.8.9', web9)];
    const up = reals.filter(each => each.up).reduce((sum, { weight }) => sum + weight, 0);
    const server: Partial<VirtualServerStatus> = {
      name: VIRTUAL,
      liveWeight: up,
      quorum: 1,
      inKernel: true,
      realServers: reals,
    };
    this.hosts.write(director, 'status.json', JSON.stringify({ ...status, virtualServers: [server] }));
  }

  go(
    what: RetireOptions['what'],
    orders: DepartureOrders,
    more: Partial<ApplyOptions> = {},
    retire: Partial<NonNullable<ApplyOptions['retire']>> = {},
  ) {
    return run({
      command: what,
      hosts: DIRECTORS.map(name => director(name, orders)),
      clusters: [CLUSTER],
      transport: this.hosts.transport(),
      emit: event => this.events.push(event),
      retire: {
        what,
        hosts: ['web8'],
        directors: [],
        clusters: ['lvs'],
        services: name => (DIRECTORS.includes(name) ? SERVICES : []),
        timeoutMs: 0,
        force: () => false,
        ...retire,
      },
      ...more,
      settings: { ...SETTINGS, ...more.settings },
    });
  }

  drain(more: Partial<ApplyOptions> = {}, retire: Partial<RetireOptions> = {}) {
    return this.go('drain', leaveOrders(['web8'], { ...MARK, cause: 'drain' }), more, retire);
  }

  undrain() {
    return this.go('undrain', { leave: [], returns: ({ cause }) => cause === 'drain', nothingElse: true });
  }

  teardown(more: Partial<ApplyOptions> = {}, retire: Partial<NonNullable<ApplyOptions['retire']>> = {}) {
    const orders = leaveOrders(['web8'], { ...MARK, cause: 'teardown' });
    const all = [
      ...DIRECTORS.map(name => director(name, orders)),
      ...toyHosts({ web8: { turn: DOWN, effect: 'restart' } }),
    ];
    return this.go('remove', orders, { hosts: all, teardown: { yes: [] }, ...more }, retire);
  }

  /** What was done, in its order; what tandemd was asked is left out. */
  get log(): string[] {
    return this.hosts.log.filter(line => !line.startsWith('tandemd'));
  }

  get statuses(): string[] {
    return this.events.flatMap(event => (event.type === 'drain' ? event.status : []));
  }

  get failures(): string {
    return this.events.flatMap(event => (event.type === 'host-failed' ? event.message : [])).join('\n');
  }

  get warnings(): string[] {
    return this.events.flatMap(event => (event.type === 'warning' ? event.message : []));
  }

  /** Directors that are locked. */
  get locked(): string[] {
    return DIRECTORS.filter(name => this.hosts.read(name, 'run/lock') !== undefined);
  }
}
