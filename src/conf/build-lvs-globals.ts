import { MAX_TIMEOUT_S } from './build-service.ts';
import { LineCursor } from './line-cursor.ts';
import type { Word } from './lexer.ts';
import type { GlobalDefs, LvsSyncDaemon } from './model.ts';
import { validInterfaceName } from './parse-address.ts';
import type { Report } from './report.ts';
import { readInteger, type Settings } from './values.ts';

type LvsGlobals = Pick<
  GlobalDefs,
  | 'lvsFlush'
  | 'lvsFlushOnStop'
  | 'lvsTimeouts'
  | 'lvsSyncDaemon'
  | 'checkerLogAllFailures'
  | 'rsInitNotifies'
  | 'noCheckerEmails'
>;

/** What `global_defs` says of virtual servers. */
export function buildLvsGlobals(settings: Settings, report: Report): LvsGlobals {
  return {
    lvsFlush: settings.flag('lvs_flush'),
    lvsFlushOnStop: readFlushOnStop(settings, report),
    lvsTimeouts: readTimeouts(settings, report),
    lvsSyncDaemon: readSyncDaemon(settings, report),
    checkerLogAllFailures: settings.boolean('checker_log_all_failures') ?? false,
    rsInitNotifies: settings.boolean('rs_init_notifies') ?? false,
    noCheckerEmails: settings.boolean('no_checker_emails') ?? false,
  };
}

function readFlushOnStop(settings: Settings, report: Report): GlobalDefs['lvsFlushOnStop'] {
  const name = settings.lastOf('lvs_flush_on_stop', 'lvs_flush_onstop');
  if (name === undefined) return 'off';
  const word = settings.words(name)?.[0];
  if (!word) return 'on';
  if (word.text === 'VS') return 'VS';
  report.error('value-invalid', word.position, `\`${word.text}\` is not VS; the keyword is ignored`);
  return 'off';
}

const TIMEOUTS = { tcp: 'tcpS', tcpfin: 'tcpfinS', udp: 'udpS' } as const;

function readTimeouts(settings: Settings, report: Report): GlobalDefs['lvsTimeouts'] {
  const timeouts: { -readonly [Key in keyof GlobalDefs['lvsTimeouts']]: number | undefined } = {
    tcpS: undefined,
    tcpfinS: undefined,
    udpS: undefined,
  };
  const words = settings.words('lvs_timeouts') ?? [];
  for (let index = 0; index < words.length; index += 2) {
    const [keyword, value] = [words[index], words[index + 1]];
    const field = keyword && Object.hasOwn(TIMEOUTS, keyword.text) ? keyword.text : undefined;
    if (!keyword || field === undefined) {
      report.error('value-invalid', keyword?.position, `\`${keyword?.text}\` is not tcp, tcpfin or udp`);
    } else if (!value) {
      report.error('option-incomplete', keyword.position, `\`${keyword.text}\` lacks its seconds`);
    } else {
      timeouts[TIMEOUTS[field as keyof typeof TIMEOUTS]] = readInteger(value, 0, MAX_TIMEOUT_S, report);
    }
  }
  return timeouts;
}

type SyncDraft = { -readonly [Key in keyof LvsSyncDaemon]: LvsSyncDaemon[Key] };

const SYNC_OPTIONS: Readonly<Record<string, (draft: SyncDraft, cursor: LineCursor) => void>> = {
  inst: (draft, cursor) => {
    draft.instance = cursor.argument('inst');
  },
  id: (draft, cursor) => {
    draft.id = cursor.integer('id', 0, 255);
  },
  maxlen: (draft, cursor) => {
    draft.maxlen = cursor.integer('maxlen', 1, 65_507);
  },
  port: (draft, cursor) => {
    draft.port = cursor.integer('port', 1, 65_535);
  },
  ttl: (draft, cursor) => {
    draft.ttl = cursor.integer('ttl', 1, 255);
  },
  group: (draft, cursor) => {
    draft.group = cursor.address('group');
  },
};

function readSyncDaemon(settings: Settings, report: Report): LvsSyncDaemon | undefined {
  const words = settings.all('lvs_sync_daemon')[0]?.statement.words.slice(1);
  const [first] = words ?? [];
  if (!words || !first) return undefined;
  if (!validInterfaceName(first.text)) {
    const message = `\`${first.text}\` cannot be an interface name; lvs_sync_daemon is ignored`;
    report.error('interface-invalid', first.position, message);
    return undefined;
  }
  const draft: SyncDraft = {
    interface: first.text,
    instance: undefined,
    id: undefined,
    maxlen: undefined,
    port: undefined,
    ttl: undefined,
    group: undefined,
    position: settings.positionOf('lvs_sync_daemon'),
  };
  readSyncOptions(words.slice(1), draft, report);
  return draft;
}

/** The instance may stand right behind the interface, without `inst`. */
function readSyncOptions(words: readonly Word[], draft: SyncDraft, report: Report): void {
  const cursor = new LineCursor(words, report);
  for (let index = 0; cursor.peek() !== undefined; index++) {
    const { position } = cursor;
    const option = cursor.next() ?? '';
    const read = Object.hasOwn(SYNC_OPTIONS, option) ? SYNC_OPTIONS[option] : undefined;
    if (read) read(draft, cursor);
    else if (index === 0) draft.instance = option;
    else report.error('option-unknown', position, `unknown word \`${option}\` is ignored`);
  }
}
