import { messageOf } from '#base/errors.ts';
import type { Config, ScriptCommand } from '#conf/model.ts';
import type { Log } from './log.ts';
import { commandStrings } from './track-records.ts';
import { resolveAccount } from './worker/accounts.ts';

/**
 * `startup_script` and `shutdown_script`: runs the command to its end, or kills it after `timeoutMs`. It holds up this
 * process, which is what they are for: nothing of VRRP runs yet, or any more.
 */
export function runOneShot(
  keyword: 'startup_script' | 'shutdown_script',
  command: ScriptCommand | undefined,
  timeoutMs: number,
  config: Config,
  log: Log,
): void {
  if (!command) return;
  const [user = '', group = '', program = '', ...args] = commandStrings(command, config);
  try {
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    const account = resolveAccount(user, group);
    const options = { stdio: 'ignore', cwd: '/', timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
    const { error, status, signal } = spawnSync(program, args, { ...options, ...account });
    const isLate = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
    if (isLate) log.warning(`${keyword} ${program} ran for more than ${timeoutMs} ms and was killed`);
    else if (error) log.warning(`${keyword} ${program}: ${error.message}`);
    else if (signal) log.warning(`${keyword} ${program} was ended by ${signal}`);
    else if (status !== 0) log.warning(`${keyword} ${program} exited with ${status}`);
  } catch (error) {
    log.warning(`${keyword} ${program}: ${messageOf(error)}`);
  }
}
