/** The lab could not do what it was asked for: the machine lacks something, a host died, a bound passed. */
export class LabError extends Error {
  override name = 'LabError';
  /** What to do about it, where we know. */
  readonly hint: string | undefined;

  constructor(message: string, fields: { hint?: string; cause?: unknown } = {}) {
    super(fields.hint ? `${message}\n${fields.hint}` : message, { cause: fields.cause });
    this.hint = fields.hint;
  }
}
