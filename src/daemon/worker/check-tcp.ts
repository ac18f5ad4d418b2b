import type { Checker } from '#conf/model.ts';
import { Socket } from 'node:net';
import { type AttemptDone, type CancelAttempt, codeOf, connectFailed, placeOf } from './check-attempt.ts';
import { closeConnection, openConnection } from './check-connection.ts';

type TcpChecker = Extract<Checker, { readonly kind: 'TCP_CHECK' | 'PING_CHECK' }>;

/** TCP_CHECK: a connection that comes about within `connect_timeout`. */
export function attemptTcp(checker: TcpChecker, done: AttemptDone): CancelAttempt {
  const where = placeOf(checker);
  const socket = openConnection(checker);
  if (!(socket instanceof Socket)) {
    done(socket);
    return () => {};
  }
  const close = (): void => {
    clearTimeout(timer);
    socket.removeAllListeners('connect');
    socket.removeAllListeners('error').on('error', () => {});
    closeConnection(socket, checker);
  };
  const timer = setTimeout(() => {
    close();
    done({ made: true, ok: false, said: `no connection to ${where} within ${checker.connectTimeoutMs} ms` });
  }, checker.connectTimeoutMs);
  socket.on('connect', () => {
    close();
    done({ made: true, ok: true, said: `connected to ${where}` });
  });
  socket.on('error', error => {
    close();
    done(connectFailed(codeOf(error), where));
  });
  return close;
}
