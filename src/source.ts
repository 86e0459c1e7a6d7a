import type {StandardSchemaV1} from '@standard-schema/spec'

import type {HttpClient, JsonObject, JsonValue} from './source-http.ts'

export type * from './source-http.ts'

/**
 * The contract between lorchestra and a source plugin, version 1. Types only: a plugin imports this file with `import type` and nothing
 * of lorchestra at run time; all that a source may touch is handed to it.
 * - **The protocol.** The host fires the oclif hook `lorchestra:sources`; each plugin answers with light descriptors. For a run the host
 * loads the one source that the job names, validates the job's options with `options`, asks `streams` what the job reads, and `check`
 * whose data it is. It decides which windows are due and calls `extract` once for each slice of time, oldest first. It takes page by
 * page, asks `idemKey` for each record's key and writes what it took at the end of a slice; while it works on one page the source may
 * make the next. Where the host needs no more (a limit, an abort, an error) it calls the iterator's `return()`, so `finally` blocks run.
 * - **The box.** A source runs in a process of its account's (docs/box.md) that writes no file, starts nothing, and reads its package,
 * files that options name, and what its descriptor `reads`. It is not told the run mode; what it reports too late fails the run.
 * - **Errors.** Throw plain `Error`s that say what is wrong and what to do next, with `cause`; the host adds source, job and what was
 * already written. An error ends the run; `reject` is for one record that cannot be read.
 */
export interface Source<Options = unknown> {
  readonly apiVersion: 1
  /** The name that `source:` gives in an account or job of lorchestra.yaml; unique among all plugins; `[a-z0-9][a-z0-9_-]{0,62}`. */
  readonly name: string
  /** Line that `lorchestra sources list` shows. */
  readonly summary: string
  /**
   * Validates the options of account and job together. Any Standard Schema validator (https://standardschema.dev).
   * Where it also offers Standard JSON Schema, an unknown key is answered with its closest match. Must refuse unknown
   * keys: a misspelt option that is silently dropped reads the wrong records.
   */
  readonly options: StandardSchemaV1<unknown, Options>
  /** Names of options whose values are never printed or logged; by dots those within another, `auth.token`, all of them by `headers.*`. */
  readonly secrets?: readonly string[]
  /** Names of options that change which records are read (a query, a filter); another value starts uncovered. */
  readonly selection?: readonly string[]
  /** Options of `selection` that may leave records out of what `listKeys` gives. @default those that no job must set */
  readonly narrowing?: readonly string[]
  readonly defaults?: SourceDefaults
  /**
   * Lines of YAML that `lorchestra init` writes for an account and a job to begin with; `${TOKEN}` becomes a variable of the account's.
   * @default a variable for each option that has to be there
   */
  readonly starter?: {readonly account: string; readonly job: string}
  /** Tells how much the service may be asked for; all jobs of the process that read the account share it. @default no limit */
  rateLimit?(options: Options): RateLimit
  /** Names what a job with these options reads: at least one stream, each `objectType` once; `[a-z0-9][a-z0-9_-]{0,62}`. */
  streams(options: Options): readonly StreamDefinition[]
  /**
   * Gives the record's idempotency key, `${objectType}:${sourceSystem}:${externalId}`. Pure and synchronous: the same record
   * gives the same key for ever under the same options, two different ones never the same. The host always gives the options, which may
   * name the field of the id. Throws where the record carries no id; the host then counts a reject. At most 1,024 bytes of well-formed Unicode without control characters.
   */
  idemKey(record: JsonObject, stream: Stream, options?: Options): string
  /**
   * Counts what there is to fetch in `context.window`; a small part of the work of reading it. Asked for all that is due,
   * to say how long it will take. Where that is much, also for each slice: one that would take more than a minute of `rateLimit`
   * is read as several, as an interruption loses a slice. Keys that `known` returns are counted nowhere.
   */
  estimate?(context: SourceContext<Options>): Promise<Estimate>
  /** Reads one slice of the streams in `context.streams`, page by page. */
  extract(context: SourceContext<Options>): AsyncIterable<Page>
  /**
   * Yields the idempotency keys of all records of `context.streams` that exist now and that the options select, at most 10,000 at once,
   * as cheaply as the service can list them; `start` is ignored, but what is dated before `window.since`, where that is given, may be
   * left out. Ends by itself only when the listing is complete, and throws where it cannot be: what it does not name is not there. The
   * host has `extract` read those that it does not know, by `context.keys`, so that what no window found is found (`sweep` of a job).
   */
  listKeys?(context: SourceContext<Options>): AsyncIterable<readonly string[]>
  /**
   * Tells where the change feed stands now. Asked first of all in a plain run (no `--since`, `--until`, `--limit`); kept with
   * the commits, and given back as `context.bookmark` when all older records are stored. `undefined`: keep the former.
   */
  currentBookmark?(context: SourceContext<Options>): Promise<JsonValue | undefined>
  /**
   * Tells whether `extract` knows what changed since `context.bookmark`, or can read on from that of a checkpoint. Asked before a plain run is planned; where it does
   * not, the windows that are due are read in slices, and the new bookmark is kept. @default true
   */
  canResume?(context: SourceContext<Options>): Promise<boolean>
  /** Asks by one cheap authenticated call whose data this is, if the service can tell. An account that turns to another's is refused. */
  check?(context: SourceContext<Options>): Promise<{readonly identity: string} | undefined>
  /**
   * Asks for a page or two and says in lines of text what was asked, what came, and which options would read it, for `lorchestra jobs
   * explore JOB`. Names what is there, by its path; holds no secret and no value of a record. Nothing is written. Where the user
   * names an `address`, that is asked instead of what the job reads, and gets the job's secrets only where it is the account's own service.
   */
  explore?(context: ExploreContext<Options>): Promise<string>
  /** Tells whether `login` must come first, as far as options and secrets show. A run then ends before it begins. @default false */
  needsLogin?(account: Pick<SourceContext<Options>, 'options' | 'secrets'>): Promise<boolean>
  /** Gets credentials from a person into `context.secrets`, for `lorchestra accounts login ACCOUNT`. Never called in a run. */
  login?(context: LoginContext<Options>): Promise<void>
}

