import { z } from 'zod';
import type { Module } from '#provision/model/module.ts';
import { sh } from '#provision/model/shell.ts';

interface ServiceFactsArgs {
  readonly services: readonly string[];
}

interface SeenServices {
  readonly running: readonly string[];
  readonly enabled: readonly string[];
}

/**
 * Which of these services run, and which start at boot; changes nothing. `register` it: names as they were given, in
 * `running` and `enabled`.
 */
export const serviceFacts: Module<ServiceFactsArgs, SeenServices> = {
  name: 'service_facts',
  schema: z.strictObject({
    services: z
      .array(z.string().regex(/^[A-Za-z0-9:_.@\\-]+$/, 'expected a unit name such as chrony'))
      .min(1),
  }),
  needs: [],
  resources: () => [],
  probe: args =>
    sh`command -v systemctl >/dev/null || exit 0; systemctl show -p ActiveState -p UnitFileState ${args.services}`,
  parse: (answer, args) => {
    const blocks = new TextDecoder().decode(answer).split('\n\n');
    const having = (line: RegExp): string[] =>
      args.services.filter((_, index) => line.test(blocks[index] ?? ''));
    return {
      running: having(/^ActiveState=(?:active|activating|reloading)$/m),
      enabled: having(/^UnitFileState=enabled$/m),
    };
  },
  diff: () => [],
  apply: () => sh``,
  predict: (_args, seen) => ({ ...seen, changed: false }),
};
