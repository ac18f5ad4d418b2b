# For the launchers beside it: sets root (of the checkout or package), arch and node (the pinned one). `fresh PART` builds
# that part of dist/ in a checkout whose sources have changed.
set -eu
root=$(cd -P "$(dirname "$(readlink -f "$0")")/.." && pwd)

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) echo "tandem: no pinned Node for $(uname -m); it runs on x86_64 and aarch64" >&2; exit 1 ;;
esac

# npm puts the package with Node inside ours or beside it.
node=$root/node_modules/node-linux-$arch/bin/node
[ -x "$node" ] || node=$root/../node-linux-$arch/bin/node
[ -x "$node" ] || {
  echo "tandem: the pinned Node is absent (node-linux-$arch); run: npm run setup" >&2
  exit 1
}

# A checkout has sources; a package has only dist/. Folders are looked at too, so that a deletion counts as a change.
fresh() {
  [ -d "$root/src" ] || return 0
  if [ -e "$root/dist/built-$1" ] && [ -z "$(find "$root/src" "$root/native" "$root/scripts" "$root/package-lock.json" \
    -newer "$root/dist/built-$1" ! -name '*.test.ts' -print -quit)" ]; then
    return 0
  fi
  "$node" "$root/scripts/build.ts" --if-changed --only "$1" >&2
}

# What the caller's shell has set for other programs must not change ours.
unset NODE_OPTIONS NODE_PATH
