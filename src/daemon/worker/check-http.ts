import { faultOf } from '#check/http-judge.ts';
import { BODY_LENGTH_MAX, HEAD_LENGTH_MAX, HttpReply } from '#check/http-reply.ts';
import { httpRequest } from '#check/http-request.ts';
import type { AttemptEnd } from '#check/ports.ts';
import type { Checker, HttpUrl } from '#conf/model.ts';
import { translateRegex } from '#conf/regular-expression.ts';
import { createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { type AttemptDone, type CancelAttempt, placeOf } from './check-attempt.ts';
import { RegexSubject } from './check-regex.ts';
import { type Conversation, converse, type TlsOpening } from './check-stream.ts';
import { tlsIdentity } from './check-tls.ts';

type HttpChecker = Extract<Checker, { readonly fastRecovery: boolean }>;

/** HTTP_GET, SSL_GET: fetches one url and judges the answer. */
export function attemptHttp(checker: HttpChecker, url: HttpUrl, done: AttemptDone): CancelAttempt {
  const translation = url.regex === undefined ? undefined : translateRegex(url.regex, url.regexOptions);
  if (translation?.ok === false) {
    done({ made: false, said: `could not be checked: regex ${url.regex}: ${translation.reason}` });
    return () => {};
  }
  const tls = checker.kind === 'SSL_GET' ? tlsIdentity(checker.ssl) : undefined;
  if (tls?.ok === false) {
    done({ made: false, said: `could not be checked: SSL: ${tls.reason}` });
    return () => {};
  }
  return converse(checker, new Fetch(checker, url, translation?.regex, tls?.context), done);
}

class Fetch implements Conversation {
  readonly place: string;
  readonly tls: TlsOpening | undefined;
  readonly opening: string;
  readonly #url: HttpUrl;
  readonly #reply = new HttpReply();
  readonly #hash = createHash('md5');
  readonly #subject: RegexSubject | undefined;

  constructor(
    checker: HttpChecker,
    url: HttpUrl,
    regex: RegExp | undefined,
    context: SecureContext | undefined,
  ) {
    this.place = `${context ? 'https' : 'http'}://${placeOf(checker)}${url.path}`;
    this.tls = context && { context, serverName: checker.enableSni ? url.virtualhost : undefined };
    this.opening = httpRequest(checker, url);
    this.#url = url;
    this.#subject = regex && new RegexSubject(regex, url);
  }

  awaited(): string {
    return this.#reply.isHeadDone ? 'HTTP body' : 'HTTP answer';
  }

  hear(chunk: Uint8Array): AttemptEnd | undefined {
    const progress = this.#reply.push(chunk, part => {
      if (this.#url.digest !== undefined) this.#hash.update(part);
      this.#subject?.push(part);
    });
    switch (progress) {
      case 'open':
        return undefined;
      case 'complete':
        return this.#judge();
      case 'head too long':
        return this.#fault(`an HTTP head of more than ${HEAD_LENGTH_MAX} bytes`);
      case 'body too long':
        return this.#fault(`an HTTP body of more than ${BODY_LENGTH_MAX} bytes`);
    }
  }

  closed(): AttemptEnd {
    return this.#reply.isHeadDone ? this.#judge() : this.#fault('no HTTP answer');
  }

  #judge(): AttemptEnd {
    const { status } = this.#reply;
    const digest = this.#url.digest === undefined ? undefined : this.#hash.digest('hex');
    const fault = faultOf(this.#url, { status, digest, matched: this.#subject?.matches() });
    if (fault !== undefined) return this.#fault(fault);
    return { made: true, ok: true, said: `HTTP status ${status} from ${this.place}` };
  }

  #fault(words: string): AttemptEnd {
    return { made: true, ok: false, said: `${words} from ${this.place}` };
  }
}
