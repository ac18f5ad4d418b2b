import { familyOf, formatIp } from '#base/address.ts';
import type { Checker, HttpUrl } from '#conf/model.ts';

type HttpChecker = Extract<Checker, { readonly fastRecovery: boolean }>;

/** The request for a url, byte for byte keepalived's: servers' logs and rules know it. */
export function httpRequest(checker: HttpChecker, url: HttpUrl): string {
  const { httpProtocol, connect } = checker;
  const { address, port } = connect;
  const literal = familyOf(address) === 6 ? `[${formatIp(address)}]` : formatIp(address);
  const host = url.virtualhost ?? `${literal}:${port}`;
  return [
    `GET ${url.path} HTTP/${httpProtocol === '1.1' ? '1.1' : '1.0'}`,
    'User-Agent: KeepAliveClient',
    ...(httpProtocol === '1.0' ? [] : ['Connection: close']),
    `Host: ${host}`,
    '',
    '',
  ].join('\r\n');
}
