/** Asks for what only the user knows, on the terminal and without showing it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Secret } from '#provision/model/shell.ts';
import { askOnce } from '#provision/run/ask-once.ts';
import type { Ask, Question } from '#provision/run/ports.ts';

const WORDS: Record<Question['kind'], string> = {
  passphrase: 'passphrase of',
  password: 'password for',
  'become-password': 'sudo password for',
};

/** Undefined where there is no terminal to ask on. */
export function terminalAsk(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return askOnce(question => askHidden(`${WORDS[question.kind]} ${question.about}: `));
}

/** Asks without showing what is typed; undefined if the user only ends the input. */
export function askHidden(prompt: string): Promise<Secret | undefined> {
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise(resolve => {
    reader.once('close', () => resolve(undefined));
    reader.question('', text => {
      resolve(new Secret(text));
      reader.close();
      process.stderr.write('\n');
    });
  });
}
