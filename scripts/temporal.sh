#!/bin/sh
# Installs the server and the SDK of Temporal that `npm run prove:tasks` starts, in pinned versions, with Python 3.
set -eu
cd "$(dirname "$0")/.."
folder=.cache/temporal
requirements=test/support/temporal/requirements.txt
if ! cmp -s "$requirements" "$folder/installed.txt"; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$folder/installed.txt"
fi
npm ci --prefix test/support/temporal --ignore-scripts --no-audit --no-fund
