import {createReadStream} from 'node:fs'
import {open, readFile, rm, stat} from 'node:fs/promises'
import {createInterface} from 'node:readline'

import {parseExactly} from '../../base/exact-json.ts'
import type {Event} from '../../model/events.ts'
import {EVENT_LOG, type ColumnType} from '../../model/tables.ts'
import {asJson, union} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {passedEvents, type EventSource} from './events.ts'
import type {Queries} from './query.ts'
import {createStaging, stageFiles, type Protection} from './staging.ts'

/** Fewer bytes of events than this travel inside of the statement, where quotes within quotes take three times as many. */
const INLINE_BYTES = 64 * 1024
const PIECE_CHARACTERS = 512 * 1024

const STAGED: Record<ColumnType, (name: string) => string> = {
  STRING: (name) => name,
  TIMESTAMP: (name) => name,
  JSON: (name) => `${asJson(name)} AS ${name}`,
}
/** A load job is given no JSON to read, here as little as of records. */
const STAGED_AS_TEXT = EVENT_LOG.columns.map(
  ({name, type}) => ({name, type: type === 'JSON' ? 'STRING' : type}) as const,
)
const COLUMNS = EVENT_LOG.columns.map(({name, type}) => STAGED[type](name)).join(', ')

interface EventStaging {
  readonly connection: Connection
  readonly queries: Queries
  /** Begins the names of staging tables. */
  readonly name: string
  /** Gets the names of the tables that are there. */
  readonly staged: string[]
  readonly protection: {readonly events: Protection}
}

/** Reads the events of a batch, or stages them where they are many. */
export async function spooledEvents(
  {connection, name, staged, protection}: EventStaging,
  files: readonly string[],
): Promise<EventSource> {
  let bytes = 0
  for (const file of files) bytes += (await stat(file)).size
  if (bytes <= INLINE_BYTES) {
    const lines = (await Promise.all(files.map(async (file) => readFile(file, 'utf8')))).join('').split('\n')
    return {inline: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event)}
  }
  const texts = files.map((file) => `${file}.text`)
  try {
    for (const file of files) await writeWithTexts(file, `${file}.text`)
    const how = {fields: STAGED_AS_TEXT, protection: protection.events}
    const tables = await stageFiles(connection, `${name}_events`, how, texts, staged)
    return {
      inline: [],
      staged: union(
        tables.map((table) => connection.tableName(table)),
        COLUMNS,
      ),
    }
  } finally {
    for (const text of texts) await rm(text, {force: true})
  }
}

/** Adds what the commit itself tells. Its rejects are staged where they are many; the others tell whether it came through. */
export async function withOwnEvents(
  {connection, queries, staged, protection}: EventStaging,
  id: string,
  spooled: EventSource,
  own: readonly Event[],
): Promise<EventSource> {
  const rejects = own.filter(({event_type: type}) => type === 'record.rejected')
  if (JSON.stringify(rejects).length <= INLINE_BYTES) return {...spooled, inline: [...spooled.inline, ...own]}
  staged.push(id)
  await createStaging(connection, id, EVENT_LOG.columns, protection.events)
  const {source, values} = passedEvents(rejects)
  const table = connection.tableName(id)
  const names = EVENT_LOG.columns.map((column) => column.name).join(', ')
  const sql = `INSERT INTO ${table} (${names}) SELECT ${names} FROM (${source.staged ?? ''})`
  await queries.run(id, {sql, values, what: 'staging the rejects of a commit'})
  const all = [...(spooled.staged === undefined ? [] : [spooled.staged]), `SELECT ${names} FROM ${table}`]
  return {
    inline: [...spooled.inline, ...own.filter((event) => !rejects.includes(event))],
    staged: all.join('\nUNION ALL\n'),
  }
}

async function writeWithTexts(file: string, path: string): Promise<void> {
  const handle = await open(path, 'w', 0o600)
  try {
    let piece = ''
    for await (const line of createInterface({input: createReadStream(file), crlfDelay: Infinity})) {
      if (line === '') continue
      const {payload, ...event} = parseExactly(line) as unknown as Event
      piece += `${JSON.stringify({...event, payload: payload === null ? null : JSON.stringify(payload)})}\n`
      if (piece.length < PIECE_CHARACTERS) continue
      await handle.writeFile(piece)
      piece = ''
    }
    await handle.writeFile(piece)
  } finally {
    await handle.close()
  }
}
