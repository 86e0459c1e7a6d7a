import type {FileMetaData, SchemaTree} from 'hyparquet'
import type {JsonObject, JsonValue} from 'lorchestra'

import type {Place} from './bookmark.ts'
import {codeOf} from './error-code.ts'
import {exactParsers, valueOf, withoutDecimals} from './parquet-values.ts'
import {Pieces, UnreadableFile, type Piece, type Reading} from './reading.ts'

/** A row group is held as a whole, and its values take more room than this. */
const LARGEST_GROUP = 256 * 1024 * 1024

/** Reads the rows of a Parquet file; places and lines count rows. */
export async function* readParquet(reading: Reading, from: Place): AsyncGenerator<Piece, void> {
  const file = bytesOf(reading)
  const {parquetMetadataAsync, parquetSchema} = await import('hyparquet')
  const metadata = await orUnreadable(0, async () => parquetMetadataAsync(file))
  const {children: columns} = parquetSchema(metadata)
  const plain = {...metadata, schema: withoutDecimals(metadata.schema)}
  const pieces = new Pieces()
  let start = 0
  for (const {num_rows: count, total_byte_size: bytes} of metadata.row_groups) {
    const end = start + Number(count)
    if (end > from.at) {
      if (bytes > LARGEST_GROUP)
        throw new UnreadableFile(start + 1, `a row group takes ${bytes} bytes; write the file with smaller ones`)
      const group = await orUnreadable(start, async () => groupOf(reading, file, plain, {start, end}))
      for (let row = Math.max(start, from.at); row < end; row += 1) {
        reading.signal.throwIfAborted()
        const record = recordOf(columns, group, row, reading)
        if (reading.accepts(record, row + 1)) pieces.add(record, sizeOf(record))
        if (pieces.full) yield pieces.take({at: row + 1, lines: row + 1})
      }
      yield pieces.take({at: end, lines: end})
    }
    start = end
  }
}

interface Bytes {
  readonly byteLength: number
  slice(start: number, end?: number): Promise<ArrayBuffer>
}

const bytesOf = ({file, size, signal}: Reading): Bytes => ({
  byteLength: size,
  async slice(start, end = size) {
    signal.throwIfAborted()
    const bytes = new Uint8Array(end - start)
    for (let read = 0; read < bytes.length;) {
      const {bytesRead} = await file.read(bytes, read, bytes.length - read, start + read)
      if (bytesRead === 0) throw new Error('it became shorter while it was read. Run the same command again')
      read += bytesRead
    }
    return bytes.buffer
  },
})

/** The values of each column in a row group, part by part. */
type Group = ReadonlyMap<string, Column>

async function groupOf(
  {parseJson}: Reading,
  file: Bytes,
  metadata: FileMetaData,
  {start, end}: {readonly start: number; readonly end: number},
): Promise<Group> {
  const {parquetRead} = await import('hyparquet')
  const {compressors} = await import('hyparquet-compressors')
  const group = new Map<string, Column>()
  await parquetRead({
    file,
    metadata,
    compressors,
    rowStart: start,
    rowEnd: end,
    utf8: false,
    geoparquet: false,
    parsers: exactParsers(parseJson),
    onChunk({columnName, columnData, rowStart, rowEnd}) {
      const column = group.get(columnName) ?? new Column()
      group.set(columnName, column)
      column.add({start: rowStart, end: rowEnd, values: columnData as ArrayLike<unknown>})
    },
  })
  return group
}

interface Chunk {
  readonly start: number
  readonly end: number
  readonly values: ArrayLike<unknown>
}

class Column {
  readonly #chunks: Chunk[] = []
  #next = 0

  add(chunk: Chunk): void {
    this.#chunks.push(chunk)
  }

  /** Gives the value of a row; rows are asked for in their order. */
  at(row: number): unknown {
    for (let chunk = this.#chunks[this.#next]; chunk !== undefined; chunk = this.#chunks[(this.#next += 1)])
      if (row < chunk.end) return chunk.values[row - chunk.start]
    throw new UnreadableFile(row + 1, 'a column ends before the others do')
  }
}

function recordOf(columns: readonly SchemaTree[], group: Group, row: number, {parseJson}: Reading): JsonObject {
  const values = columns.map((column): [string, JsonValue] => {
    const {name} = column.element
    return [name, valueOf(column, group.get(name)?.at(row), parseJson)]
  })
  return Object.fromEntries(values)
}

/** About as many characters as the record takes. */
function sizeOf(record: JsonObject): number {
  let size = 0
  for (const value of Object.values(record))
    size += typeof value === 'string' ? value.length + 20 : typeof value === 'object' && value !== null ? 200 : 30
  return size
}

/** What hyparquet says of a damaged file may quote it. What the system says is no fault of the file. */
async function orUnreadable<Answer>(row: number, read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read()
  } catch (error) {
    if (/^E[A-Z]+$/.test(codeOf(error) ?? '') || (error instanceof Error && error.name === 'AbortError')) throw error
    throw new UnreadableFile(row + 1, 'it is no Parquet file that can be read, or is damaged', {cause: error})
  }
}
