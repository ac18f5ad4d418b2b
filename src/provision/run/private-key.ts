/** Private key files: what kind they are, without reading the secret in them. */

/** `plain` can be used as it is; `encrypted` asks for a passphrase; `hardware` needs the system's ssh. */
export type KeyKind = 'plain' | 'encrypted' | 'hardware' | 'not-a-key';

const OPENSSH_MAGIC = 'openssh-key-v1\0';

/** Tells by PROTOCOL.key's header, or by PEM's. */
export function kindOfKey(text: string): KeyKind {
  const body = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----([\s\S]*?)-----END/.exec(text);
  if (!body) return 'not-a-key';
  const [, label = '', content = ''] = body;
  if (label.startsWith('OPENSSH')) return kindOfOpenssh(Buffer.from(content.replaceAll(/\s/g, ''), 'base64'));
  return label.startsWith('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(content) ? 'encrypted' : 'plain';
}

function kindOfOpenssh(blob: Buffer): KeyKind {
  if (blob.toString('latin1', 0, OPENSSH_MAGIC.length) !== OPENSSH_MAGIC) return 'not-a-key';
  const cipher = stringAt(blob, OPENSSH_MAGIC.length);
  const kdf = stringAt(blob, cipher.end);
  const options = stringAt(blob, kdf.end);
  const publicKey = stringAt(blob, options.end + 4);
  const type = stringAt(publicKey.bytes, 0).bytes.toString('latin1');
  if (type.startsWith('sk-')) return 'hardware';
  return cipher.bytes.toString('latin1') === 'none' ? 'plain' : 'encrypted';
}

/** A string of RFC 4251 §5: length, then bytes. Cut short where the blob is. */
function stringAt(blob: Buffer, offset: number): { bytes: Buffer; end: number } {
  if (offset + 4 > blob.length) return { bytes: Buffer.alloc(0), end: blob.length };
  const end = offset + 4 + blob.readUInt32BE(offset);
  return { bytes: blob.subarray(offset + 4, end), end };
}
