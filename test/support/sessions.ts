/** What a run asked of a host, counted on the host: connections and execs by its sshd, bytes by its interface. */
import type { Lab } from '#lab/lab.ts';

export interface SshUse {
  readonly connections: number;
  readonly execs: number;
  /** Received and sent by the host's eth0 in all, adverts of others included. */
  readonly bytes: number;
}

/** Starts to count; the function that comes back says what there was since. */
export async function countSshUse(lab: Lab, host: string): Promise<() => Promise<SshUse>> {
  const cursor = await journalCursor(lab, host);
  const before = await interfaceBytes(lab, host);
  return async () => {
    const bytes = (await interfaceBytes(lab, host)) - before;
    // What sshd has written must have reached the journal.
    await lab.exec(host, ['journalctl', '--sync']);
    const argv = ['journalctl', '--no-pager', '-o', 'cat', '-t', 'sshd', '--after-cursor', cursor];
    const { stdout } = await lab.exec(host, argv, { check: true });
    const count = (words: RegExp) => stdout.split('\n').filter(line => words.test(line)).length;
    return { connections: count(/^Accepted publickey/), execs: count(/^Starting session/), bytes };
  };
}

async function journalCursor(lab: Lab, host: string): Promise<string> {
  const { stdout } = await lab.exec(host, ['journalctl', '-n', '1', '-o', 'cat', '--show-cursor'], {
    check: true,
  });
  const cursor = /^-- cursor: (.*)$/m.exec(stdout)?.[1];
  if (cursor === undefined) throw new Error(`${host}: no cursor in ${stdout}`);
  return cursor;
}

async function interfaceBytes(lab: Lab, host: string): Promise<number> {
  const files = ['rx_bytes', 'tx_bytes'].map(name => `/sys/class/net/eth0/statistics/${name}`);
  const { stdout } = await lab.exec(host, ['cat', ...files], { check: true });
  return stdout
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line), 0);
}
