import { messageOf } from '#base/errors.ts';
import type { SslSettings } from '#conf/model.ts';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';

/** What SSL_GET presents itself with, or why it cannot. */
export type TlsIdentity =
  { readonly ok: true; readonly context: SecureContext } | { readonly ok: false; readonly reason: string };

/** One for all: making one reads the root certificates, which are not looked at. */
let anonymous: SecureContext | undefined;

/** One for each `SSL` block: its files are read once, and again after a reload, as keepalived does. */
let identities = new WeakMap<SslSettings, SecureContext>();

/** Certificates, keys and CAs are read again when they are next used: they may have been renewed in place. */
export function forgetTlsIdentities(): void {
  identities = new WeakMap();
}

/**
 * The certificate (with its chain), key and CA of the `SSL` block. As keepalived's, the CA completes the chain and
 * verifies nothing. What failed is tried anew each time, so that a file that was put right is used.
 */
export function tlsIdentity(settings: SslSettings | undefined): TlsIdentity {
  if (!settings) return { ok: true, context: (anonymous ??= createSecureContext()) };
  const known = identities.get(settings);
  if (known) return { ok: true, context: known };
  try {
    const context = read(settings);
    identities.set(settings, context);
    return { ok: true, context };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

function read({ certificate, key, ca, password }: SslSettings): SecureContext {
  const files = {
    ...(certificate !== undefined && { cert: content('certificate', certificate) }),
    ...(key !== undefined && { key: content('key', key) }),
    ...(ca !== undefined && { ca: content('ca', ca) }),
  };
  const passphrase = password && { passphrase: Buffer.from(password.reveal()).toString() };
  try {
    return createSecureContext({ ...files, ...passphrase });
  } catch (error) {
    throw new Error(`${Object.keys(files).join(', ')} cannot be used: ${lastPart(messageOf(error))}`, {
      cause: error,
    });
  }
}

function content(keyword: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${keyword}: ${messageOf(error)}`, { cause: error });
  }
}

/** OpenSSL's `error:1C800064:Provider routines::bad decrypt` without what only its authors need. */
function lastPart(message: string): string {
  return message.split('::').at(-1) ?? message;
}
