/** A place in a text that a user wrote; `line` and `column` count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `file:line:column`, the form that editors and terminals turn into a link. */
export function formatPosition(position: Position): string {
  return `${position.file}:${position.line}:${position.column}`;
}

/** Whether both are the same place, whoever read the text. */
export function isSamePosition(one: Position, other: Position): boolean {
  return one.line === other.line && one.column === other.column && one.file === other.file;
}
