/**
 * An `ssh` that stands before the system's in $PATH. Programs that pass through it kill the whole remote session right
 * after a given record of the ledger, as a power cut of the host or of the line would; all else is the real thing.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './tandem.ts';

export interface LethalSsh {
  /** To be put before the others in $PATH. */
  readonly directory: string;
  /** From the next connection on, `host`'s session dies once it has written `records` records; undefined: never. */
  arm(host: string, records: number | undefined): void;
}

/** Sessions count their records on the host in files of this name and a dot and a process id. */
export const COUNT_FILE = '/run/records-until-death';

/** Makes the program below `directory`. The last argument but one of a call is the host, as Tandem calls ssh. */
export function lethalSsh(directory: string): LethalSsh {
  const bin = join(directory, 'lethal-bin');
  mkdirSync(bin, { recursive: true });
  const filter = `import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
const { killAfterRecord } = await import('${ROOT}src/testing/killing-transport.ts');
const [records, ...argv] = process.argv.slice(2);
const ssh = spawn('/usr/bin/ssh', argv, { stdio: ['pipe', 'inherit', 'inherit'] });
ssh.once('close', code => process.exit(code ?? 255));
process.once('SIGTERM', () => ssh.kill('SIGTERM'));
await pipeline(process.stdin, killAfterRecord(Number(records), '${COUNT_FILE}'), ssh.stdin).catch(() => {});
`;
  writeFileSync(join(bin, 'filter.mjs'), filter);
  const script = `#!/bin/sh
for word; do host=$target target=$word; done
[ -s "${bin}/$host.kill" ] || exec /usr/bin/ssh "$@"
read -r records <"${bin}/$host.kill"
exec ${process.execPath} ${bin}/filter.mjs "$records" "$@"
`;
  writeFileSync(join(bin, 'ssh'), script);
  chmodSync(join(bin, 'ssh'), 0o755);
  return {
    directory: bin,
    arm: (host, records) => {
      writeFileSync(join(bin, `${host}.kill`), records === undefined ? '' : `${records}\n`);
    },
  };
}
