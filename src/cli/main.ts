/** The `tandem` command. */
import { CommanderError } from 'commander';
import { EXIT, failure } from './exit.ts';
import { program } from './program.ts';

// The launcher's, and nothing for the programs that this one starts.
delete process.env['NODE_COMPILE_CACHE'];

// A reader that has seen enough (`| head`) must not end a run in the middle of a host's turn.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  } else {
    const { code, message } = failure(error);
    process.stderr.write(`tandem: ${message}\n`);
    process.exitCode = code;
  }
}