/** Durations are `90s`, `30m`, `12h`, `7d` or `2w`; a job may set its own `overlap` and `slice`. */
export interface SourceDefaults {
  /** Duration that a run reads back before what is covered, for records that became visible late; the host adds what a clock may be wrong. @default '0s' */
  readonly overlap?: string
  /** Window of one call of `extract`; an empty one doubles the next, up to four times. `slice:` of a job is a maximum. @default all at once */
  readonly slice?: string
  /** Duration that the source takes to show a new record; windows end that much before now. @default '0s' */
  readonly settle?: string
  /** Instant in ISO 8601 before which the source holds nothing, so that slicing starts here. */
  readonly earliest?: string
}

export interface RateLimit {
  /** Units per minute, as the service counts them: requests, or what `HttpRequest.units` says that a request costs. */
  readonly unitsPerMinute: number
}

export interface Estimate {
  readonly records: number
  /** Units of `rateLimit` that fetching them costs. */
  readonly units: number
}

export interface StreamDefinition {
  readonly objectType: string
  /** Whether records carry a time that a window can select by. Streams that do not are read whole, in one slice. */
  readonly windowed: boolean
  /** Which records its windows can miss, and `listKeys` finds. @default none */
  readonly misses?: readonly Missed[]
  /**
   * Says that the stream is read by calls of its own, with its own bookmark, so that a job which gains a stream reads no other one
   * again. @default the same calls read all streams with windows, and the same ones all without
   */
  readonly separate?: true
  /**
   * What selects records of this stream alone, beside `Source.selection`, as any JSON value: another one starts this stream uncovered,
   * and no other. Only with `separate`. @default nothing
   */
  readonly selection?: JsonValue
}

/** `late`: they turn up with a time that is long past. `moved`: they come to be selected without a new time. `undated`: they have none. */
export type Missed = 'late' | 'moved' | 'undated'

/** A stream is one kind of record of one account. */
export interface Stream {
  /** Name for whose records they are: `<source>--<account>` unless the account sets `source_system`. */
  readonly sourceSystem: string
  readonly objectType: string
}

/** A page holds at most 10,000 records; aim at no more than 16 MB unless a single record is larger. May be empty. */
export interface Page {
  /** Object type of the stream in `context.streams` that the page belongs to; may be left out where there is only one. */
  readonly objectType?: string
  /** Records as the service sent them; stored equal as JSON values. What JSON cannot hold (NaN, a Map) makes a record a reject. */
  readonly records: readonly JsonObject[]
  /** Idempotency keys that the source says are gone. Recorded as `object.deleted` events; stored rows stay. */
  readonly deleted?: readonly string[]
  /** Place from which to go on after this page; kept in the event log with the page's commit, so no secret. The last one of a slice wins. */
  readonly bookmark?: JsonValue
  /**
   * Says that `bookmark` is a place within what is being read: all that comes before it was yielded with this page or earlier, all of
   * that and no more was reported (`listed`, say), and reading can go on from it. The host may commit there, where it reads changes or a
   * stream without windows (slices of windows are commits as it is). Where the reading then breaks off, the next plain run's
   * `context.bookmark` is the place. It is forgotten when the reading ends: what is kept then is the last bookmark without `checkpoint`.
   */
  readonly checkpoint?: true
}

