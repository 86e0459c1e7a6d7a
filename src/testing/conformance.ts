import type {JsonObject, Source} from '../source.ts'
import {checkAbort} from './abort.ts'
import {checkBookmark} from './bookmark.ts'
import {checkDescription} from './description.ts'
import {checkDisk} from './disk.ts'
import {checkFaults} from './faults.ts'
import {checkDistinctKeys, checkKeyForm, checkPureKeys, checkSameKeys} from './keys.ts'
import {checkNothingDropped} from './nothing-dropped.ts'
import {checkOptions} from './options.ts'
import {checkPagesAndMemory} from './pages.ts'
import {checkSecrets} from './secrets.ts'
import {checkWindows} from './windows.ts'

/**
 * What every source must hold, whoever wrote it, as a list of tests for any test runner:
 *
 * ```ts
 * describe('the notes source', () => {
 *   for (const {rule, test} of conformanceTests({source, service, timeOf})) it(rule, test)
 * })
 * ```
 *
 * Each test reads the source as the host does, with the host's own HTTP client, against a service that it starts for
 * itself and closes again. Nothing is written; no sink and no warehouse can be reached from here. A test may take some
 * seconds, so raise the limit of a runner that has a shorter one.
 */
export interface ConformanceSetup {
  readonly source: Source
  /**
   * Starts what the source reads, on this machine, with exactly `volume.records` records in it, all of them read with
   * the options that it names, each with a time of its own (where they have times at all), in the past. More than one
   * page of them should be needed. The same volume gives the same records.
   */
  readonly service: (volume: Volume) => Promise<TestService>
  /** The time that windows select by. Needed where a stream is `windowed`. */
  readonly timeOf?: (record: JsonObject) => Date
  /**
   * How much there is to read where memory is measured: at least 16 MB, and more than a few pages. By default 4,500
   * records of 4,096 bytes; fewer, larger ones help where each is a request of its own.
   */
  readonly large?: Volume
}

export interface Volume {
  /** How many records, over all streams. */
  readonly records: number
  /** About how many bytes of JSON each record should have. */
  readonly size: number
}

export interface TestService {
  /** Where it answers HTTP. Left out where the source reads something else, a file say. */
  readonly url?: string
  /**
   * The options as lorchestra.yaml would hold them. `url` is the address to use: a proxy in front of the service, which
   * makes the faults that real services make. Where the source reads no HTTP it is empty.
   */
  options(url: string): Readonly<Record<string, unknown>>
  close(): Promise<void> | void
}

export interface ConformanceTest {
  /** What must hold, as the end of a sentence that begins with the source's name. */
  readonly rule: string
  /** Rejects with an error that says what the source does instead. */
  readonly test: () => Promise<void>
}

const RULES: readonly (readonly [string, (setup: ConformanceSetup) => Promise<void>])[] = [
  ['describes itself in a way that the host can use', checkDescription],
  ['gives well-formed keys', checkKeyForm],
  ['gives keys that depend on nothing but record and stream', checkPureKeys],
  ['gives different records different keys', checkDistinctKeys],
  ['gives the same keys in two extractions of the same data', checkSameKeys],
  ['reads windows that are half open', checkWindows],
  ['yields bounded pages and keeps memory flat', checkPagesAndMemory],
  ['stops within a second when the run is aborted', checkAbort],
  ['survives every fault that passes', checkFaults],
  ['drops nothing that is there to be read', checkNothingDropped],
  ['goes on from its own bookmark', checkBookmark],
  ['refuses wrong options and says which', checkOptions],
  ['lets no secret out', checkSecrets],
  ['writes nothing to disk', checkDisk],
]

export const conformanceTests = (setup: ConformanceSetup): readonly ConformanceTest[] =>
  RULES.map(([rule, check]) => ({rule, test: async () => check(setup)}))
