import {codeOf, failure, LorchestraError} from '../base/errors.ts'
import {hidePaths} from '../model/hidden-paths.ts'
import {tablesOfMode, type RunMode} from '../model/run-mode.ts'
import type {TableSet} from '../model/tables.ts'
import {assertOneObject} from '../warehouse/record-lines.ts'
import {NOTHING_COVERED, type StreamScope, type StreamState, type Warehouse} from '../warehouse/warehouse.ts'
import type {KeyIndex} from '../warehouse/stored-keys.ts'
import {createRunFolder, removeRunFolder} from './run-folder.ts'
import type {Preview, Sink, SinkOptions, SinkTables} from './sink.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'

const COMPARED_KEY_CHARACTERS = 32 * 1024 * 1024

/** The sink of a dry run counts, samples and forgets. It holds no writer and no way to get one. */
export class DryRunSink implements Sink {
  readonly mode: RunMode
  readonly tables: SinkTables
  readonly #options: SinkOptions
  readonly #read: TableSet | undefined
  readonly #samples: {idemKey: string; json: string}[] = []
  readonly #seen = new Set<string>()
  #seenCharacters = 0
  #duplicates: number | undefined = 0
  #scopes: readonly StreamScope[] = []
  #warehouse: Warehouse | undefined
  #keyIndex: Promise<KeyIndex> | undefined

  constructor(options: SinkOptions, mode: RunMode) {
    this.mode = mode
    this.#options = options
    this.#read = options.needsCoverage ? tablesOfMode(mode, options.production).read : undefined
    this.tables = {read: this.#read, written: undefined}
  }

  get bytesBilled(): number | undefined {
    return this.#warehouse?.bytesBilled
  }

  begin({scopes}: Parameters<Sink['begin']>[0]): Promise<void> {
    this.#scopes = scopes
    return Promise.resolve()
  }

  async streamStates(): Promise<readonly StreamState[]> {
    const tables = this.#read
    if (tables === undefined) return this.#scopes.map(() => NOTHING_COVERED)
    try {
      this.#warehouse ??= await this.#options.openWarehouse()
      return await this.#warehouse.readStreamStates(tables, this.#scopes)
    } catch (error) {
      if (error instanceof LorchestraError && error.outcome !== 'failed') throw error
      throw failure('a dry run without --since begins where production ends, and production cannot be read', {
        code: codeOf(error),
        next: 'Pass --since to dry-run without a warehouse, or see to what the message above names.',
        cause: error,
      })
    }
  }

  async known(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    const tables = this.#read
    if (tables === undefined) return new Set()
    this.#keyIndex ??= this.#openKeyIndex(tables)
    return (await this.#keyIndex).has(idemKeys)
  }

  forgetKnown(): Promise<void> {
    return Promise.resolve()
  }

  upsertObjects(records: readonly SpoolableRecord[]): Promise<void> {
    const {samples, hiddenPaths} = this.#options
    for (const {idemKey, json} of records) {
      // A commit would find it out.
      assertOneObject({json})
      if (this.#samples.length < samples)
        this.#samples.push({idemKey, json: hidePaths(Buffer.from(json).toString('utf8'), hiddenPaths)})
      this.#compare(idemKey)
    }
    return Promise.resolve()
  }

  logEvent(): Promise<void> {
    return Promise.resolve()
  }

  endSlice(): Promise<void> {
    return Promise.resolve()
  }

  dropUnfinishedSlice(): Promise<void> {
    return Promise.resolve()
  }

  discard(): Promise<void> {
    return Promise.resolve()
  }

  commit(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  countOpenRejects(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  preview(): Preview {
    return {samples: this.#samples, duplicates: this.#duplicates}
  }

  diff(): undefined {
    return undefined
  }

  async close(): Promise<void> {
    // Whoever asked it heard that it could not be made.
    const index = await this.#keyIndex?.catch(() => undefined)
    index?.close()
    if (this.#keyIndex !== undefined) await removeRunFolder(this.#options.folder)
  }

  async #openKeyIndex(tables: TableSet): Promise<KeyIndex> {
    await createRunFolder(this.#options.folder)
    this.#warehouse ??= await this.#options.openWarehouse()
    const streams = this.#scopes.map(({stream}) => stream)
    return this.#warehouse.indexKeys(tables, streams, this.#options.folder)
  }

  #compare(idemKey: string): void {
    if (this.#duplicates === undefined) return
    if (this.#seen.has(idemKey)) {
      this.#duplicates += 1
      return
    }
    // A key may be cut out of a longer text, which would be held with it.
    this.#seen.add(Buffer.from(idemKey).toString())
    this.#seenCharacters += idemKey.length
    if (this.#seenCharacters <= COMPARED_KEY_CHARACTERS) return
    this.#duplicates = undefined
    this.#seen.clear()
  }
}
