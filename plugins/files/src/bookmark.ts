import type {JsonValue} from 'lorchestra'

/** What was read of one file. */
export interface ReadFile {
  /** Bytes of the file that were looked at, from its beginning on, and their digest. */
  readonly size: number
  readonly digest: string
  /** When the file was modified, if all of it was read and nothing in it is to be looked at again. */
  readonly modified?: number
  /** Where reading goes on: a place that the file's format counts in, and the number of lines before it. */
  readonly place: Place
}

export interface Place {
  readonly at: number
  readonly lines: number
}

export const BEGINNING: Place = {at: 0, lines: 0}

/** What was read of each file, by stream and name. */
export type ReadFiles = Map<string, Map<string, ReadFile>>

type Entry = readonly [size: number, digest: string, at: number, lines: number, modified: number | null]

/** Takes what an earlier run kept; what it cannot be is read anew. */
export function readFilesIn(bookmark: JsonValue | undefined): ReadFiles {
  const {files = {}} = (bookmark ?? {}) as {readonly files?: Readonly<Record<string, Readonly<Record<string, Entry>>>>}
  return new Map(
    Object.entries(files).map(([objectType, entries]) => [
      objectType,
      new Map(Object.entries(entries).map(([name, entry]) => [name, fileOf(entry)])),
    ]),
  )
}

const fileOf = ([size, digest, at, lines, modified]: Entry): ReadFile => ({
  size,
  digest,
  place: {at, lines},
  ...(modified !== null && {modified}),
})

export function bookmarkOf(files: ReadFiles): JsonValue {
  const entryOf = ({size, digest, place: {at, lines}, modified}: ReadFile): Entry => [
    size,
    digest,
    at,
    lines,
    modified ?? null,
  ]
  return {
    files: Object.fromEntries(
      [...files].map(([objectType, entries]) => [
        objectType,
        Object.fromEntries([...entries].map(([name, file]) => [name, entryOf(file)])),
      ]),
    ),
  }
}
