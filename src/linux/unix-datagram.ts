import { ERRNO } from './failure.ts';
import type { Native } from './native.ts';
import { type Descriptor, openSocket, SOCK_DGRAM } from './descriptor.ts';
import type { Result, UnixDatagram } from './ports.ts';
import { AF_UNIX, unixSocketAddress } from './socket-address.ts';

/** A socket that sends datagrams to unix sockets: the supervisor's NOTIFY_SOCKET (sd_notify(3)), syslog's /dev/log. */
export function openUnixDatagram(native: Native): Result<UnixDatagram> {
  const opened = openSocket(native, [AF_UNIX, SOCK_DGRAM, 0], 'unix datagram socket', () => undefined);
  return opened.ok ? { ok: true, value: new LinuxUnixDatagram(native, opened.value) } : opened;
}

class LinuxUnixDatagram implements UnixDatagram {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  #path = '';
  #address: Uint8Array | undefined;

  constructor(native: Native, descriptor: Descriptor) {
    this.#native = native;
    this.#descriptor = descriptor;
  }

  send(path: string, bytes: Uint8Array): number {
    if (path !== this.#path) {
      this.#address = unixSocketAddress(path);
      this.#path = path;
    }
    if (!this.#address) return -ERRNO.ENAMETOOLONG;
    return this.#native.send(this.#descriptor.fd, bytes, bytes.length, this.#address, null);
  }

  close(): void {
    this.#descriptor.close();
  }
}