/** The context holds all that a source may touch. */
export interface SourceContext<Options> {
  /** The output of the `options` schema. */
  readonly options: Options
  /** The streams to read in this call. */
  readonly streams: readonly Stream[]
  /** Window of this slice. For a bookmark, see below. */
  readonly window: SliceWindow
  /** Instant of the job's `start:`. Changes of records before it are wanted only where these are stored. */
  readonly start?: Date
  /**
   * Bookmark that was kept last; `currentBookmark` gets it always, `extract` in a plain run whose older records are all stored: read the changes
   * since then. `window` spans the same time, so that a source whose bookmark has expired reads the window instead. Or that of the
   * `checkpoint` where an earlier run broke off, for `canResume` and `extract`: read on from there.
   */
  readonly bookmark?: JsonValue
  /**
   * Keys that `listKeys` gave and that are not stored: `extract` reads these records alone, whatever their time, but none from before
   * `start`. All count as listed, so one that is not yielded is reported as gone, outside or rejected. Never given without `listKeys`.
   */
  readonly keys?: readonly string[]
  readonly http: HttpClient
  readonly secrets: SecretStore
  readonly log: Logger
  /** Aborted when the run must stop. Every wait of a source ends when it is. */
  readonly signal: AbortSignal
  /** Makes a path from the options absolute; relative ones start at the folder of lorchestra.yaml. */
  resolvePath(path: string): string
  /**
   * Parses JSON whose numbers keep all of their digits when they are stored; one that a double cannot hold looks like an object.
   * Throws a `SyntaxError` where it is none, which quotes it: do not pass that on.
   */
  parseJson(text: string): JsonValue
  /**
   * Tells which of these keys are stored already; for records that never change, so that they need not be fetched again.
   * Every key that it returns is counted as known: do not yield its record. May answer with fewer than are stored.
   */
  known(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * Tells the same to a source that reads changes: nothing is counted, and `--refetch` changes nothing. A feed also tells
   * of records that the job never wanted; their changes and deletions are not to be yielded. What this run yielded may not be
   * stored yet, so a source remembers that itself where its feed can tell of one record twice.
   */
  stored(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  /** Adds up what happened since the last call. If `listed` is told, it must be all: yielded + known + outside + gone + rejected. */
  progress(update: Progress): void
  /** Counts, records and reports one record that cannot be read. `reference` names it for a person; neither may hold payload. */
  reject(reference: string, reason: string, objectType?: string): void
}

/** What `explore` is asked. */
export interface ExploreContext<Options> extends SourceContext<Options> {
  /** What the user gave as `--url`, unchecked. */
  readonly address?: string
}

/** The window of a slice is half open: `since <= t < until`. */
export interface SliceWindow {
  /** @default the very first record */
  readonly since?: Date
  readonly until: Date
}

export interface Progress {
  /** Object type of the stream; may be left out where the call reads only one. */
  readonly objectType?: string
  /** Number of records that the source announced (a page of ids, say), before they were fetched. */
  readonly listed?: number
  /** Number of those that turned out to lie outside of the window. */
  readonly outside?: number
  /** Number of those that no longer existed when they were fetched. */
  readonly gone?: number
  /** Instant until which the source pauses, for a quota. */
  readonly waitingUntil?: Date
}

export interface LoginContext<Options> extends Pick<SourceContext<Options>, 'http' | 'secrets' | 'log'> {
  /** Options of the account and its first job. Secrets whose variable is not set are left out. */
  readonly options: Options
  /** Aborted by Ctrl-C, and when the person has taken too long. */
  readonly signal: AbortSignal
  /** Shows a line to the person (a device code, say). */
  tell(message: string): void
  /** Shows the address and opens it in a browser where there is one. */
  open(url: URL): Promise<void>
}

/**
 * The store keeps credentials that the source itself got or that a service rotated, per account and in every run mode:
 * a rotated token that is lost locks the user out. Files are mode 0600, replaced atomically, locked. A secret stored under
 * the name of an option (of `secrets`) stands in for it where its variable is not set. Where both are there, the source
 * decides; a value that the user has just set must not lose against an older stored one.
 */
export interface SecretStore {
  get(name: string): Promise<string | undefined>
  /**
   * Calls `change` with the stored value while no other process can, and when the store was seen to be writable; stores what
   * it returns and returns it; `undefined`: as it was. Exchange a token that may be rotated within `change`, and nowhere else.
   */
  update<Value extends string | undefined>(name: string, change: SecretChange<Value>): Promise<Value>
}
export type SecretChange<Value> = (current: string | undefined) => Promise<Value> | Value

/** The log goes to stderr. Values of secret options are masked; never log payload. */
export type Logger = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: LogFields) => void>
>
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** The default export of the hook `lorchestra:sources` in a plugin's package.json. Loaded to list sources: nothing heavy in it. */
export type SourcesHook = () => Promise<readonly SourceDescriptor[]> | readonly SourceDescriptor[]

export interface SourceDescriptor extends Pick<Source, 'apiVersion' | 'name' | 'summary'> {
  /** Names what it reads beyond its package and files that options name: `google-adc`, this machine's default credentials. @default nothing */
  readonly reads?: readonly 'google-adc'[]
  /**
   * Tells that it starts processes. Each account then has to `allow: [spawn]`, as what is started is in no box and can write in every
   * mode; it gets `PATH`, and is ended with the box. @default false
   */
  readonly spawn?: boolean
  load(): Promise<Source>
}
