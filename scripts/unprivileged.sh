#!/bin/sh
# Runs tests as a user who may do little: nobody, without HOME, in a checkout that is read-only for this user, with umask 077.
# Root alone can become nobody, and so can who may use sudo without a password; anybody else runs them as who they are.
# Needs what `npm run build` made. Arguments are test files beside the unit tests; without any, those about files, secrets,
# locks and runs at the same time.
set -eu
cd "$(dirname "$0")/.."
fail() {
  echo "unprivileged.sh: $1" >&2
  exit 1
}
[ -f dist/.tsbuildinfo ] || fail 'run npm run build first'
if [ "$(id -u)" != 0 ]; then
  if sudo -n -u nobody test -r package.json 2>/dev/null; then exec sudo -n sh scripts/unprivileged.sh "$@"; fi
  echo "unprivileged.sh: only root can become nobody, so the tests run as $(id -un), who may well write this checkout"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
become() {
  if [ "$(id -u)" != 0 ]; then "$@"; else
    setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
  fi
}
as_user() {
  become env --ignore-environment PATH="$PWD/node_modules/node/bin:/usr/bin:/bin" TMPDIR="$folder" \
    sh -c 'umask 077 && exec "$@"' sh "$@"
}
if [ "$(id -u)" = 0 ]; then
  chown nobody "$folder"
  as_user test -r package.json || fail "nobody cannot read $PWD: move it, or let others read the folders above it (chmod o+x)"
  if as_user test -w .; then fail "nobody can write $PWD"; fi
fi
[ $# -gt 0 ] || set -- \
  test/warehouse/duckdb/private-files.process.test.ts \
  test/warehouse/duckdb/held-database.process.test.ts \
  test/sources/secrets/secret-store.process.test.ts \
  test/commands/run-several-jobs.process.test.ts
as_user node node_modules/mocha/bin/mocha.js --config .mocharc.unit.json
as_user node node_modules/mocha/bin/mocha.js "$@"
