/** What `lorchestra init` writes, by file name. */
export const STARTER_FILES: Readonly<Record<string, string>> = {
  'lorchestra.yaml': `# What lorchestra reads, and where it puts it.
#
# \${NAME} stands for an environment variable, or for one of the file .env beside this file.
# Secrets belong there, not here: copy .env.example to .env, and keep .env out of version control.

# Where event_log and raw_objects are. Without this key: BigQuery if EVENTS_BQ_DATASET is set,
# else DuckDB in ./lorchestra.duckdb.
warehouse:
  type: duckdb
  path: lorchestra.duckdb # relative to this file

# warehouse:
#   type: bigquery
#   project: my-project # or GCP_PROJECT
#   dataset: my_dataset # or EVENTS_BQ_DATASET
#   location: EU
#   max_bytes_billed: 10000000000 # BigQuery refuses a statement that would bill more
#   touch_after: 7d # an unchanged row gets a new last_seen when its own is older than this

# Whose data. \`lorchestra sources list\` shows which sources there are.
accounts:
  acct1:
    source: gmail
    # source_system: gmail--acct1 # the default; set it to keep keys that another tool wrote
    client_id: \${GMAIL_ACCT1_CLIENT_ID}
    client_secret: \${GMAIL_ACCT1_CLIENT_SECRET}
    # Left out: the one that \`lorchestra accounts login acct1\` stores.
    # refresh_token: \${GMAIL_ACCT1_REFRESH_TOKEN}

# What to read. Try one without writing anything:
#   lorchestra run gmail_ingest_acct1 --dry-run --since -7d
jobs:
  gmail_ingest_acct1:
    account: acct1
    # start: 2024-01-01 # records from before this are not read; left out: from the first one
    # overlap: 1d # how far a run reads back, for records that turned up late; the default is the source's
    # slice: 30d # how much time is read at once; the default is the source's
    # max_rejects: 100 # a run with more unreadable records than this fails
`,
  '.env.example': `# Copy this file to .env and fill it in. Variables that are set in the environment win over it.
# Put a value that contains # or spaces into quotes. Keep .env out of version control.

GMAIL_ACCT1_CLIENT_ID=
GMAIL_ACCT1_CLIENT_SECRET=
# Not needed after \`lorchestra accounts login acct1\`:
# GMAIL_ACCT1_REFRESH_TOKEN=

# For BigQuery, where lorchestra.yaml does not say it:
# GCP_PROJECT=
# EVENTS_BQ_DATASET=
# Names of the two tables, where they are not event_log and raw_objects:
# EVENT_LOG_TABLE=
# RAW_OBJECTS_TABLE=
`,
}
