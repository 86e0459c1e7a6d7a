#!/bin/sh
# Installs the BigQuery emulator that the tests start, in pinned versions, into `.cache`: the one that
# BIGQUERY_EMULATOR names, or bqemulator. It does nothing where that is there already.
#   bqemulator      Python 3.11 or later; half a minute
#   local-bigquery  Python 3.13 or later; half a minute, 510 MB
#   goccy           Go 1.25 or later; many minutes and 5 GB of memory
set -eu
cd "$(dirname "$0")/.."
name=${BIGQUERY_EMULATOR:-bqemulator}
pinned=test/support/bigquery/emulators/$name.txt
case $name in
  bqemulator) folder=.cache/bigquery-emulator python=3.11 extensions="'spatial'" ;;
  local-bigquery) folder=.cache/local-bigquery python=3.13 extensions="'ducklake', 'icu', 'spatial'" ;;
  goccy) folder=.cache/goccy-emulator pinned=test/support/bigquery/emulators/goccy/go.sum ;;
  *)
    echo "BIGQUERY_EMULATOR is $name: there are bqemulator, local-bigquery and goccy" >&2
    exit 1
    ;;
esac
if cmp -s "$pinned" "$folder/installed.txt"; then exit 0; fi
rm -rf "$folder"

if [ "$name" = goccy ]; then
  mkdir -p "$folder"
  (cd "$(dirname "$pinned")" && go build -p 2 -mod readonly -buildvcs=false -o "$OLDPWD/$folder/bin/bigquery-emulator" \
    github.com/goccy/bigquery-emulator/cmd/bigquery-emulator)
  cp "$pinned" "$folder/installed.txt"
  exit 0
fi

# Also those that pyenv has and does not offer.
for candidate in python3 python3.14 python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
  if "$candidate" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$python'.split('.'))))" 2>/dev/null; then
    found=$candidate
    break
  fi
done
if [ -z "${found:-}" ]; then
  echo "$name needs Python $python or later" >&2
  exit 1
fi
"$found" -m venv "$folder"
# The list is whole; local-bigquery asks for a DuckDB for which there are no packages of extensions, and runs with this one.
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$pinned"
# DuckDB's extensions, without which they do not start, come as packages so that nothing else is downloaded when they run.
HOME="$PWD/$folder" "$folder/bin/python" -c "
from duckdb_extensions import import_extension
for name in ($extensions,): import_extension(name)"
cp "$pinned" "$folder/installed.txt"
