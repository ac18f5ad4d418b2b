/** What a run asked of a host: connections and execs as its sshd has logged them, bytes as the switch has seen them. */
import type { Lab } from '#lab/lab.ts';

/** Ethernet's and IPv4's, which the records of a sniffer do not count. */
const HEADER_BYTES = 14 + 20;

interface SshUse {
  readonly connections: number;
  readonly execs: number;
  /** SSH's frames in both directions, headers included. */
  readonly bytes: number;
}

/** Starts to count; the function that comes back says what there was since. */
export async function countSshUse(lab: Lab, host: string): Promise<() => Promise<SshUse>> {
  const cursor = await journalCursor(lab, host);
  const nic = lab.spec.hosts.find(({ name }) => name === host)?.interfaces[0];
  const address = nic?.addresses[0]?.split('/')[0];
  const sniffer = await lab.sniff(nic?.network ?? '', { filter: `tcp port 22 and host ${address}` });
  return async () => {
    const frames = await sniffer.stop();
    const bytes = frames.reduce((sum, { payload }) => sum + HEADER_BYTES + payload.length, 0);
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
