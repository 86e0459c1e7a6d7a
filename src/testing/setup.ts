import type {JsonObject, Source} from '../source.ts'

/** The suite needs to know this of a source to try it. */
export interface ConformanceSetup {
  readonly source: Source
  /**
   * The folder of the plugin's package: what its package.json names as the hook is run in a box, as lorchestra runs it.
   * @default the package around the folder where the tests run
   */
  readonly package?: string
  /**
   * Starts what the source reads, on this machine, with exactly `volume.records` records in it, all of them read with
   * the options that it names, each with a time of its own (where they have times at all), in the past. More than one
   * page of them should be needed. The same volume gives the same records.
   */
  readonly service: (volume: Volume) => Promise<TestService>
  /** The time that windows select by. Needed where a stream is `windowed`. */
  readonly timeOf?: (record: JsonObject) => Date
  /**
   * How much there is to read where memory is measured: at least 16 MB, and more than a few pages. Fewer, larger records
   * help where each is a request of its own.
   * @default 4,500 records of 4,096 bytes
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
  /** The address where it answers HTTP. Left out where the source reads something else, a file say. */
  readonly url?: string
  /**
   * Gives the options that lorchestra.yaml would hold. `url` is the address to use: a proxy in front of the service, which
   * makes the faults that real services make. Where the source reads no HTTP it is empty.
   */
  options(url: string): Readonly<Record<string, unknown>>
  close(): Promise<void> | void
}
