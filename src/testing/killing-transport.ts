/** Programs that die half-way: the remote shell is killed right after a record of the ledger, as by a power cut. */
import { Transform, type TransformCallback } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assert } from '#base/assert.ts';

/** What the prelude's function that writes a record looks like. */
const LOG_FUNCTION = /t_log\(\) \{([^}]*)\}/;

/**
 * For {@link RecordingOptions.rewrite}: the program kills its own process group once the ledger has `records` records
 * (or, with a file to count in, once the session has written so many). Program text and its length in the header are
 * changed on the way; inputs pass.
 */
export function killAfterRecord(records: number, countIn?: string): Transform {
  let pending = Buffer.alloc(0);
  let passing = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        if (passing > 0) {
          const part = pending.subarray(0, passing);
          passing -= part.length;
          pending = pending.subarray(part.length);
          this.push(part);
          if (passing > 0) break;
        }
        const head = /^\n?tandem\/1 ([0-9a-f]+) (\d+)\n/.exec(pending.toString('latin1', 0, 200));
        if (!head) {
          this.push(pending);
          pending = Buffer.alloc(0);
          break;
        }
        const [header, nonce = '', length = ''] = head;
        const end = header.length + Number(length);
        if (pending.length < end) break;
        const text = gunzipSync(pending.subarray(header.length, end)).toString();
        const packed = gzipSync(lethal(text, records, countIn));
        this.push(`\ntandem/1 ${nonce} ${packed.length}\n`);
        this.push(packed);
        pending = pending.subarray(end);
      }
      done();
    },
  });
}

function lethal(program: string, records: number, countIn: string | undefined): string {
  if (!program.includes('t_log')) return program;
  assert(LOG_FUNCTION.test(program), 'the prelude writes records through t_log');
  // $$ is the session's shell in every subshell.
  const count = countIn === undefined ? undefined : `"${countIn}.$$"`;
  const lines = `grep -c '^{' ${count ?? '"$t_state/ledger"'}`;
  return program.replace(
    LOG_FUNCTION,
    (_whole, body: string) => `t_log() {${body}
${count === undefined ? '' : `echo '{' >>${count}`}
[ "$(${lines})" -lt ${records} ] || kill -9 0
}`,
  );
}
