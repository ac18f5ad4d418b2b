import { z } from 'zod';
import { must } from '#base/assert.ts';
import {
  type Change,
  type Json,
  type Module,
  type PlanContext,
  Refusal,
  type Reverter,
} from '#provision/model/module.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import { uploadFiles, uploadNode } from '#provision/model/release-upload.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';

/** Where releases are on a host. */
export const RELEASE_ROOT = '/opt/tandem';

/** What is installed under `/opt/tandem`. */
export interface SeenRelease {
  readonly nodes: readonly string[];
  readonly releases: readonly string[];
  /** The release that runs; undefined if none. */
  readonly current: string | undefined;
}

interface ReleaseArgs {
  /** Where it goes; for tests. */
  readonly root: string;
}

/**
 * The daemon and its runtime, by content: uploaded once each, checked before they get their names, and switched to by
 * renaming a symbolic link. The release before stays for a rollback.
 */
export const tandemdRelease: Module<ReleaseArgs, SeenRelease> = {
  name: 'tandemd_release',
  schema: z.strictObject({ root: z.string().startsWith('/').default(RELEASE_ROOT) }),
  needs: [],
  resources: args => [{ resource: `release:${args.root}`, wanted: 'current' }],
  probe: args =>
    sh`cd ${args.root} 2>/dev/null || exit 0; for t_l in node/* releases/*; do echo "$t_l"; done; [ ! -L current ] || echo "current $(readlink current)"`,
  parse,
  diff,
  apply: (change, args, context) => {
    const release = artefact(context);
    if (change.resource.startsWith('release:node/')) return uploadNode(args.root, release);
    if (change.resource.startsWith('release:releases/')) return uploadFiles(args.root, release);
    return switchTo(args.root, release.id, (change.to as { before: string | null }).before);
  },
  provides: (args, context) => (context.release ? [`${args.root}/releases/${context.release.id}/bin`] : []),
  predict: (_args, _seen, changes) => (changes.length > 0 ? 'unknown' : { changed: false }),
};

function parse(answer: Uint8Array): SeenRelease {
  const found = new TextDecoder().decode(answer).split('\n');
  const under = (prefix: string): string[] =>
    found.flatMap(line =>
      /^[0-9a-f]{64}$/.test(line.slice(prefix.length)) && line.startsWith(prefix)
        ? [line.slice(prefix.length)]
        : [],
    );
  return { nodes: under('node/'), releases: under('releases/'), current: under('current releases/')[0] };
}

function artefact(context: PlanContext): ReleaseArtefact {
  return must(context.release, 'planned without a release');
}

function diff(args: ReleaseArgs, seen: SeenRelease, context: PlanContext): readonly Change[] {
  const { release } = context;
  if (!release)
    throw new Refusal(
      `there is no release of tandemd for ${context.facts.architecture}: x64 and arm64 can be built (node scripts/build.ts --arch arm64)`,
    );
  const changes: Change[] = [];
  const upload = (resource: string, to: string, summary: string): void => {
    changes.push({
      resource,
      from: null,
      to: { root: args.root, path: to },
      summary,
      effect: 'none',
      early: true,
    });
  };
  const nodePath = `node/${release.node.sha256}`;
  if (!seen.nodes.includes(release.node.sha256))
    upload(
      `release:${nodePath}`,
      nodePath,
      `Node ${release.node.version} uploaded, ${megabytes(release.node.part.length)}`,
    );
  const path = `releases/${release.id}`;
  if (!seen.releases.includes(release.id)) {
    const bytes = release.files.reduce((sum, file) => sum + file.part.length, 0);
    upload(`release:${path}`, path, `tandemd ${release.version} uploaded, ${megabytes(bytes)}`);
  }
  if (seen.current !== release.id)
    changes.push({
      resource: 'release:current',
      from: { release: seen.current ?? null },
      // The one before is what a roll-back goes to: another that is there may only have been uploaded.
      to: {
        root: args.root,
        path: 'current',
        release: release.id,
        before: beforeOf(seen, release.id, context),
      },
      summary: `current: ${seen.current?.slice(0, 12) ?? 'nothing'} → ${release.id.slice(0, 12)}`,
      effect: 'restart',
    });
  return changes;
}

/** A link that somebody moved, or a switch that was cut short, does not change which release ran before. */
function beforeOf(seen: SeenRelease, id: string, { ledger }: PlanContext): Json {
  const ours = ledger.find(({ resource }) => resource === 'release:current')?.ours;
  const known = ours as { readonly release?: Json; readonly before?: Json } | undefined;
  return known?.release === id ? (known.before ?? null) : (seen.current ?? null);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Renames a new link over the old one, then removes what neither the new release nor the one before needs. */
export function switchTo(root: string, id: string, previous: string | null): Fragment {
  const kept = [id, ...(previous === null ? [] : [previous])];
  return lines([
    sh`cd ${root}; rm -f current.part; ln -s ${`releases/${id}`} current.part; mv -fT current.part current; sync .`,
    sh`for t_l in releases/*; do case \${t_l#releases/} in`,
    ...kept.map(name => sh`${name}) ;;`),
    sh`*) t_prune "$t_l";; esac; done`,
    sh`for t_l in node/*; do t_u=; for t_k in releases/*/node; do [ "$(readlink "$t_k")" != "../../$t_l" ] || t_u=1; done; [ "$t_u" ] || t_prune "$t_l"; done`,
  ]);
}

/** Teardown: what was uploaded goes; the daemon has been stopped by then. */
export const releaseReverter: Reverter = {
  kind: 'release',
  effect: 'restart',
  probe: entry => {
    const where = whereOf(entry.ours);
    // An upload that was cut short may have left no more than the directories above it.
    const above = entry.state === 'intended' ? rootOf(entry.ours) : where;
    return sh`for t_l in ${where} ${`${where}.part`} ${above}; do if [ -e "$t_l" ] || [ -L "$t_l" ]; then echo there; fi; done`;
  },
  verdict: (_entry, answer) => (answer.length > 0 ? 'ours' : 'gone'),
  revert: entry => {
    const root = rootOf(entry.ours);
    const where = whereOf(entry.ours);
    return sh`rm -rf ${where} ${`${where}.part`}; rmdir ${`${root}/node`} ${`${root}/releases`} ${root} 2>/dev/null || :`;
  },
};

function rootOf(ours: unknown): string {
  return (ours as { root: string }).root;
}

function whereOf(ours: unknown): string {
  return `${rootOf(ours)}/${(ours as { path: string }).path}`;
}
