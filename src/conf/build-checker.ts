import { familyOf } from '#base/address.ts';
import { completeTiming, NO_TIMING, readTiming, type PartialTiming } from './build-timing.ts';
import { buildUrls } from './build-url.ts';
import { groupName } from './command.ts';
import { keywordsOfChecker } from './checker-keywords.ts';
import type { Checker, CheckConnection, ServerAddress, SslSettings, TrackFile } from './model.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { readHex } from './server-words.ts';
import { didYouMean } from './suggest.ts';
import { readBlock, Settings } from './values.ts';

/** What a checker inherits from its surroundings. */
export interface CheckerContext {
  readonly realServer: ServerAddress;
  readonly timing: PartialTiming;
  readonly virtualhost: string | undefined;
  readonly logAllFailures: boolean;
  readonly ssl: SslSettings | undefined;
  readonly trackFiles: ReadonlyMap<string, TrackFile>;
  readonly report: Report;
}

type Base = Pick<
  Checker,
  | 'position'
  | 'logAllFailures'
  | 'alpha'
  | 'connectTimeoutMs'
  | 'retry'
  | 'delayBeforeRetryMs'
  | 'warmupMs'
  | 'delayLoopMs'
>;

/** The checkers of one block: several if SMTP_CHECK names hosts, none after a diagnostic. */
export function buildCheckers(statement: Statement, context: CheckerContext): Checker[] {
  const { report } = context;
  const kind = statement.keyword;
  const settings = new Settings(statement.position, readCheckerBlock(statement, kind, report));
  const base: Base = {
    ...completeTiming(kind, usableTiming(kind, readTiming(settings, context.timing))),
    position: statement.position,
    logAllFailures: settings.boolean('log_all_failures') ?? context.logAllFailures,
  };
  switch (kind) {
    case 'MISC_CHECK':
      return buildMiscCheck(settings, base, report);
    case 'FILE_CHECK':
      return buildFileCheck(settings, base, context);
    case 'SMTP_CHECK':
      return buildSmtpChecks(settings, base, context);
    default:
      return buildConnecting(kind, settings, base, context);
  }
}

/** Without what such a checker has no use for. */
function usableTiming(kind: string, timing: PartialTiming): PartialTiming {
  if (kind === 'FILE_CHECK') return NO_TIMING;
  return kind === 'MISC_CHECK' ? { ...timing, connectTimeoutMs: undefined } : timing;
}

/** {@link readBlock} for the keywords that a checker of this kind takes. */
function readCheckerBlock(statement: Statement, kind: string, report: Report): ReturnType<typeof readBlock> {
  const known = keywordsOfChecker(kind);
  const usable = (statement.block ?? []).filter(line => {
    if (known.has(line.keyword)) return true;
    const message = `unknown keyword \`${line.keyword}\` in ${kind}`;
    report.error('keyword-unknown', line.position, message, () => didYouMean(line.keyword, known));
    return false;
  });
  return readBlock('checker', usable, report);
}

function buildConnecting(kind: string, settings: Settings, base: Base, context: CheckerContext): Checker[] {
  const { report } = context;
  const connection = readConnection(settings, defaultConnection(context.realServer), report);
  if (!connection) return [];
  const common = { ...base, ...connection };
  switch (kind) {
    case 'TCP_CHECK':
    case 'PING_CHECK':
      return [{ ...common, kind }];
    case 'HTTP_GET':
    case 'SSL_GET':
      return buildWebCheck(kind, settings, common, context);
    case 'DNS_CHECK':
      return [
        {
          ...common,
          kind,
          type: (settings.text('type') ?? 'SOA').toUpperCase(),
          name: settings.text('name') ?? '.',
        },
      ];
    case 'UDP_CHECK':
      return [buildUdpCheck(settings, common, report)];
    default:
      return [];
  }
}

function defaultConnection(connect: ServerAddress): CheckConnection {
  return { connect, bindto: undefined, bindPort: undefined, bindIf: undefined, fwmark: undefined };
}

/** `connect_ip` and its companions over what is inherited; undefined if they cannot work. */
function readConnection(
  settings: Settings,
  outer: CheckConnection,
  report: Report,
): CheckConnection | undefined {
  const address = settings.address('connect_ip') ?? outer.connect.address;
  let bindto = settings.address('bindto') ?? outer.bindto;
  if (bindto && bindto.length !== address.length) {
    const message = 'bindto is not of the family of the address to connect to; it is ignored';
    report.error('family-differs', settings.positionOf('bindto'), message);
    bindto = undefined;
  }
  const named = settings.text('bind_if');
  const tooLong = named !== undefined && named.length > 15;
  if (tooLong)
    report.error(
      'interface-invalid',
      settings.positionOf('bind_if'),
      'an interface name has at most 15 characters; bind_if is ignored',
    );
  const bindIf = tooLong ? outer.bindIf : (named ?? outer.bindIf);
  if (isLinkLocal(address) && bindIf === undefined) {
    const message = 'a link-local address needs `bind_if INTERFACE`; this check is left out';
    report.error('bind-if-missing', settings.position, message);
    return undefined;
  }
  return {
    connect: { address, port: settings.number('connect_port') ?? outer.connect.port },
    bindto,
    bindPort: settings.number('bind_port') ?? outer.bindPort,
    bindIf,
    fwmark: settings.number('fwmark') ?? outer.fwmark,
  };
}

