import { familyOf, formatIp } from '#base/address.ts';
import type { AttemptEnd } from '#check/ports.ts';
import type { CheckConnection } from '#conf/model.ts';
import { openMarkedStream } from '#linux/inet-socket.ts';
import { connect, Socket, type SocketConstructorOpts, type TcpNetConnectOpts } from 'node:net';
import { connectFailed, placeOf } from './check-attempt.ts';

/**
 * A socket that is being connected as the checker says. Addresses are literal, so nothing is looked up. Where a mark or
 * an interface is wanted, which Node cannot set, the socket comes from the addon.
 */
export function openConnection(connection: CheckConnection): Socket | AttemptEnd {
  const { bindIf, fwmark } = connection;
  if (bindIf === undefined && fwmark === undefined) return connect(addressing(connection));
  const opened = openMarkedStream(familyOf(connection.connect.address), { bindIf, fwmark });
  if (!opened.ok) return connectFailed(opened.failure.code, placeOf(connection));
  // Without manualStart Node reads at once, which fails on a socket that is not connected.
  const options: SocketConstructorOpts & { readonly manualStart: boolean } = {
    fd: opened.value,
    manualStart: true,
  };
  return new Socket(options).connect(addressing(connection));
}

/**
 * Closes a socket. One with a port of its own is reset: a closed connection would keep the port for a minute and the
 * next check from it.
 */
export function closeConnection(socket: Socket, { bindPort }: CheckConnection): void {
  if (bindPort === undefined || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function addressing({ connect: to, bindto, bindPort, bindIf }: CheckConnection): TcpNetConnectOpts {
  return {
    host: isLinkLocal(to.address) && bindIf ? `${formatIp(to.address)}%${bindIf}` : formatIp(to.address),
    port: to.port,
    ...(bindto && { localAddress: formatIp(bindto) }),
    ...(bindPort !== undefined && { localPort: bindPort }),
  };
}

function isLinkLocal([first = 0, second = 0]: Uint8Array): boolean {
  return first === 0xfe && (second & 0xc0) === 0x80;
}
