import type {JsonObject, Page, Source, SourceContext, StreamDefinition} from '../../src/source.ts'

export interface ScriptedRecord {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly [name: string]: unknown
}

/** What one call of `extract` was asked for. */
export interface Call {
  readonly since: number | undefined
  readonly until: number
  readonly bookmark?: unknown
  readonly keys?: readonly string[]
  readonly objectTypes: readonly string[]
}

export interface ScriptedSource extends Source {
  readonly calls: Call[]
}

interface Script {
  readonly streams?: readonly StreamDefinition[]
  readonly defaults?: Source['defaults']
  readonly selection?: readonly string[]
  readonly extract?: (context: SourceContext<unknown>) => AsyncIterable<Page>
  readonly idemKey?: Source['idemKey']
  readonly currentBookmark?: Source['currentBookmark']
  readonly canResume?: Source['canResume']
  readonly listKeys?: Source['listKeys']
  readonly check?: Source['check']
}

const anything: Source['options'] = {
  '~standard': {version: 1, vendor: 'test', validate: (value) => ({value})},
}

const things: readonly StreamDefinition[] = [{objectType: 'thing', windowed: true}]

/** A source in the test's own process: by default it yields those of `records()` that lie in the window. */
export function scriptedSource(records: () => readonly ScriptedRecord[], script: Script = {}): ScriptedSource {
  const calls: Call[] = []
  return {
    apiVersion: 1,
    name: 'scripted',
    summary: 'records of a test',
    options: anything,
    streams: () => script.streams ?? things,
    idemKey:
      script.idemKey ?? ((record, stream) => `${stream.objectType}:${stream.sourceSystem}:${String(record['id'])}`),
    ...(script.defaults !== undefined && {defaults: script.defaults}),
    ...(script.selection !== undefined && {selection: script.selection}),
    ...(script.currentBookmark !== undefined && {currentBookmark: script.currentBookmark}),
    ...(script.canResume !== undefined && {canResume: script.canResume}),
    ...(script.listKeys !== undefined && {listKeys: script.listKeys}),
    ...(script.check !== undefined && {check: script.check}),
    calls,
    extract(context) {
      calls.push({
        since: context.window.since?.getTime(),
        until: context.window.until.getTime(),
        objectTypes: context.streams.map(({objectType}) => objectType),
        ...(context.bookmark !== undefined && {bookmark: context.bookmark}),
        ...(context.keys !== undefined && {keys: context.keys}),
      })
      return (script.extract ?? windowOf(records))(context)
    },
  }
}

export const windowOf = (records: () => readonly ScriptedRecord[]) =>
  async function* ({window}: SourceContext<unknown>): AsyncGenerator<Page> {
    const since = window.since?.getTime() ?? -Infinity
    const inside = records().filter(({at}) => since <= at && at < window.until.getTime())
    for (let index = 0; index < inside.length; index += 100) {
      yield await Promise.resolve({records: inside.slice(index, index + 100) as readonly JsonObject[]})
    }
  }
