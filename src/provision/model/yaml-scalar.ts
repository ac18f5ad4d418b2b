/**
 * Plain scalars as Ansible's loader (PyYAML, YAML 1.1) reads them, and the ones that are traps. A different YAML
 * library's idea of a boolean or a number would load an inventory that Ansible reads with other values.
 */

export type ScalarReading =
  { readonly value: null | boolean | number | string } | { readonly trap: string; readonly hint: string };

const BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  ['yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']
    .map((word): [string, boolean] => [word, true])
    .concat(['no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(word => [word, false])),
);
const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
/** PyYAML's float needs a point, and a sign in the exponent. */
const FLOAT = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/;
const INTEGER = /^[-+]?(?:0|[1-9][0-9_]*)$/;
const SEXAGESIMAL = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Reads an unquoted scalar. */
export function readPlainScalar(text: string): ScalarReading {
  if (NULLS.has(text)) return { value: null };
  const truth = BOOLEANS.get(text);
  if (truth !== undefined) return { value: truth };
  if (!/^[-+.0-9]/.test(text)) return { value: text };
  if (INTEGER.test(text)) return readInteger(text);
  if (/^[-+]?0[0-7_]+$/.test(text)) {
    return {
      trap: `${text} is read as an octal number (${Number.parseInt(text.replaceAll('_', ''), 8)}) by some YAML readers and as a decimal one by others`,
      hint: `quote it: "${text}"`,
    };
  }
  if (SEXAGESIMAL.test(text)) {
    return {
      trap: `${text} is a number in base 60 to YAML 1.1, and so to Ansible`,
      hint: `quote it: "${text}"`,
    };
  }
  if (/^[-+]?0b[01_]+$/.test(text) || /^[-+]?0x[0-9a-fA-F_]+$/.test(text)) return readRadix(text);
  if (FLOAT.test(text)) return { value: Number(text.replaceAll('_', '')) };
  return { value: text };
}

function readInteger(text: string): ScalarReading {
  const value = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(value)) return { value };
  return { trap: `${text} is too large to be kept exactly as a number`, hint: `quote it: "${text}"` };
}

function readRadix(text: string): ScalarReading {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  return { value: Number(digits) * (text.startsWith('-') ? -1 : 1) };
}
