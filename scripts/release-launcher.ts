/**
 * How Node runs the daemon: no helper threads for garbage collection and compilation, and a small young generation,
 * because a daemon that allocates next to nothing needs neither (8 threads become 5, and 1 MB less). With 1 MB the words of
 * a hundred real servers do not fit in: 30,000 take 160 MB instead of 72, and half as long again. What was compiled is kept,
 * however long ago it was needed: a backup may wait for years.
 */
export const NODE_FLAGS: readonly string[] = [
  '--single-threaded-gc',
  '--v8-pool-size=0',
  '--max-semi-space-size=2',
  '--no-flush-bytecode',
];

/**
 * The launcher of a release on a target, where Node lives beside the releases under the hash of its binary:
 * `…/releases/ID/bin/tandemd` runs `…/node/SHA256/node`. Symbolic links to it are followed.
 */
export function releaseLauncher(nodeSha256: string): string {
  return `#!/bin/sh
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=\${self%/*}/$link ;; esac
done
release=$(cd -P "\${self%/*}/.." && pwd)
node=\${release%/*/*}/node/${nodeSha256}/node
[ -x "$node" ] || { echo "tandemd: $node is missing: the release is not completely installed" >&2; exit 1; }
unset NODE_OPTIONS NODE_PATH
UV_THREADPOOL_SIZE=1
export UV_THREADPOOL_SIZE
exec "$node" ${NODE_FLAGS.join(' ')} "$release/tandemd.mjs" "$@"
`;
}
