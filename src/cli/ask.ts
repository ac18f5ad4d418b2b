/** Asks for what only the user knows, on the terminal and without showing it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Secret } from '#provision/model/shell.ts';
import type { Ask, Question } from '#provision/run/ports.ts';

const WORDS: Record<Question['kind'], string> = {
  passphrase: 'passphrase of',
  password: 'password for',
  'become-password': 'sudo password for',
};

/** Undefined where there is no terminal to ask on. One question at a time; the same one is asked once. */
export function terminalAsk(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const answers = new Map<string, Promise<Secret | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  return question => {
    const key = `${question.kind} ${question.about}`;
    const known = answers.get(key);
    if (known) return known;
    const answer = last.then(() => askHidden(`${WORDS[question.kind]} ${question.about}: `));
    last = answer;
    answers.set(key, answer);
    return answer;
  };
}

function askHidden(prompt: string): Promise<Secret | undefined> {
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
