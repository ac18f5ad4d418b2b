/** known_hosts by OpenSSH's rules: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", and hostfile.c where the page is silent. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { must } from '#base/assert.ts';

/** One line that counts. */
export interface KnownHost {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The names as they are written: patterns with commas, or one hashed name. */
  readonly names: string;
  readonly keyType: string;
  readonly key: Buffer;
}

/** What known_hosts says of a key that a host has shown. */
export type HostKeyVerdict =
  | { readonly status: 'known' }
  | { readonly status: 'unknown' }
  | { readonly status: 'changed' | 'revoked'; readonly entry: KnownHost };

/** Reads a file's text; lines that make no sense are passed over, as OpenSSH does. */
export function parseKnownHosts(file: string, text: string): KnownHost[] {
  return text.split('\n').flatMap((content, index) => {
    const entry = parseLine(content);
    return entry ? [{ file, line: index + 1, ...entry }] : [];
  });
}

function parseLine(content: string): Omit<KnownHost, 'file' | 'line'> | undefined {
  const words = content.trim().split(/[ \t]+/);
  if (words[0] === undefined || words[0] === '' || words[0].startsWith('#')) return undefined;
  let marker: KnownHost['marker'] = 'none';
  if (words[0].startsWith('@')) {
    const name = words.shift()?.slice(1);
    if (name !== 'revoked' && name !== 'cert-authority') return undefined;
    marker = name;
  }
  const [names, keyType, encoded] = words;
  if (names === undefined || keyType === undefined || encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  return key.length > 4 && keyTypeOf(key) === keyType ? { marker, names, keyType, key } : undefined;
}

/** The type at the head of a public key blob (RFC 4253 §6.6); empty if it is not one. */
export function keyTypeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return key.length >= 4 + length ? key.toString('latin1', 4, 4 + length) : '';
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The name under which a host is looked up: `host`, or `[host]:port` where the port is not 22. */
export function lookupName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** A line for `ssh-keyscan`-like additions; hashed if the user's configuration asks for it (HashKnownHosts). */
export function knownHostsLine(name: string, key: Buffer, hashed: boolean): string {
  return `${hashed ? hashName(name, randomBytes(20)) : name} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
}

function hashName(name: string, salt: Buffer): string {
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** The entries for a name, markers included. */
export function entriesFor(entries: readonly KnownHost[], name: string): KnownHost[] {
  return entries.filter(entry => matchesName(entry.names, name));
}

function matchesName(names: string, name: string): boolean {
  if (names.startsWith('|1|')) return matchesHash(names, name);
  return matchesPatternList(names.split(','), name);
}

function matchesHash(hashed: string, name: string): boolean {
  const [, , salt, hash] = hashed.split('|');
  if (salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** ssh_config(5), PATTERNS: `*` and `?`; a negated pattern that matches overrules every other. Case does not count. */
export function matchesPatternList(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesPattern(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern.toLowerCase() === name.toLowerCase();
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(name);
}

/**
 * Judges a plain key (no certificate). `names` are the lookup names, the most specific first: a key that is not known
 * under `[host]:port` may be known under `host`, but only a matching key counts there (sshconnect.c, check_host_key).
 */
export function judgeHostKey(
  entries: readonly KnownHost[],
  names: readonly string[],
  key: Buffer,
): HostKeyVerdict {
  const ours = entries.filter(entry => names.some(name => matchesName(entry.names, name)));
  const revoked = ours.find(entry => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked) return { status: 'revoked', entry: revoked };
  const plain = ours.filter(entry => entry.marker === 'none');
  if (plain.some(entry => entry.key.equals(key))) return { status: 'known' };
  const first = must(names[0], 'a host has at least one lookup name');
  const other = plain.findLast(entry => matchesName(entry.names, first));
  return other ? { status: 'changed', entry: other } : { status: 'unknown' };
}

/** How SSH's host key algorithms follow from a known key's type. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
};
const ALL_ALGORITHMS = Object.values(ALGORITHMS).flat();

/** How node-ssh can check a host's key: which algorithms to ask for, in order, or that it cannot. */
export function hostKeyAlgorithms(
  entries: readonly KnownHost[],
  names: readonly string[],
): readonly string[] | 'needs-openssh' {
  const ours = entries.filter(entry => names.some(name => matchesName(entry.names, name)));
  const plain = ours.filter(entry => entry.marker === 'none');
  const known = new Set(plain.flatMap(entry => ALGORITHMS[entry.keyType] ?? []));
  if (known.size > 0) return [...known, ...ALL_ALGORITHMS.filter(algorithm => !known.has(algorithm))];
  const beyondUs = plain.length > 0 || ours.some(entry => entry.marker === 'cert-authority');
  return beyondUs ? 'needs-openssh' : ALL_ALGORITHMS;
}
