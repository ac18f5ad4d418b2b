import { formatPosition, type Position } from './position.ts';

/** One complaint about something a user wrote: where, what is wrong, and the way out. */
export interface Diagnostic {
  /** Stable id that scripts and `accept:` lists name, such as `vrid-duplicate`. */
  readonly id: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly position?: Position;
  /** What to write instead, or to do next. */
  readonly hint?: string;
}

/** `file:line:column: error: message (hint) [id]`, on one line. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const where = diagnostic.position ? `${formatPosition(diagnostic.position)}: ` : '';
  const hint = diagnostic.hint ? ` (${diagnostic.hint})` : '';
  return `${where}${diagnostic.severity}: ${diagnostic.message}${hint} [${diagnostic.id}]`;
}

/** Input from the user cannot be used; carries every complaint found, not only the first. Exit code 64. */
export class InputError extends Error {
  override name = 'InputError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}

/** Something went wrong on or on the way to another host. Exit code 1, or 3 when it could not be reached. */
export class RemoteError extends Error {
  override name = 'RemoteError';
  readonly host: string;
  /** What was being done, in the user's terms. */
  readonly step: string;
  /** The remote's own words (stderr), redacted. */
  readonly said: string;
  readonly unreachable: boolean;

  constructor(fields: {
    host: string;
    step: string;
    message: string;
    said?: string;
    unreachable?: boolean;
    cause?: unknown;
  }) {
    const said = fields.said?.trim() ?? '';
    super(`${fields.host}: ${fields.step}: ${fields.message}${said ? `: ${said}` : ''}`, {
      cause: fields.cause,
    });
    this.host = fields.host;
    this.step = fields.step;
    this.said = said;
    this.unreachable = fields.unreachable ?? false;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
