import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Result } from '#linux/ports.ts';
import type { Destination, SeenService, Service } from '#lvs/ports.ts';
import type { DesiredService } from '#lvs/reconcile.ts';
import { FakeIpvs } from '#testing/fake-ipvs.ts';
import { IpvsTable } from './ipvs-table.ts';

const WAIT = { timeout: 10_000, interval: 5 };
/** What reading seems to take: the next one is not due before the test is over. */
const READING_MS = 60_000;

/** A table that is read only when that is let go on. */
class SlowIpvs extends FakeIpvs {
  isHeld = false;

  override *servicesInSteps(): Generator<undefined, Result<SeenService[]>> {
    do yield;
    while (this.isHeld);
    return this.services();
  }
}

function serviceAt(last: number, ...reals: readonly number[]): DesiredService {
  const service: Service = {
    key: { kind: 'address', family: 4, transport: 'TCP', address: Uint8Array.of(10, 0, 0, last), port: 80 },
    scheduler: 'rr',
    onePacket: false,
    scheduler1: false,
    scheduler2: false,
    scheduler3: false,
    persistenceTimeoutS: 0,
    persistencePrefix: 32,
    persistenceEngine: undefined,
  };
  const destinations = reals.map((each): Destination => {
    const address = Uint8Array.of(10, 1, 0, each);
    const thresholds = { upperThreshold: 0, lowerThreshold: 0 };
    return { address, port: 80, forwarding: { method: 'NAT' }, weight: 1, ...thresholds };
  });
  return { service, destinations };
}

function bench() {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-table-'));
  const lines: string[] = [];
  let readings = 0;
  let aheadMs = 0;
  const ipvs = new SlowIpvs({
    refusal: call => {
      if (call !== 'list virtual servers') return 0;
      readings++;
      aheadMs += READING_MS;
      return 0;
    },
  });
  let services: readonly DesiredService[] = [];
  let isWhole = true;
  const table = new IpvsTable(ipvs, join(folder, 'record.json'), {
    nowMs: () => performance.now() + aheadMs,
    warn: line => void lines.push(line),
    seen: () => {},
    wanted: () => ({ services, isWhole }),
  });
  onTestFinished(() => {
    table.close();
    rmSync(folder, { recursive: true });
  });
  return {
    ipvs,
    table,
    lines,
    want: (whole: boolean, ...wanted: readonly DesiredService[]) => {
      services = wanted;
      isWhole = whole;
      if (whole) table.claim(wanted);
      table.want();
    },
    readings: () => readings,
    /** Waits for these operations, and forgets them. */
    applied: async (...types: readonly string[]) => {
      const found: string[] = [];
      await vi.waitFor(() => {
        found.push(...ipvs.takeApplied().map(({ type }) => type));
        expect(found).toEqual(types);
      }, WAIT);
    },
  };
}

test('after the first reading changes are made from memory, of one service or of all', async () => {
  const { want, applied, readings } = bench();
  want(true, serviceAt(1, 1, 2), serviceAt(2, 1));
  await applied('addService', 'addDestination', 'addDestination', 'addService', 'addDestination');
  want(false, serviceAt(1, 2, 3));
  await applied('addDestination', 'removeDestination');
  want(true, serviceAt(1, 2, 3));
  await applied('removeService');
  expect(readings()).toBe(1);
});

test('a change that the kernel refuses makes the table be read at once, and put right', async () => {
  const { ipvs, want, applied, readings } = bench();
  want(true, serviceAt(1, 1, 2));
  await applied('addService', 'addDestination', 'addDestination');
  ipvs.clear();
  want(false, serviceAt(1, 1));
  await applied('removeDestination', 'addService', 'addDestination');
  expect(readings()).toBe(2);
});

test('what is wanted while the table is read is done when it has been read', async () => {
  const { ipvs, want, applied, readings } = bench();
  want(true, serviceAt(1, 1));
  await applied('addService', 'addDestination');
  ipvs.isHeld = true;
  ipvs.clear();
  want(false, serviceAt(1, 2));
  await applied('addDestination', 'removeDestination');
  want(false, serviceAt(1, 3));
  await new Promise(resolve => setTimeout(resolve, 30));
  expect(readings()).toBe(1);
  ipvs.isHeld = false;
  await applied('addService', 'addDestination');
  const read = ipvs.services();
  expect(read.ok && read.value[0]?.destinations.map(({ address }) => address[3])).toEqual([3]);
});

test('a stop removes what is ours, and only that, without reading the table', async () => {
  const { ipvs, table, want, applied, readings } = bench();
  ipvs.tamper([{ type: 'addService', service: serviceAt(9).service }]);
  want(true, serviceAt(1, 1), serviceAt(2, 1));
  await applied('addService', 'addDestination', 'addService', 'addDestination');
  table.remove(false);
  await applied('removeService', 'removeService');
  expect(readings()).toBe(1);
});

test('a stop while the table is read goes on without it', async () => {
  const { ipvs, table, want } = bench();
  ipvs.isHeld = true;
  want(true, serviceAt(1, 1));
  await new Promise(resolve => setTimeout(resolve, 30));
  table.remove(false);
  ipvs.isHeld = false;
  await new Promise(resolve => setTimeout(resolve, 30));
  expect(ipvs.takeApplied()).toEqual([]);
});
