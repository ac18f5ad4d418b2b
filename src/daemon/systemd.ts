import type { UnixDatagram } from '#linux/ports.ts';

/** What systemd's sd_notify(3) protocol lets a service say. */
export class ServiceNotifier {
  readonly #datagram: UnixDatagram | undefined;
  readonly #path: string;
  /** How often systemd wants to hear that we live; undefined without `WatchdogSec=`. */
  readonly watchdogMs: number | undefined;

  /** `env` is where systemd tells its socket; without one every call does nothing. `open` is only called with one. */
  constructor(env: NodeJS.ProcessEnv, pid: number, open: () => UnixDatagram | undefined) {
    this.#path = env['NOTIFY_SOCKET'] ?? '';
    this.#datagram = this.#path === '' ? undefined : open();
    this.watchdogMs = this.#datagram ? watchdogMs(env, pid) : undefined;
  }

  ready(status: string): void {
    this.#send(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  status(status: string): void {
    this.#send(`STATUS=${oneLine(status)}`);
  }

  /** `nowMs` is CLOCK_MONOTONIC; systemd 253 and later require it, earlier ones ignore it. */
  reloading(nowMs: number): void {
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${Math.floor(nowMs * 1000)}`);
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  alive(): void {
    this.#send('WATCHDOG=1');
  }

  close(): void {
    this.#datagram?.close();
  }

  #send(text: string): void {
    this.#datagram?.send(this.#path, Buffer.from(text));
  }
}

/** sd_watchdog_enabled(3): the variable counts only for the process that it names. */
function watchdogMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const usec = Number(env['WATCHDOG_USEC']);
  const forPid = env['WATCHDOG_PID'];
  if (!Number.isFinite(usec) || usec <= 0 || (forPid !== undefined && Number(forPid) !== pid))
    return undefined;
  return usec / 1000;
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}
