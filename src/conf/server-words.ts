import { parseIp } from '#base/address.ts';
import type { Word } from './lexer.ts';
import type { ForwardingMethod, ServerAddress } from './model.ts';
import { parseInteger } from './number.ts';
import type { Report } from './report.ts';

/** `ADDRESS [PORT]` of a virtual, real or sorry server; undefined after a diagnostic. Port 0 is none. */
export function readServerAddress(
  words: readonly Word[],
  what: string,
  report: Report,
): ServerAddress | undefined {
  const [host, port] = words;
  const address = host && parseIp(host.text);
  if (!host || !address) {
    const text = host?.text ?? '';
    const message = `\`${text}\` is not an IP address; the ${what} is left out`;
    report.error('address-invalid', host?.position, message);
    return undefined;
  }
  const number = readPort(port);
  if (number !== undefined) return { address, port: number };
  const message = `\`${port?.text}\` is not a port (1–65535); the ${what} is left out`;
  report.error('port-invalid', port?.position, message);
  return undefined;
}

/** 0 if there is none; undefined if it is not a port. */
export function readPort(word: Word | undefined): number | undefined {
  if (!word) return 0;
  const port = parseInteger(word.text);
  return port !== undefined && port >= 0 && port <= 65_535 ? port : undefined;
}

const TUNNELS = ['ipip', 'gue', 'gre'] as const;
const CHECKSUMS = ['nocsum', 'csum', 'remcsum'] as const;

/** `NAT|DR|TUN [type …] [checksum]`; undefined after a diagnostic: the keyword is ignored. */
export function readForwarding(words: readonly Word[], report: Report): ForwardingMethod | undefined {
  const [method, ...options] = words;
  if (method?.text === 'NAT' || method?.text === 'DR') {
    const [extra] = options;
    if (!extra) return { kind: method.text };
    return refuse(extra, 'goes with TUN only', report);
  }
  if (method?.text !== 'TUN') return method && refuse(method, 'is not NAT, DR or TUN', report);
  const tunnel = readTunnel(options, report);
  return tunnel && checkTunnel(tunnel, method, report);
}

interface TunnelDraft {
  type: (typeof TUNNELS)[number];
  port: number | undefined;
  checksum: (typeof CHECKSUMS)[number];
}

function readTunnel(options: readonly Word[], report: Report): TunnelDraft | undefined {
  const draft: TunnelDraft = { type: 'ipip', port: undefined, checksum: 'nocsum' };
  for (let index = 0; index < options.length; index++) {
    const word = options[index];
    if (!word) break;
    const checksum = CHECKSUMS.find(name => name === word.text);
    if (checksum) {
      draft.checksum = checksum;
      continue;
    }
    const value = options[++index];
    if (word.text === 'type') {
      const type = TUNNELS.find(name => name === value?.text);
      if (!type) return refuse(value ?? word, 'is not a type of tunnel: ipip, gue or gre', report);
      draft.type = type;
    } else if (word.text === 'port') {
      const port = value && readPort(value);
      if (!port) return refuse(value ?? word, 'is not a port of a gue tunnel (1–65535)', report);
      draft.port = port;
    } else return refuse(word, 'is not an option of a tunnel', report);
  }
  return draft;
}

function checkTunnel(draft: TunnelDraft, method: Word, report: Report): ForwardingMethod | undefined {
  if ((draft.type === 'gue') !== (draft.port !== undefined))
    return refuse(method, 'needs a port with gue, and has none otherwise', report);
  if (draft.type === 'ipip' && draft.checksum !== 'nocsum')
    return refuse(method, 'of type ipip has no checksum', report);
  if (draft.type === 'gre' && draft.checksum === 'remcsum')
    return refuse(method, 'of type gre has no remote checksum', report);
  return { kind: 'TUN', ...draft };
}

function refuse(word: Word, why: string, report: Report): undefined {
  const hint = 'NAT, DR, or TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]';
  report.error('lvs-method', word.position, `\`${word.text}\` ${why}; it is ignored`, hint);
}

/**
 * Hexadecimal digits with blanks anywhere between bytes; a lone digit is a byte of its own. With `wildcards` an `x`
 * stands for any digit. Upper case; undefined if a character is no digit.
 */
export function readHex(words: readonly Word[], wildcards: boolean): string | undefined {
  const digits = wildcards ? /^[0-9a-fA-FxX]+$/ : /^[0-9a-fA-F]+$/;
  if (words.length === 0 || !words.every(({ text }) => digits.test(text))) return undefined;
  const bytes = words.flatMap(({ text }) => text.match(/../g)?.concat(oddDigit(text)) ?? oddDigit(text));
  return bytes.join('').toUpperCase();
}

function oddDigit(text: string): string[] {
  return text.length % 2 === 0 ? [] : [`0${text.at(-1)}`];
}
