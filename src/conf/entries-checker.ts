import { formatIp } from '#base/address.ts';
import { completeTiming, NO_TIMING } from './build-timing.ts';
import type { Checker, CheckConnection, HttpUrl, ServerAddress } from './model.ts';
import { formatSeconds } from './number.ts';
import { printBlock, printBoolean, printCommand, printWord } from './print-words.ts';

/** Lines of a checker's block; what its absence would mean is left out. */
export function checkerEntries(checker: Checker, realServer: ServerAddress): string[] {
  switch (checker.kind) {
    case 'FILE_CHECK':
      return [
        `track_file ${printWord(checker.trackFile)}`,
        `weight ${checker.weight}${checker.reverse ? ' reverse' : ''}`,
        ...when(checker.dynamic, 'dynamic'),
      ];
    case 'MISC_CHECK':
      return [...timingLines(checker), ...miscLines(checker)];
    default:
      return [...timingLines(checker), ...connectionLines(checker, realServer), ...ownLines(checker)];
  }
}

function when(condition: boolean, ...lines: string[]): string[] {
  return condition ? lines : [];
}

function timingLines(checker: Checker): string[] {
  const fallback = completeTiming(checker.kind, { ...NO_TIMING, delayLoopMs: checker.delayLoopMs });
  const seconds = (keyword: string, value: number, usual: number): string[] =>
    when(value !== usual, `${keyword} ${formatSeconds(value)}`);
  return [
    ...when(checker.alpha, 'alpha'),
    `delay_loop ${formatSeconds(checker.delayLoopMs)}`,
    ...(checker.kind === 'MISC_CHECK'
      ? []
      : seconds('connect_timeout', checker.connectTimeoutMs, fallback.connectTimeoutMs)),
    ...when(checker.retry !== fallback.retry, `retry ${checker.retry}`),
    ...seconds('delay_before_retry', checker.delayBeforeRetryMs, fallback.delayBeforeRetryMs),
    ...seconds('warmup', checker.warmupMs, fallback.warmupMs),
    ...when(checker.logAllFailures, `log_all_failures ${printBoolean(true)}`),
  ];
}

function connectionLines(checker: CheckConnection, realServer: ServerAddress): string[] {
  const { connect } = checker;
  const [address, usual] = [formatIp(connect.address), formatIp(realServer.address)];
  return [
    ...when(address !== usual, `connect_ip ${address}`),
    ...when(connect.port !== realServer.port, `connect_port ${connect.port}`),
    ...(checker.bindto ? [`bindto ${formatIp(checker.bindto)}`] : []),
    ...when(checker.bindPort !== undefined, `bind_port ${checker.bindPort}`),
    ...(checker.bindIf === undefined ? [] : [`bind_if ${printWord(checker.bindIf)}`]),
    ...when(checker.fwmark !== undefined, `fwmark ${checker.fwmark}`),
  ];
}

function ownLines(checker: Exclude<Checker, { kind: 'FILE_CHECK' | 'MISC_CHECK' }>): string[] {
  switch (checker.kind) {
    case 'HTTP_GET':
    case 'SSL_GET':
      return [
        ...when(checker.httpProtocol !== '1.0', `http_protocol ${checker.httpProtocol}`),
        ...when(checker.fastRecovery, 'fast_recovery'),
        ...when(checker.enableSni, 'enable_sni'),
        ...checker.urls.map(url => `url ${printBlock(urlLines(url))}`),
      ];
    case 'SMTP_CHECK':
      return checker.heloName === undefined ? [] : [`helo_name ${printWord(checker.heloName)}`];
    case 'DNS_CHECK':
      return [`type ${checker.type}`, `name ${printWord(checker.name)}`];
    case 'UDP_CHECK':
      return udpLines(checker);
    case 'TCP_CHECK':
    case 'PING_CHECK':
      return [];
  }
}

function udpLines(checker: Extract<Checker, { kind: 'UDP_CHECK' }>): string[] {
  const payload = Array.from(checker.payload ?? [], byte => byte.toString(16).padStart(2, '0')).join('');
  return [
    ...when(payload !== '', `payload ${payload}`),
    ...when(checker.requireReply, `require_reply ${checker.replyPattern ?? ''}`.trimEnd()),
    ...when(checker.minReplyLength !== 0, `min_reply_length ${checker.minReplyLength}`),
    ...when(checker.maxReplyLength !== 255, `max_reply_length ${checker.maxReplyLength}`),
  ];
}

function miscLines(checker: Extract<Checker, { kind: 'MISC_CHECK' }>): string[] {
  const { argv, user, group } = checker.miscPath;
  const who = [user, group].flatMap(name => (name === undefined ? [] : printWord(name)));
  return [
    `misc_path ${printCommand(argv)}`,
    ...when(
      checker.miscTimeoutMs !== checker.delayLoopMs,
      `misc_timeout ${formatSeconds(checker.miscTimeoutMs)}`,
    ),
    ...when(checker.miscDynamic, 'misc_dynamic'),
    ...when(who.length > 0, `user ${who.join(' ')}`),
  ];
}

function urlLines(url: HttpUrl): string[] {
  const codes = url.statusCodes.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  return [
    `path ${printWord(url.path)}`,
    ...when(url.digest !== undefined, `digest ${url.digest}`),
    ...when(codes.join(' ') !== '200-299', `status_code ${codes.join(' ')}`),
    ...(url.virtualhost === undefined ? [] : [`virtualhost ${printWord(url.virtualhost)}`]),
    ...(url.regex === undefined ? [] : [`regex ${printRegex(url.regex)}`]),
    ...when(url.regexNoMatch, 'regex_no_match'),
    ...when(url.regexOptions.length > 0, `regex_options ${url.regexOptions.join(' ')}`),
    ...when(url.regexMinOffset !== undefined, `regex_min_offset ${url.regexMinOffset}`),
    ...when(url.regexMaxOffset !== undefined, `regex_max_offset ${url.regexMaxOffset}`),
  ];
}

/** Lines are scanned for comments, braces and definitions before quotes are understood: octal escapes are safe. */
function printRegex(regex: string): string {
  const escaped = regex.replace(/[^\w./:=,%+^ -]/gu, char => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x80 ? `\\${code.toString(8).padStart(3, '0')}` : char;
  });
  return `"${escaped}"`;
}
