import {readFileSync} from 'node:fs'
import {resolve} from 'node:path'

export const tablesPage = readFileSync(resolve(import.meta.dirname, '../../docs/tables.md'), 'utf8')

const blocks = [...tablesPage.matchAll(/(^On BigQuery:\n\n)?^```sql\n([^]*?)^```$/gm)].map(([, mark, sql = '']) => ({
  isOfBigQuery: mark !== undefined,
  sql,
}))

/** The queries of docs/tables.md, in its order. One that BigQuery says otherwise is followed by what that says. */
export const documentedQueries: readonly {readonly duckdb: string; readonly bigquery: string}[] = blocks.flatMap(
  ({isOfBigQuery, sql}, index) => {
    if (isOfBigQuery) return []
    const next = blocks[index + 1]
    return [{duckdb: sql, bigquery: next?.isOfBigQuery === true ? next.sql : sql}]
  },
)
