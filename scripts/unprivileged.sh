#!/bin/sh
# Runs tests as a user who may do little: nobody, without HOME, in a checkout that is read-only for this user, with umask 077.
# Needs root, who alone can become nobody, and what `npm run build` made. Arguments are test files beside the unit tests;
# without any, those about files, secrets, locks and runs at the same time.
set -eu
cd "$(dirname "$0")/.."
fail() {
  echo "unprivileged.sh: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "only root can run tests as nobody, and this is $(id -un)"
[ -f dist/.tsbuildinfo ] || fail 'run npm run build first'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chown nobody "$folder"
as_nobody() {
  setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
    env --ignore-environment PATH="$PWD/node_modules/node/bin:/usr/bin:/bin" TMPDIR="$folder" sh -c 'umask 077 && exec "$@"' sh "$@"
}
as_nobody test -r package.json || fail "nobody cannot read $PWD"
if as_nobody test -w .; then fail "nobody can write $PWD"; fi
[ $# -gt 0 ] || set -- \
  test/warehouse/duckdb/private-files.process.test.ts \
  test/warehouse/duckdb/held-database.process.test.ts \
  test/sources/secrets/secret-store.process.test.ts \
  test/commands/run-several-jobs.process.test.ts
as_nobody node node_modules/mocha/bin/mocha.js --config .mocharc.unit.json
as_nobody node node_modules/mocha/bin/mocha.js "$@"
