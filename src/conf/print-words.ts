import { formatIp } from '#base/address.ts';
import type { ScriptCommand } from './model.ts';

/**
 * A value of one word, in double quotes if it must be. The language has no way to write a double quote or a newline
 * in such a word, nor a backslash at its end: a model that was read has none.
 */
export function printWord(text: string): string {
  return /^[^\s"#!{}$\\'@~]+$/.test(text) ? text : `"${text}"`;
}

/**
 * A command so that it is split into the same argv again. Lines are scanned for comments, braces and definitions
 * before quotes are understood, and commands are unquoted twice: what is special in any of that becomes an octal escape.
 */
export function printCommand(argv: readonly string[]): string {
  return `"${argv.map(printArgument).join(' ')}"`;
}

function printArgument(argument: string): string {
  if (argument !== '' && /^[\w./:=,@%+^-]+$/.test(argument)) return argument;
  if (/^[\w./:=,@%+^ ;|&<>()*?[\]#!{}-]*$/.test(argument)) return `'${argument}'`;
  return argument.replace(/[^\w./:=,@%+^-]/gu, char => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x80 ? `\\\\${code.toString(8).padStart(3, '0')}` : char;
  });
}

/** A command with the user and group that run it. */
export function printScript(script: ScriptCommand): string {
  const who = [script.user, script.group].filter(name => name !== undefined).map(printWord);
  return [printCommand(script.argv), ...who].join(' ');
}

/** `{`, indented lines, `}`. */
export function printBlock(lines: readonly string[]): string {
  return `{\n${lines.map(line => `  ${line.replaceAll('\n', '\n  ')}\n`).join('')}}`;
}

/** A block of lines, or undefined if there are none. */
export function printLines(lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : printBlock(lines);
}

export function printAddress(address: Uint8Array | undefined): string | undefined {
  return address && formatIp(address);
}

export function printBoolean(value: boolean): string {
  return value ? 'on' : 'off';
}

/** Options of a line: names with their values, those that are undefined or false left out. */
export function printOptions(
  options: Readonly<Record<string, string | number | boolean | undefined>>,
): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [name] : [`${name} ${value}`];
  });
}
