/** One module after the other on this machine, in a directory of its own, through the real shell: probe, apply, teardown. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Facts } from '#provision/model/facts.ts';
import type { Frame } from '#provision/model/frames.ts';
import { foldLedger, type Ledger, record } from '#provision/model/ledger.ts';
import type { Change, Module, PlanContext, Reverter } from '#provision/model/module.ts';
import { assemble, assembleSteps, type HostPaths } from '#provision/model/program.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import type { Fragment } from '#provision/model/shell.ts';
import { runInShell, textOf } from './local-shell.ts';

/** A Debian host, as modules see it. */
export const DEBIAN: Facts = {
  hostname: 'ka67',
  architecture: 'x64',
  kernel: '6.1.0',
  os: { id: 'debian', versionId: '12', idLike: [] },
  bootId: '5c7b0f43-0000-4000-8000-000000000000',
  init: 'systemd',
  container: false,
  networkManager: false,
  interfaces: [],
};

/** Programs fsync what they write: on a disk, tests would wait for that more than for anything else. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export class ModuleHost {
  readonly dir = mkdtempSync(join(FAST, 'tandem-module-'));
  readonly paths: HostPaths = { state: join(this.dir, '.state'), run: join(this.dir, '.run') };
  readonly #bin = join(this.dir, '.bin');
  release: ReleaseArtefact | undefined;
  #nonce = 0;

  constructor() {
    mkdirSync(this.#bin);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Where commands are looked for first. */
  get bin(): string {
    return this.#bin;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  get ledger(): Ledger {
    try {
      return foldLedger(readFileSync(join(this.paths.state, 'ledger'), 'utf8'));
    } catch {
      return foldLedger('');
    }
  }

  context(): PlanContext {
    const entries = this.ledger.entries;
    return {
      facts: DEBIAN,
      ledger: entries,
      planned: new Map(),
      release: this.release,
      path: [],
      redact: text => text,
    };
  }

  /** Runs one fragment as a probe. Throws what it says if it fails. */
  async ask(fragment: Fragment): Promise<Uint8Array> {
    const answer = await this.run(fragment);
    if (answer.exit !== 0) throw new Error(textOf(answer.stderr));
    return answer.stdout;
  }

  async run(fragment: Fragment): Promise<Frame> {
    const program = assemble([{ id: 'it', fragment }], {
      nonce: this.#next(),
      run: 'all',
      paths: this.paths,
    });
    const { answers } = await runInShell([program], this.#shell());
    const answer = answers[0]?.get('it');
    if (!answer) throw new Error('no answer');
    return answer;
  }

  #next(): string {
    return (++this.#nonce).toString(16).padStart(16, '0');
  }

  #shell(more: Readonly<Record<string, string>> = {}): { env: Record<string, string> } {
    return { env: { ...more, PATH: `${this.#bin}:${process.env['PATH'] ?? ''}` } };
  }

  /** What would change; `args` as a user writes them, with `text` for what `resolve` would find. */
  async plan<Args, Seen>(
    module: Module<Args, Seen>,
    args: Record<string, unknown>,
  ): Promise<readonly Change[]> {
    const parsed = parse(module, args);
    const context = this.context();
    const fragment = module.probeWith ? module.probeWith(parsed, context) : module.probe(parsed);
    return module.diff(parsed, module.parse(await this.ask(fragment), parsed), context);
  }

  /** Plans and applies; throws the words of the step that failed. */
  async converge<Args, Seen>(
    module: Module<Args, Seen>,
    args: Record<string, unknown>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<readonly Change[]> {
    const changes = await this.plan(module, args);
    const parsed = parse(module, args);
    const context = this.context();
    for (const change of changes) {
      const fragment = module.apply(change, parsed, context);
      const records = {
        intend: record.intend(change.resource, 'test', change.from, change.to),
        done: record.done(change.resource),
      };
      const step = {
        kind: 'apply',
        task: 1,
        name: module.name,
        change,
        fragment,
        ...(change.transient ? {} : { records }),
      } as const;
      const program = assembleSteps([step], { nonce: this.#next(), paths: this.paths });
      const { answers } = await runInShell([program], this.#shell(env));
      const answer = answers[0]?.get('0');
      if (answer?.exit !== 0) throw new Error(textOf(answer?.stderr));
    }
    return changes;
  }

  /** Takes everything of one kind back, last first; what became of each entry. */
  async teardown(reverter: Reverter): Promise<Record<string, string>> {
    const verdicts: Record<string, string> = {};
    for (const entry of [...this.ledger.entries].reverse()) {
      const verdict = reverter.verdict(entry, await this.ask(reverter.probe(entry)));
      verdicts[entry.resource.replace(this.dir, '')] = verdict;
      if (verdict === 'ours') await this.ask(reverter.revert(entry));
    }
    return verdicts;
  }
}

/** `text` stands for what the role's files would hold. */
function parse<Args, Seen>(module: Module<Args, Seen>, { text, ...given }: Record<string, unknown>): Args {
  const args = module.schema.parse(given);
  const source = (): string => String(text);
  return module.resolve ? module.resolve(args, { render: source, file: source }) : args;
}
