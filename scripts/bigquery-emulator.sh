#!/bin/sh
# Installs the BigQuery emulator that `npm run test:bigquery` starts, in pinned versions, with Python 3.11 or later.
# DuckDB's spatial extension, without which the emulator does not start, comes as a package so that nothing else is
# downloaded when it runs.
set -eu
cd "$(dirname "$0")/.."
folder=.cache/bigquery-emulator
requirements=test/support/bigquery/requirements.txt
if cmp -s "$requirements" "$folder/installed.txt"; then exit 0; fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "the BigQuery emulator needs python3 to be Python 3.11 or later" >&2
  exit 1
}
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
HOME="$PWD/$folder" "$folder/bin/python" -c "from duckdb_extensions import import_extension; import_extension('spatial')"
cp "$requirements" "$folder/installed.txt"
