import { createHash } from 'node:crypto';
import { PINGED } from './checker-servers.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const web = (kind: 'HTTP_GET' | 'SSL_GET', port: number, url: string, more = ''): string =>
  `${kind} {\nconnect_ip 127.0.0.1\nconnect_port ${port}\n${more}\nurl {\n${url}\n}\n}`;
const at = (kind: string, port: number, more = ''): string =>
  `${kind} {\nconnect_ip 127.0.0.1\nconnect_port ${port}\n${more}\n}`;
const sni = (name: string, expected: string, more: string): string =>
  web('SSL_GET', 8443, `path /\nvirtualhost ${name}\ndigest ${md5(expected)}`, more);

/** A query for www.example, A. */
const QUERY = '1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 00 0001 0001';

/** A check by name, and whether it is right while everything serves. */
export interface NamedCheck {
  readonly name: string;
  readonly block: string;
  readonly serves: boolean;
}

const check = (name: string, block: string, serves = true): NamedCheck => ({ name, block, serves });

export function namedChecks(folder: string): readonly NamedCheck[] {
  return [
    check('TCP_CHECK', at('TCP_CHECK', 8080)),
    check('HTTP_GET', web('HTTP_GET', 8080, `path /\ndigest ${md5('plain text')}\nstatus_code 200`)),
    check('HTTP_GET, regex', web('HTTP_GET', 8080, 'path /\nregex ^pl[[:lower:]]+n.t')),
    check('HTTP_GET, wrong status', web('HTTP_GET', 8080, 'path /gone'), false),
    check('SSL_GET, one name', sni('one.example', 'sni=one.example', 'enable_sni')),
    check('SSL_GET, another name', sni('two.example', 'sni=two.example', 'enable_sni')),
    check('SSL_GET, the wrong name', sni('two.example', 'sni=one.example', 'enable_sni'), false),
    check('SSL_GET, no name', sni('one.example', 'sni=', '')),
    check('SSL_GET, client certificate', web('SSL_GET', 9443, `path /\ndigest ${md5('CN=client')}`)),
    check('SMTP_CHECK', at('SMTP_CHECK', 2525)),
    check('DNS_CHECK', at('DNS_CHECK', 5353, 'type A\nname www.example')),
    check('DNS_CHECK, no such name', at('DNS_CHECK', 5353, 'type A\nname absent.example'), false),
    check('UDP_CHECK', at('UDP_CHECK', 5353, `payload ${QUERY}\nrequire_reply 1234 8xxx 0001`)),
    check('PING_CHECK', `PING_CHECK {\nconnect_ip ${PINGED}\n}`),
    check('MISC_CHECK', `MISC_CHECK {\nmisc_path "/usr/bin/test -e ${folder}/good"\nmisc_timeout 10\n}`),
    check('FILE_CHECK', 'FILE_CHECK {\ntrack_file number\n}'),
  ];
}

/** The address of the real server that has the check with this index. */
export function realServerAddress(index: number): string {
  return `127.0.1.${index + 1}`;
}

/** A configuration that keepalived takes too: a real server for each check. */
export function checkerConfig(folder: string): string {
  const realServers = namedChecks(folder).map(
    ({ block }, i) => `real_server ${realServerAddress(i)} 80 {\n${block}\n}`,
  );
  return `global_defs {
script_user root
}
track_file number {
file ${folder}/number
weight 0
}
SSL {
certificate ${folder}/client.pem
key ${folder}/client.key
ca ${folder}/client.pem
password sesame
}
virtual_server 192.0.2.1 80 {
delay_loop 0.3
retry 1
delay_before_retry 0.2
connect_timeout 10
lvs_sched rr
lvs_method NAT
protocol TCP
${realServers.join('\n')}
}
`;
}
