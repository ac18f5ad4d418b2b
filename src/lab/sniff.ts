import { spawn } from 'node:child_process';
import { must } from '#base/assert.ts';
import { messageOf } from '#base/errors.ts';
import { awaitCondition } from './await-condition.ts';
import { inCgroup } from './exec.ts';
import { parseFrame, type FrameRecord } from './frame.ts';
import type { LabContext } from './host.ts';
import { LabError } from './lab-error.ts';
import { bridgeOf } from './layout.ts';
import { PcapReader } from './pcap.ts';

/** Watching a network from inside its switch. */
export interface SniffOptions {
  /** A pcap-filter(7) expression, such as `vrrp` or `arp or icmp`. Default: everything. */
  readonly filter?: string;
}

/** A running capture. It sees what the switch receives, before {@link Lab.loss} and partitions take their part. */
export interface Sniffer {
  /** Frames so far, in the order of capture. */
  frames(): readonly FrameRecord[];
  /** Resolves with the first frame, past or future, that satisfies `condition`; rejects after `timeoutMs`. */
  waitFor(condition: (frame: FrameRecord) => boolean, timeoutMs: number): Promise<FrameRecord>;
  /** Ends the capture after what is in flight was read, and returns all frames. Idempotent. */
  stop(): Promise<readonly FrameRecord[]>;
}

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

/** Starts tcpdump on the bridge of `network` and returns once it captures. */
export async function startSniffer(
  lab: LabContext,
  network: string,
  options: SniffOptions = {},
): Promise<Sniffer> {
  if (!lab.spec.networks.some(({ name }) => name === network)) {
    throw new LabError(`lab ${lab.spec.name}: no network ${network}`);
  }
  const tcpdump = [
    'tcpdump',
    '-i',
    bridgeOf(lab.spec, network),
    '-U',
    '-n',
    '-s',
    '0',
    '--immediate-mode',
    '-w',
    '-',
  ];
  const argv = [
    ...inCgroup(lab.paths.toolsCgroup),
    'nsenter',
    `--net=${lab.paths.switchNamespace}`,
    '--',
    ...tcpdump,
  ];
  if (options.filter) argv.push(options.filter);
  const child = spawn(must(argv[0], 'sh'), argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const frames: FrameRecord[] = [];
  const reader = new PcapReader();
  let said = '';
  let ended = false;
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      for (const record of reader.push(chunk)) frames.push(parseFrame(record.timeMs, record.frame));
    } catch (thrown) {
      said += messageOf(thrown);
      child.kill('SIGKILL');
    }
  });
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.once('close', () => (ended = true));
  child.once('error', cause => {
    ended = true;
    said += cause.message;
  });
  const alive = () => {
    if (ended) throw new LabError(`tcpdump on ${network} has ended: ${said.trim()}`);
  };
  await awaitCondition(`tcpdump on ${network}`, START_TIMEOUT_MS, () => {
    if (said.includes('listening on')) return true;
    alive();
    return undefined;
  });
  return {
    frames: () => frames,
    waitFor: async (condition, timeoutMs) => {
      let looked = 0;
      return await awaitCondition(`a frame on ${network}`, timeoutMs, () => {
        for (; looked < frames.length; looked++) {
          const frame = frames[looked];
          if (frame && condition(frame)) return frame;
        }
        alive();
        return undefined;
      });
    },
    stop: async () => {
      child.kill('SIGINT');
      await awaitCondition(`end of tcpdump on ${network}`, STOP_TIMEOUT_MS, () => ended || undefined);
      return frames;
    },
  };
}
