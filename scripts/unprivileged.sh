#!/bin/sh
# Runs all tests as a user who may do little: nobody, without HOME, in a checkout that is read-only for this user, with umask 077.
# Root alone can become nobody, and so can who may use sudo without a password; anybody else runs them as who they are. A
# checkout that nobody can read is copied to where it can be read.
# Needs what `npm run build` made. Arguments are those of `npm test`: a file runs that file alone.
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
copy=$(mktemp -d)
trap 'rm -rf "$folder" "$copy"' EXIT
as_nobody() {
  setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
}
becomes_nobody=no
if [ "$(id -u)" = 0 ]; then
  if as_nobody true; then becomes_nobody=yes; else
    echo 'unprivileged.sh: this machine does not let root become nobody, so the tests run as root'
  fi
fi
become() {
  if [ $becomes_nobody = yes ]; then as_nobody "$@"; else "$@"; fi
}
as_user() {
  become env --ignore-environment PATH="$PWD/node_modules/node/bin:/usr/bin:/bin" TMPDIR="$folder" \
    sh -c 'umask 077 && exec "$@"' sh "$@"
}
if [ $becomes_nobody = yes ]; then
  chown nobody "$folder"
  if ! as_user test -r "$PWD/node_modules/mocha/bin/mocha.js"; then
    cp -a . "$copy/checkout"
    chmod -R go+rX,go-w "$copy"
    cd "$copy/checkout"
  fi
  if as_user test -w .; then fail "nobody can write $PWD"; fi
fi
as_user node scripts/test.ts "$@"