function isLinkLocal(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  return familyOf(address) === 6 && first === 0xfe && (second & 0xc0) === 0x80;
}

type Connected = Base & CheckConnection;

function buildWebCheck(
  kind: 'HTTP_GET' | 'SSL_GET',
  settings: Settings,
  common: Connected,
  context: CheckerContext,
): Checker[] {
  const virtualhost = settings.text('virtualhost') ?? context.virtualhost;
  const urls = buildUrls(settings.all('url'), virtualhost, context.report);
  if (urls.length === 0) {
    context.report.error('url-missing', settings.position, `${kind} has no url; it is left out`);
    return [];
  }
  const protocol = settings.text('http_protocol') ?? '1.0';
  return [
    {
      ...common,
      kind,
      httpProtocol: protocol === '1.1' ? '1.1' : protocol === '1.0' ? '1.0' : '1.0C',
      fastRecovery: settings.boolean('fast_recovery') ?? false,
      enableSni: kind === 'SSL_GET' && (settings.boolean('enable_sni') ?? false),
      urls,
      ssl: kind === 'SSL_GET' ? context.ssl : undefined,
    },
  ];
}

function buildUdpCheck(settings: Settings, common: Connected, report: Report): Checker {
  const hex = (name: string, wildcards: boolean): string | undefined => {
    const words = settings.words(name) ?? [];
    if (words.length === 0) return undefined;
    const digits = readHex(words, wildcards);
    if (digits === undefined)
      report.error('hex-invalid', words[0]?.position, `\`${name}\` takes hexadecimal digits; it is ignored`);
    return digits;
  };
  const payload = hex('payload', false);
  const minReplyLength = settings.number('min_reply_length') ?? 0;
  const maxReplyLength = settings.number('max_reply_length') ?? 255;
  if (minReplyLength > maxReplyLength) {
    const message = `no reply has at least ${minReplyLength} and at most ${maxReplyLength} bytes: the check will fail`;
    report.error('reply-length', settings.positionOf('min_reply_length'), message);
  }
  return {
    ...common,
    kind: 'UDP_CHECK',
    payload: payload === undefined ? undefined : bytesOfHex(payload),
    requireReply: settings.has('require_reply'),
    replyPattern: hex('require_reply', true),
    minReplyLength,
    maxReplyLength,
  };
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16));
}

/** One check for each `host`, and one for the block itself unless it only holds hosts. */
function buildSmtpChecks(settings: Settings, base: Base, context: CheckerContext): Checker[] {
  const { report } = context;
  const heloName = settings.text('helo_name');
  const outer = defaultConnection(context.realServer);
  const own = ['connect_ip', 'connect_port', 'bindto', 'bind_port', 'bind_if', 'fwmark'];
  const hosts = settings.all('host').map(({ statement }) => {
    return new Settings(statement.position, readCheckerBlock(statement, 'host', report));
  });
  const main = hosts.length === 0 || own.some(name => settings.has(name)) ? [settings] : [];
  const inherited = readConnection(settings, outer, report);
  if (!inherited) return [];
  return [...main, ...hosts].flatMap(host => {
    const connection = host === settings ? inherited : readConnection(host, inherited, report);
    const connectTimeoutMs = host.number('connect_timeout') ?? base.connectTimeoutMs;
    return connection ? [{ ...base, ...connection, connectTimeoutMs, kind: 'SMTP_CHECK', heloName }] : [];
  });
}

function buildMiscCheck(settings: Settings, base: Base, report: Report): Checker[] {
  const command = settings.script('misc_path');
  if (!command) {
    report.error('script-missing', settings.position, 'MISC_CHECK has no `misc_path`; it is left out');
    return [];
  }
  const [user, group] = settings.words('user') ?? [];
  const who = user ? { user: user.text, group: group && groupName(group) } : {};
  return [
    {
      ...base,
      kind: 'MISC_CHECK',
      miscPath: { ...command, ...who },
      miscTimeoutMs: settings.number('misc_timeout') ?? base.delayLoopMs,
      miscDynamic: settings.flag('misc_dynamic'),
    },
  ];
}

function buildFileCheck(settings: Settings, base: Base, context: CheckerContext): Checker[] {
  const { report, trackFiles } = context;
  const name = settings.text('track_file');
  if (name === undefined) {
    report.error('file-missing', settings.position, 'FILE_CHECK has no `track_file`; it is left out');
    return [];
  }
  const trackFile = trackFiles.get(name);
  if (!trackFile) {
    const hint = didYouMean(name, trackFiles.keys());
    const message = `track_file ${name} is not defined; this check is left out`;
    report.error('tracker-unknown', settings.positionOf('track_file'), message, hint);
    return [];
  }
  const { weight, reverse } = settings.weight('weight') ?? trackFile;
  const dynamic = settings.flag('dynamic');
  return [{ ...base, kind: 'FILE_CHECK', trackFile: name, file: trackFile.file, weight, reverse, dynamic }];
}
