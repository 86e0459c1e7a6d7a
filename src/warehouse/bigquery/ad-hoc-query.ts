import {usageError} from '../../base/errors.ts'
import type {JsonValue} from '../../source.ts'
import {
  instantIn,
  numberIn,
  ONE_READING_STATEMENT,
  type AdHocAnswer,
  type AdHocQuery,
  type AdHocRow,
} from '../ad-hoc-query.ts'
import {isOneReading} from './guard.ts'
import type {AnswerPage, Field, Queries, Statement, StatementEstimate} from './query.ts'
import {ServiceError} from './service-error.ts'

const PAGE_ROWS = 1000
/** They say what is wrong with the statement itself. */
const OF_THE_STATEMENT = ['invalidQuery', 'invalid', 'notFound', 'notImplemented']

/** Asks the service first what the statement would do and read, so that nothing else is ever run, and none unpriced. */
export async function answerQuery(
  queries: Queries,
  {sql: written, rows, priced}: AdHocQuery,
  signal: AbortSignal,
): Promise<AdHocAnswer> {
  const sql = oneStatementIn(written)
  if (!isOneReading(sql)) throw refused('it is not one statement that only reads')
  const statement: Statement = {sql, what: 'running the query', signal, adHoc: true}
  const {bytes, kind} = await estimateOf(queries, statement)
  if (kind !== undefined && kind !== 'SELECT') throw refused(`BigQuery calls it ${kind}`)
  priced?.(bytes)
  const pages = queries.answer(statement, Math.min(rows, PAGE_ROWS))
  const first = await pages.next()
  const {fields} = first.done === true ? {fields: []} : first.value
  return {
    columns: fields.map(({name, type, mode}) => ({name, type: mode === 'REPEATED' ? `ARRAY<${type}>` : type})),
    pages: rowsOf(first, pages, rows),
  }
}

/** Lines end alike for whoever looks where a comment ends; one `;` at the end is no second statement. */
const oneStatementIn = (written: string): string => written.replaceAll(/\r\n?/g, '\n').trim().replace(/;$/, '')

async function estimateOf(queries: Queries, statement: Statement): Promise<StatementEstimate> {
  try {
    return await queries.estimate({...statement, what: 'looking at the query'})
  } catch (error) {
    if (error instanceof ServiceError && OF_THE_STATEMENT.includes(error.reason)) throw refused(error.note)
    throw error
  }
}

const refused = (why: string): Error =>
  usageError(`the query is refused: ${why}`, {code: 'E_QUERY_INVALID', next: ONE_READING_STATEMENT})

async function* rowsOf(
  first: IteratorResult<AnswerPage>,
  others: AsyncGenerator<AnswerPage>,
  rows: number,
): AsyncGenerator<readonly AdHocRow[]> {
  let given = 0
  for (let step = first; step.done !== true && given < rows; step = await others.next()) {
    const {fields, rows: page} = step.value
    const taken = page.slice(0, rows - given)
    given += taken.length
    yield taken.map((row) => fields.map((field, index) => valueIn(row[index], field)))
  }
  await others.return(undefined)
}

/** A value is text, a list of `{v}` or a record `{f: [{v}]}`. */
function valueIn(value: unknown, field: Field): JsonValue {
  if (value === null || value === undefined) return null
  if (field.mode === 'REPEATED') {
    const one = {...field, mode: 'NULLABLE'}
    return (value as readonly {readonly v: unknown}[]).map(({v}) => valueIn(v, one))
  }
  if (field.fields !== undefined) {
    const {f} = value as {readonly f: readonly {readonly v: unknown}[]}
    return Object.fromEntries(field.fields.map((member, index) => [member.name, valueIn(f[index]?.v, member)]))
  }
  const text = value as string
  switch (field.type) {
    case 'INTEGER':
    case 'INT64':
      return numberIn(text)
    case 'FLOAT':
    case 'FLOAT64':
      return Number.isFinite(Number(text)) ? Number(text) : text
    case 'BOOLEAN':
    case 'BOOL':
      return text === 'true'
    case 'TIMESTAMP':
      return instantIn(BigInt(text))
    default:
      return text
  }
}
