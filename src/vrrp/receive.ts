import { compareIp, formatIp } from '#base/address.ts';
import { PRIORITY_RELEASE } from '#wire/vrrp.ts';
import type { Action } from './action.ts';
import { climb, LADDER, type PacketReader } from './ladder.ts';
import { deliver, refreshGroups } from './refresh.ts';
import type { HeardKind } from './router-event.ts';
import type { ReceivedDatagram, Segment, VirtualRouter, VrrpEngine } from './state.ts';
import { LOG_INTERVAL_MS } from './timers.ts';
import { beginTurn, logSometimes, type Turn } from './turn.ts';

/**
 * One received packet: finds its router by VRID, climbs the ladder, and delivers what was heard. Never throws, whatever
 * the bytes are; allocates nothing when the packet is accepted and changes no state (AH excepted).
 */
export function receive(
  engine: VrrpEngine,
  segment: Segment,
  datagram: ReceivedDatagram,
  nowMs: number,
  actions: Action[],
): void {
  if (engine.stopped) return;
  const turn = beginTurn(engine, nowMs, actions);
  const { reader } = segment;
  if (!reader.read(datagram)) {
    segment.counters.tooShort++;
    return;
  }
  const router = segment.byVrid[reader.vrid];
  if (!router) {
    segment.counters.unknownVrid++;
    if (engine.config.globalDefs.logUnknownVrids) tellUnknown(turn, segment, datagram);
    return;
  }
  const { addressList } = router.counters;
  const rung = climb(router, reader);
  if (rung) {
    complain(turn, router, datagram, rung, 'dropped');
    return;
  }
  const last = LADDER.at(-1);
  if (last && router.counters.addressList !== addressList) complain(turn, router, datagram, last, 'accepted');
  hear(engine, turn, router, reader, datagram);
}

/** `log_unknown_vrids`: once per VRID and {@link LOG_INTERVAL_MS}. */
function tellUnknown(turn: Turn, segment: Segment, datagram: ReceivedDatagram): void {
  const { reader, unknownLoggedAtMs } = segment;
  const last = unknownLoggedAtMs.get(reader.vrid);
  if (last !== undefined && turn.nowMs - last < LOG_INTERVAL_MS) return;
  unknownLoggedAtMs.set(reader.vrid, turn.nowMs);
  const message = `an advertisement for VRID ${reader.vrid} from ${formatIp(datagram.source)}: no vrrp_instance here has it`;
  turn.actions.push({ kind: 'log', severity: 'info', subject: segment.interface, message });
}

function complain(
  turn: Turn,
  router: VirtualRouter,
  datagram: ReceivedDatagram,
  rung: (typeof LADDER)[number],
  fate: 'dropped' | 'accepted',
): void {
  const number = LADDER.indexOf(rung) + 1;
  const text = () =>
    `an advertisement from ${formatIp(datagram.source)} was ${fate}: ${rung.reason} (rung ${number}, ${rung.counter})`;
  logSometimes(turn, router, rung.counter, text);
}

function hear(
  engine: VrrpEngine,
  turn: Turn,
  router: VirtualRouter,
  reader: PacketReader,
  datagram: ReceivedDatagram,
): void {
  const { heard, counters } = router;
  const { priority } = reader;
  counters.advertisementsReceived++;
  if (priority === PRIORITY_RELEASE) counters.priorityZeroReceived++;
  heard.address.set(datagram.source);
  heard.priority = priority;
  heard.advertIntervalMs = reader.adverIntervalMs;
  heard.atMs = turn.nowMs;
  const event = engine.heard;
  event.kind = heardKind(priority, router.effectivePriority);
  event.priority = priority;
  event.senderOrder = router.source ? compareIp(datagram.source, router.source) : 0;
  event.adverIntervalMs = heard.advertIntervalMs;
  const before = router.state;
  deliver(turn, router, event);
  if (router.group && router.state !== before) refreshGroups(engine, turn);
}

function heardKind(priority: number, own: number): HeardKind {
  if (priority === PRIORITY_RELEASE) return 'heardRelease';
  if (priority === own) return 'heardEqual';
  return priority < own ? 'heardLower' : 'heardHigher';
}
