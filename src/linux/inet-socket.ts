import type { Family } from '#base/address.ts';
import { AF_INET, AF_INET6 } from '#wire/rtnetlink.ts';
import { openSocket, SOCK_STREAM } from './descriptor.ts';
import { loadNative } from './native.ts';
import type { Result } from './ports.ts';
import { type OptionSetting, setOptions } from './socket-options.ts';

/** What only root can ask of a socket, and Node cannot ask at all. */
export interface SocketMarks {
  /** `bind_if`: packets leave and come by this interface only. */
  readonly bindIf: string | undefined;
  /** `fwmark`: mark of the packets that leave. */
  readonly fwmark: number | undefined;
}

/** The options that set the marks. */
export function markOptions({ bindIf, fwmark }: SocketMarks): OptionSetting[] {
  const settings: OptionSetting[] = [];
  if (fwmark !== undefined) settings.push(['SO_MARK', fwmark]);
  if (bindIf !== undefined) settings.push(['SO_BINDTODEVICE', bindIf]);
  return settings;
}

/**
 * A TCP socket that is marked and not connected. The descriptor is the caller's to close, or to hand over to
 * `net.Socket`. Fails with `ENODEV` where there is no such interface, and with `EPERM` without CAP_NET_ADMIN.
 */
export function openMarkedStream(family: Family, marks: SocketMarks): Result<number> {
  const native = loadNative();
  const domain = family === 4 ? AF_INET : AF_INET6;
  const opened = openSocket(native, [domain, SOCK_STREAM, 0], 'TCP socket', fd =>
    setOptions(native, fd, markOptions(marks)),
  );
  return opened.ok ? { ok: true, value: opened.value.fd } : opened;
}
