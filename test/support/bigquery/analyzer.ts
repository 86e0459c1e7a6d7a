import {spawn} from 'node:child_process'
import {createRequire} from 'node:module'
import {join} from 'node:path'

import {freePort} from './emulator.ts'

const FOLDER = join(import.meta.dirname, 'analyzer')
const PACKAGE = '@fivetrandevelopers/zetasql'
/** Features that are in development, and so in no product, are numbered from here on. */
const IN_DEVELOPMENT = 999_000
const TYPE_KINDS = {
  STRING: 'TYPE_STRING',
  INTEGER: 'TYPE_INT64',
  BOOLEAN: 'TYPE_BOOL',
  TIMESTAMP: 'TYPE_TIMESTAMP',
  JSON: 'TYPE_JSON',
} as const

export type ColumnKind = keyof typeof TYPE_KINDS

export interface AnalyzedColumn {
  readonly name: string
  readonly type: ColumnKind
}

export interface Analyzer {
  addTable(name: string, columns: readonly AnalyzedColumn[]): void
  /** Throws what the analyzer says. A table that a statement makes is known from then on. */
  analyze(sql: string, parameters: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** The part of the package that is used here; it is not among the project's own dependencies. */
interface Client {
  testConnection(): Promise<boolean>
  getLanguageOptions(request: object): Promise<{readonly enabledLanguageFeatures: readonly number[]}>
  analyze(request: object): Promise<Analysis>
}

interface Analysis {
  readonly resumeBytePosition: number
  readonly resolvedStatement: unknown
}

interface Package {
  readonly ZetaSQLClient: {init(port: number): void; getInstance(): Client; readonly API: {close(): void}}
}

interface Column {
  readonly name: string
  readonly type: unknown
}

/** Google's analyzer of the SQL that BigQuery takes, as a process of its own on this machine alone. It runs nothing. */
export async function startAnalyzer(): Promise<Analyzer> {
  const require = createRequire(join(FOLDER, 'package.json'))
  const {ZetaSQLClient} = require(PACKAGE) as Package
  const architecture = process.arch.startsWith('arm') ? '_arm' : ''
  const program = `remote_server${architecture}${process.platform === 'darwin' ? '' : '.so'}`
  const port = await freePort()
  const server = spawn(join(FOLDER, 'node_modules', PACKAGE, 'lib/zetasql', program), ['localhost', String(port)], {
    stdio: 'ignore',
  })
  ZetaSQLClient.init(port)
  const client = ZetaSQLClient.getInstance()
  const stop = async (): Promise<void> => {
    ZetaSQLClient.API.close()
    if (server.exitCode !== null) return
    const ended = new Promise((done) => server.once('exit', done))
    server.kill('SIGKILL')
    await ended
  }
  if (!(await client.testConnection())) {
    await stop()
    throw new Error('the analyzer did not answer')
  }
  const {enabledLanguageFeatures} = await client.getLanguageOptions({maximumFeatures: true})
  const languageOptions = {
    enabledLanguageFeatures: enabledLanguageFeatures.filter((feature) => feature < IN_DEVELOPMENT),
    productMode: 'PRODUCT_EXTERNAL',
    supportedStatementKinds: [],
  }
  const tables = new Map<string, readonly Column[]>()

  const analyzeAt = async (sql: string, position: number, parameters: readonly string[]): Promise<Analysis> =>
    client.analyze({
      parseResumeLocation: {input: sql, bytePosition: position, allowResume: true},
      options: {
        languageOptions,
        queryParameters: parameters.map((name) => ({name, type: {typeKind: TYPE_KINDS.STRING}})),
        parameterMode: 'PARAMETER_NAMED',
      },
      simpleCatalog: {
        name: 'bigquery',
        builtinFunctionOptions: {languageOptions},
        table: [...tables].map(([name, column], index) => ({name, column, serializationId: index + 1})),
      },
    })

  return {
    addTable: (name, columns) => {
      tables.set(
        name,
        columns.map((column) => ({name: column.name, type: {typeKind: TYPE_KINDS[column.type]}})),
      )
    },
    async analyze(sql, parameters) {
      const end = Buffer.byteLength(sql.trimEnd().replace(/;$/, ''))
      for (let position = 0; position < end;) {
        const {resumeBytePosition, resolvedStatement} = await analyzeAt(sql, position, parameters)
        for (const made of tablesMadeBy(resolvedStatement)) tables.set(made.name, made.columns)
        position = resumeBytePosition
      }
    },
    stop,
  }
}

interface CreateStatement {
  readonly namePath?: readonly string[]
  readonly columnDefinitionList?: readonly Column[]
  readonly parent?: CreateStatement
}

/** Looks through the whole answer, whose shape is that of the grammar. */
function* tablesMadeBy(node: unknown): Generator<{readonly name: string; readonly columns: readonly Column[]}> {
  if (typeof node !== 'object' || node === null) return
  const {columnDefinitionList, parent} = node as CreateStatement
  if (columnDefinitionList !== undefined && parent?.namePath !== undefined) {
    yield {name: parent.namePath.join('.'), columns: columnDefinitionList.map(({name, type}) => ({name, type}))}
    return
  }
  for (const child of Object.values(node)) yield* tablesMadeBy(child)
}
