import {parseExactly} from '../../base/exact-json.ts'
import type {JsonObject, JsonValue, Stream} from '../../source.ts'
import {textOf} from './frames.ts'
import {keyOf, type KeyOfRecord, type RecordKeys} from './keyed-record.ts'

/** Asks the source for the keys of records that are stored, in the order of their payloads. */
export const keysOfPayloads = (
  keys: RecordKeys,
  stream: Stream,
  payloads: readonly Uint8Array[],
): readonly KeyOfRecord[] => payloads.map((payload) => keyOfPayload(keys, stream, payload))

function keyOfPayload(keys: RecordKeys, stream: Stream, payload: Uint8Array): KeyOfRecord {
  let record: JsonValue
  try {
    record = parseExactly(textOf(payload))
  } catch {
    // What is said of it would quote it.
    return {problem: 'its payload is not JSON'}
  }
  return isObject(record) ? keyOf(keys, record, stream) : {problem: 'its payload is not an object'}
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
