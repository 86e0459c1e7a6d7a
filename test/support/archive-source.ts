import type {JsonObject} from '../../src/source.ts'
import {scriptedSource, windowOf, type ScriptedRecord, type ScriptedSource} from './scripted-source.ts'

const KEYS_AT_ONCE = 100

/** A service that selects by time, to which records may be added with any time, and that can list all ids. */
export class Archive {
  readonly records = new Map<string, ScriptedRecord>()
  /** The listing fails after so many keys. */
  breaksAfter = Infinity
  /** These are listed, and there no more when they are asked for. */
  readonly vanished = new Set<string>()

  add(...records: readonly ScriptedRecord[]): void {
    for (const record of records) this.records.set(record.id, record)
  }
}

export const archiveSource = (archive: Archive): ScriptedSource =>
  scriptedSource(() => [], {
    async *extract(context) {
      const [stream] = context.streams
      if (context.keys === undefined) {
        yield* windowOf(() => [...archive.records.values()])(context)
        return
      }
      for (const key of context.keys) {
        const record = archive.records.get(key.slice(`thing:${stream?.sourceSystem ?? ''}:`.length))
        if (record === undefined || archive.vanished.has(record.id)) context.progress({gone: 1})
        else if (context.start !== undefined && record.at < context.start.getTime()) context.progress({outside: 1})
        else yield {records: [record as unknown as JsonObject]}
      }
    },
    async *listKeys({streams: [stream], window}) {
      const since = window.since?.getTime() ?? -Infinity
      const keys = [...archive.records.values()]
        .filter(({at}) => at >= since)
        .map(({id}) => `thing:${stream?.sourceSystem ?? ''}:${id}`)
      for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
        if (from >= archive.breaksAfter) throw new Error('the list broke off')
        yield await Promise.resolve(keys.slice(from, from + KEYS_AT_ONCE))
      }
    },
  })
