#!/bin/sh
# Installs the tools that bench:rest and bench:files measure beside lorchestra.
set -eu
folder=.cache/bench-peers
[ -x "$folder/bin/sling" ] && exit 0
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check \
  'dlt[duckdb,parquet]==1.31.0' duckdb==1.5.6 pyarrow==26.0.1 sling==1.6.5 sling-linux-amd64==1.4.11 duckdb-cli==1.5.6
