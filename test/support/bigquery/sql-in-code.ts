import {readdirSync, readFileSync} from 'node:fs'
import {basename, join, resolve} from 'node:path'

const CODE = resolve(import.meta.dirname, '../../../src/warehouse/bigquery')
/** SQL that both warehouses send. */
const SHARED = resolve(CODE, '../coverage-sql.ts')
const PARSER = new URL('analyzer/node_modules/@babel/parser/lib/index.js', import.meta.url).href
const SQL =
  /\b(SELECT|FROM|WHERE|JOIN|UNION ALL|GROUP BY|ORDER BY|INSERT INTO|UPDATE|SET|DELETE|MERGE INTO|WHEN|VALUES|BETWEEN|CREATE|DROP|ALTER|TRANSACTION|TIMESTAMP_ADD|JSON_VALUE|PARSE_JSON)\b/
/** A method of HTTP, and a statement for the DuckDB that sorts keys. */
const OTHER = /^DELETE$|^COPY \(/
/** What they are given is said to the user and not sent. */
const ADVICE = ['failure', 'usageError', 'busy']

/** A piece of SQL that stands in the code, and where. */
export interface SqlInCode {
  readonly place: string
  readonly text: string
}

interface Node {
  readonly type?: string
  readonly loc?: {readonly start: {readonly line: number}}
  readonly value?: unknown
  readonly quasis?: readonly Node[]
  readonly callee?: {readonly name?: string}
}

/** Every piece of text in the code of the warehouse that is SQL, without what is put into it. */
export async function sqlInCode(): Promise<readonly SqlInCode[]> {
  const {parse} = (await import(PARSER)) as {parse(code: string, options: object): Node}
  const found: SqlInCode[] = []
  for (const file of [...readdirSync(CODE).map((name) => join(CODE, name)), SHARED]) {
    const tree = parse(readFileSync(file, 'utf8'), {sourceType: 'module', plugins: ['typescript']})
    for (const {text, line} of textsIn(tree)) {
      if (SQL.test(text) && !OTHER.test(text)) found.push({place: `${basename(file)}:${line}`, text})
    }
  }
  return found
}

function* textsIn(node: unknown): Generator<{readonly text: string; readonly line: number}> {
  if (typeof node !== 'object' || node === null) return
  const {type, loc, value, quasis = [], callee} = node as Node
  if (type === 'CallExpression' && ADVICE.includes(callee?.name ?? '')) return
  if (type === 'StringLiteral') yield {text: String(value), line: loc?.start.line ?? 0}
  for (const quasi of quasis) {
    yield {text: (quasi.value as {cooked: string}).cooked, line: quasi.loc?.start.line ?? 0}
  }
  for (const [name, child] of Object.entries(node)) {
    if (name === 'loc' || name === 'quasis' || name.endsWith('Comments')) continue
    if (Array.isArray(child)) for (const one of child) yield* textsIn(one)
    else yield* textsIn(child)
  }
}

/** All white space is the same. */
export const onOneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim()
