import { messageOf } from '#base/errors.ts';
import { scriptOutcome } from '#check/script-outcome.ts';
import type { Checker } from '#conf/model.ts';
import { SCRIPT_NOT_RUN } from '#wire/worker.ts';
import { type Account, resolveAccount } from './accounts.ts';
import type { AttemptDone, CancelAttempt } from './check-attempt.ts';
import { runScript } from './run-script.ts';

type MiscChecker = Extract<Checker, { readonly kind: 'MISC_CHECK' }>;

/** MISC_CHECK: runs a script, by its argv and without a shell, for at most `misc_timeout`. */
export function attemptMisc(checker: MiscChecker, done: AttemptDone): CancelAttempt {
  const { miscPath, miscTimeoutMs, miscDynamic } = checker;
  let account: Account;
  try {
    account = resolveAccount(miscPath.user ?? '', miscPath.group ?? '');
  } catch (error) {
    done({ made: false, said: `could not be checked: ${miscPath.argv[0]}: ${messageOf(error)}` });
    return () => {};
  }
  let isCancelled = false;
  const running = runScript(miscPath.argv, account, miscTimeoutMs, ({ code, said }) => {
    if (isCancelled) return;
    if (code === SCRIPT_NOT_RUN)
      done({ made: false, said: `could not be checked: ${miscPath.argv[0]}: ${said}` });
    else {
      const outcome = scriptOutcome(code, said, miscDynamic);
      done({ made: true, ...outcome, said: `${miscPath.argv[0]} ${outcome.said}` });
    }
  });
  return () => {
    isCancelled = true;
    running.end();
  };
}
