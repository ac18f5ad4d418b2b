import { buildCheckers } from './build-checker.ts';
import { CHECKER_KINDS } from './checker-keywords.ts';
import { readTiming, type PartialTiming } from './build-timing.ts';
import type { ForwardingMethod, GlobalDefs, RealServer, SslSettings, TrackFile } from './model.ts';
import type { Report } from './report.ts';
import { readForwarding, readServerAddress } from './server-words.ts';
import type { Statement } from './parser.ts';
import { readBlock, Settings } from './values.ts';

/** What all virtual servers share. */
export interface ServerContext {
  readonly globalDefs: GlobalDefs;
  readonly ssl: SslSettings | undefined;
  readonly trackFiles: ReadonlyMap<string, TrackFile>;
  readonly report: Report;
}

/** What a real server inherits from its virtual server. */
export interface RealServerDefaults {
  readonly timing: PartialTiming;
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  readonly inhibitOnFailure: boolean;
  readonly virtualhost: string | undefined;
  /** The virtual server's port, which a real server without one takes; undefined: it stays without. */
  readonly port: number | undefined;
}

/** `real_server`; undefined if its address cannot be used. */
export function buildRealServer(
  statement: Statement,
  defaults: RealServerDefaults,
  context: ServerContext,
): RealServer | undefined {
  const { report, globalDefs } = context;
  const written = readServerAddress(statement.words.slice(1), 'real server', report);
  if (!written) return undefined;
  const realServer = { ...written, port: written.port || (defaults.port ?? 0) };
  const settings = new Settings(statement.position, readBlock('real_server', statement.block ?? [], report));
  const timing = readTiming(settings, defaults.timing);
  const virtualhost = settings.text('virtualhost') ?? defaults.virtualhost;
  const checkers = checkerStatements(statement).flatMap(checker => {
    const { ssl, trackFiles } = context;
    const { checkerLogAllFailures: logAllFailures } = globalDefs;
    return buildCheckers(checker, {
      realServer,
      timing,
      virtualhost,
      logAllFailures,
      ssl,
      trackFiles,
      report,
    });
  });
  const method = settings.words('lvs_method');
  return {
    ...realServer,
    position: statement.position,
    weight: settings.number('weight') ?? defaults.weight,
    forwarding: (method && readForwarding(method, report)) ?? defaults.forwarding,
    inhibitOnFailure: settings.boolean('inhibit_on_failure') ?? defaults.inhibitOnFailure,
    uthreshold: settings.number('uthreshold') ?? 0,
    lthreshold: settings.number('lthreshold') ?? 0,
    notifyUp: settings.script('notify_up'),
    notifyDown: settings.script('notify_down'),
    // keepalived's defaults differ: real servers mail unless told otherwise, virtual servers do not.
    smtpAlert: settings.boolean('smtp_alert') ?? globalDefs.smtpAlertChecker ?? globalDefs.smtpAlert ?? true,
    checkers,
  };
}

/** In the order of the file, whatever their kinds. */
function checkerStatements(statement: Statement): Statement[] {
  return (statement.block ?? []).filter(({ keyword }) => CHECKERS.has(keyword));
}

const CHECKERS: ReadonlySet<string> = new Set(CHECKER_KINDS);
