import { describe, expect, test } from 'vitest';
import { checkConfig, type CheckedConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import type { Checker, VirtualServer } from './model.ts';

const check = (text: string): CheckedConfig =>
  checkConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
const server = (lines: string, real = '', key = '192.0.2.1 80'): CheckedConfig =>
  check(
    `virtual_server ${key} {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n${lines}\nreal_server 10.0.0.1 80 {\n${real}\n}\n}`,
  );
const first = ({ config }: CheckedConfig): VirtualServer | undefined => config.virtualServers[0];
const checkers = (result: CheckedConfig): readonly Checker[] => first(result)?.realServers[0]?.checkers ?? [];
const ids = ({ diagnostics }: CheckedConfig): string[] =>
  diagnostics.map(({ id, severity }) => (severity === 'warning' ? `(${id})` : id));

describe('timing', () => {
  test.each([
    ['HTTP_GET {\nurl {\npath /\n}\n}', { retry: 1, delayBeforeRetryMs: 3000 }],
    ['TCP_CHECK {\n}', { retry: 1, delayBeforeRetryMs: 1000, connectTimeoutMs: 5000, warmupMs: 60_000 }],
    ['DNS_CHECK {\n}', { retry: 3, delayBeforeRetryMs: 60_000, type: 'SOA', name: '.' }],
    ['MISC_CHECK {\nmisc_path /bin/x\n}', { retry: 0, miscTimeoutMs: 60_000 }],
  ])('defaults of %s', (text, expected) => {
    expect(checkers(server('', text))).toMatchObject([{ ...expected, alpha: false, delayLoopMs: 60_000 }]);
  });

  test('is inherited from the virtual server and the real server, and each may say otherwise', () => {
    const [checker] = checkers(
      server('delay_loop 6\nretry 4\nalpha\nconnect_timeout 2', 'retry 5\nTCP_CHECK {\nconnect_timeout 1\n}'),
    );
    expect(checker).toMatchObject({
      delayLoopMs: 6000,
      warmupMs: 6000,
      retry: 5,
      alpha: true,
      connectTimeoutMs: 1000,
    });
  });
});

test('complaints have a place and say what is used', () => {
  const text = 'virtual_server 192.0.2.1 80 {\n  real_server 10.0.0.1 80 {\n  }\n}';
  expect(check(text)).toMatchObject({
    exitCode: 5,
    diagnostics: [
      { id: 'lvs-method-missing', position: { file: '/k.conf', line: 1, column: 1 } },
      { id: 'scheduler-missing' },
      { id: 'protocol-missing' },
    ],
    config: {
      virtualServers: [{ protocol: 'UDP', scheduler: 'wlc', forwarding: { kind: 'NAT' }, quorum: 1 }],
    },
  });
});

test.each([
  ['quorum 5', ['quorum-unreachable'], { quorum: 1 }],
  ['hysteresis 3', ['hysteresis'], { hysteresis: 0 }],
  ['ops', ['ops'], { ops: false }],
  ['sorry_server 2001:db8::1 80', ['family-differs'], { sorryServer: undefined }],
  ['sorry_server_inhibit', ['sorry-server-missing'], {}],
  ['lvs_method TUN type gue', ['lvs-method-missing', 'lvs-method'], {}],
  ['sh-port', ['scheduler-flag'], { schedulerFlags: [] }],
  ['persistence_timeout 0', ['persistence-timeout'], { persistenceTimeoutS: undefined }],
  ['persistence_timeout', [], { persistenceTimeoutS: 360 }],
])('%s', (line, expected, model) => {
  const result = server(line);
  expect(ids(result)).toEqual(expected);
  expect(first(result)).toMatchObject(model);
});

test.each([
  ['HTTP_GET {\n}', ['url-missing']],
  ['HTTP_GET {\nurl {\npath /\ndigest abc\nstatus_code 700\n}\n}', ['digest-invalid', 'status-code']],
  ['TCP_CHECK {\nurl {\n}\n}', ['keyword-unknown']],
  ['FILE_CHECK {\ntrack_file nope\n}', ['tracker-unknown']],
  ['BFD_CHECK {\nname b\n}', ['keyword-not-supported']],
  ['UDP_CHECK {\npayload xyz\n}', ['hex-invalid']],
])('%s', (text, expected) => {
  expect(ids(server('', text))).toEqual(expected);
});

test('each host of SMTP_CHECK is a check of its own', () => {
  const smtp = 'SMTP_CHECK {\nhelo_name h\nhost {\nconnect_ip 10.0.0.7\n}\nhost {\nconnect_port 587\n}\n}';
  expect(checkers(server('', smtp)).map(each => 'connect' in each && each.connect)).toEqual([
    { address: Uint8Array.of(10, 0, 0, 7), port: 80 },
    { address: Uint8Array.of(10, 0, 0, 1), port: 587 },
  ]);
});

test('hexadecimal data may be written freely', () => {
  const udp = 'UDP_CHECK {\npayload Ab12f 3 456 546443123\nrequire_reply aX 7\n}';
  expect(checkers(server('', udp))).toMatchObject([
    {
      payload: Uint8Array.of(0xab, 0x12, 0x0f, 3, 0x45, 6, 0x54, 0x64, 0x43, 0x12, 3),
      requireReply: true,
      replyPattern: 'AX07',
    },
  ]);
});

test('the default Host comes from the checker, the real server or the virtual server', () => {
  const get = (lines: string): string => `HTTP_GET {\n${lines}\nurl {\npath /\n}\n}`;
  const hosts = [
    server('virtualhost a', get('')),
    server('virtualhost a', `virtualhost b\n${get('')}`),
    server('virtualhost a', `virtualhost b\n${get('virtualhost c')}`),
  ].map(result => checkers(result).flatMap(each => ('urls' in each ? each.urls[0]?.virtualhost : [])));
  expect(hosts).toEqual([['a'], ['b'], ['c']]);
});

test('a regex that cannot be translated is named with its place', () => {
  const text = `virtual_server 192.0.2.1 80 {
  protocol TCP
  lvs_sched rr
  lvs_method NAT
  real_server 10.0.0.1 80 {
    HTTP_GET {
      url {
        path /
        regex a++
      }
    }
  }
}`;
  const { diagnostics, exitCode } = check(text);
  expect(exitCode).toBe(0);
  expect(diagnostics).toMatchObject([
    { id: 'regex-unsupported', severity: 'warning', position: { file: '/k.conf', line: 9, column: 15 } },
  ]);
  expect(diagnostics[0]?.message).toContain('possessive quantifier ++');
});
