"""Loads the records of the benchmark by dlt into DuckDB: SOURCE FROM DATABASE WAY."""

import sys

import dlt
from dlt.sources.filesystem import filesystem, read_csv_duckdb, read_parquet
from dlt.sources.rest_api import rest_api_source

source, origin, database, way = sys.argv[1:]
keys = {"primary_key": "id"} if way == "merge" else {}
disposition = "merge" if way == "merge" else "append"

if source == "rest":
    data = rest_api_source(
        {
            "client": {"base_url": origin},
            "resources": [
                {
                    "name": "records",
                    "write_disposition": disposition,
                    **keys,
                    "endpoint": {
                        "path": "records",
                        "params": {"limit": 1000},
                        "data_selector": "data",
                        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
                    },
                }
            ],
        },
        max_table_nesting=0,
    )
else:
    folder, name = origin.rsplit("/", 1)
    reader = read_csv_duckdb(use_pyarrow=True, chunk_size=100_000) if source == "csv" else read_parquet(use_pyarrow=True)
    data = (filesystem(f"file://{folder}", file_glob=name) | reader).with_name("records")
    data.apply_hints(write_disposition=disposition, **keys)

pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(database), dataset_name="loaded", pipelines_dir="pipelines")
pipeline.run(data).raise_on_failed_jobs()
