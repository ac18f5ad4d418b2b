import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { openKernel } from '#linux/kernel.ts';

/**
 * What can only be seen from outside of a process: run as `node scenario.ts NAME`, inside a network namespace with an
 * interface `eth0` that is up and has 192.0.2.1.
 */
const scenarios: Readonly<Record<string, () => void>> = {
  /** A throw in a callback reaches uncaughtException, and the event loop goes on. */
  'throwing-callback': () => {
    const kernel = open();
    process.on('uncaughtException', error => {
      console.log(`caught: ${error.message}`);
      kernel
        .timer(() => {
          console.log('the loop goes on');
          process.exit(0);
        })
        .arm(0);
    });
    kernel
      .timer(() => {
        throw new Error('thrown by a callback');
      })
      .arm(0);
  },

  /** Without a handler the process ends as for any uncaught exception. */
  'throwing-callback-unhandled': () => {
    open()
      .timer(() => {
        throw new Error('thrown by a callback');
      })
      .arm(0);
  },

  /** Ticks and promise jobs of a callback run before anything else does. */
  'ticks-drained': () => {
    const order: string[] = [];
    open()
      .timer(() => {
        setImmediate(() => {
          console.log(order.join(' '));
          process.exit(0);
        });
        process.nextTick(() => order.push('tick'));
        void Promise.resolve().then(() => order.push('promise'));
        order.push('callback');
      })
      .arm(0);
  },

  /** Prints by how many bytes the heap grew while 100,000 packets were sent and the clock was read. */
  'send-without-allocation': () => {
    const kernel = open();
    const [source, group] = ['192.0.2.1', '224.0.0.18'].map(text => must(parseIp(text), text)) as [
      Uint8Array,
      Uint8Array,
    ];
    const { ifindex } = eth0(kernel);
    const socket = kernel.openVrrpSocket(
      { interfaceName: 'eth0', ifindex, family: 4, protocol: 'vrrp', local: { cast: 'multicast', group } },
      { packet: () => {}, failed: () => {} },
    );
    if (!socket.ok) throw new Error(socket.failure.message);
    const target = socket.value.target(group, source);
    const packet = new Uint8Array(20);
    let sent = 0;
    const send = (count: number) => {
      for (let i = 0; i < count; i++) {
        if (socket.value.send(target, packet, packet.length) === packet.length && kernel.nowMs() > 0) sent++;
        socket.value.drain();
      }
    };
    send(20_000);
    must(globalThis.gc, 'node --expose-gc')();
    const before = process.memoryUsage().heapUsed;
    send(100_000);
    console.log(JSON.stringify({ sent, grownBytes: process.memoryUsage().heapUsed - before }));
    process.exit(0);
  },

  /** An environment that goes down closes what is still on its event loop. */
  'worker-terminated': () => {
    const worker = new Worker(new URL('./polling-worker.ts', import.meta.url));
    worker.once('message', () => void worker.terminate().then(code => console.log(`ended ${code}`)));
  },

  /** What the scheduler says of this process and of a child of it. */
  realtime: () => {
    const refused = open().setRealtime(10);
    const policy = (pid: string) => /policy: (\S+)/.exec(execFileSync('chrt', ['-p', pid]).toString())?.[1];
    const child = execFileSync('sh', ['-c', 'chrt -p $$']).toString();
    console.log(
      JSON.stringify({
        refused: refused?.code,
        own: policy(String(process.pid)),
        child: /policy: (\S+)/.exec(child)?.[1],
      }),
    );
    process.exit(0);
  },

  /** A child process sees none of our descriptors. */
  'descriptors-closed-on-exec': () => {
    const kernel = open();
    kernel.openPacketSocket();
    kernel.openUnixDatagram();
    kernel.timer(() => {});
    kernel.tables.watch(() => {});
    console.log(execFileSync('ls', ['-l', '/proc/self/fd']).toString());
    process.exit(0);
  },
};

function open() {
  const opened = openKernel();
  if (!opened.ok) throw new Error(opened.failure.message);
  return opened.value;
}

function eth0(kernel: ReturnType<typeof open>) {
  const links = kernel.tables.links();
  return must(links.ok ? links.value.find(link => link.name === 'eth0') : undefined, 'eth0');
}

must(scenarios[process.argv[2] ?? ''], `scenarios: ${Object.keys(scenarios).join(', ')}`)();
