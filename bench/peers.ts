import {access, chmod, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {measureCommand, type Measured} from './process-tree.ts'

/** Other tools that load the same records, where `scripts/bench-peers.sh` has installed them. */
const FOLDER = join(import.meta.dirname, '..', '.cache', 'bench-peers')
const PYTHON = join(FOLDER, 'bin', 'python3')

export async function arePeersThere(): Promise<boolean> {
  try {
    await access(PYTHON)
    return true
  } catch {
    return false
  }
}

/** Ways of dlt to load them: as it is, and by what its documentation says of speed. */
export type DltWay = 'merge' | 'append-fast'

export async function measureDlt(
  source: 'rest' | 'csv' | 'parquet',
  from: string,
  database: string,
  way: DltWay,
  home: string,
): Promise<Measured> {
  return measureCommand({
    file: PYTHON,
    args: [join(import.meta.dirname, 'dlt-peer.py'), source, from, database, way],
    cwd: home,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      RUNTIME__DLTHUB_TELEMETRY: 'false',
      ...(way === 'append-fast' && {
        NORMALIZE__WORKERS: '2',
        NORMALIZE__LOADER_FILE_FORMAT: 'parquet',
        DATA_WRITER__FILE_MAX_ITEMS: '100000',
        DATA_WRITER__BUFFER_MAX_ITEMS: '20000',
      }),
    },
  })
}

/** An API as Sling is told of it. */
const API = (url: string): string => `name: local
endpoints:
  records:
    request:
      url: ${url}/records
      parameters: {limit: 1000, cursor: "\${state.cursor}"}
    state: {cursor: "0"}
    pagination:
      next_state: {cursor: "\${response.json.next}"}
      stop_condition: is_null(response.json.next)
    response:
      records: {jmespath: "data[]", primary_key: [id]}
`

export async function measureSling(
  source: 'rest' | 'csv' | 'parquet',
  from: string,
  database: string,
  home: string,
): Promise<Measured> {
  const spec = join(home, 'api.yaml')
  if (source === 'rest') await writeFile(spec, API(from))
  const shell = join(home, 'duckdb.sh')
  // It asks DuckDB to download an extension that this DuckDB has.
  await writeFile(shell, `#!/bin/sh\nexec sed -u -E 's/INSTALL json;?//Ig' | '${join(FOLDER, 'bin', 'duckdb')}' "$@"\n`)
  await chmod(shell, 0o700)
  const read =
    source === 'rest' ? ['--src-conn', 'LOCAL_API', '--src-stream', 'records'] : ['--src-stream', `file://${from}`]
  return measureCommand({
    file: 'sh',
    args: [
      '-c',
      `exec "$(echo '${FOLDER}'/lib/python3*/site-packages/sling_linux_*/bin/sling-linux-*)" "$@"`,
      'sling',
      'run',
      ...read,
      '--tgt-conn',
      'TARGET',
      '--tgt-object',
      'main.records',
      '--mode',
      'full-refresh',
      '--primary-key',
      'id',
    ],
    cwd: home,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      SLING_DISABLE_TELEMETRY: 'true',
      DUCKDB_PATH: shell,
      LOCAL_API: `{type: api, spec: "file://${spec}"}`,
      // By files: the other ways take an extension as well.
      TARGET: `{type: duckdb, instance: ${database}, copy_method: csv_files}`,
    },
  })
}
