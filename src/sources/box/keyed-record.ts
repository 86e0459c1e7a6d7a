import {createHash} from 'node:crypto'

import {asError} from '../../base/errors.ts'
import {holdsWideNumber, isNestedDeeperThan, jsonText} from '../../base/json-text.ts'
import type {JsonObject, Source, Stream} from '../../source.ts'
import {columnOutOfPlace} from '../../model/record-head.ts'
import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import type {PayloadLimits} from '../../model/payload-limits.ts'
import {receivedJsonOf} from '../received-json.ts'
import {textOf} from './frames.ts'

const LONGEST_KEY_BYTES = 1024
// oxlint-disable-next-line no-control-regex -- finding them is the point
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F-\u009F]/

export interface Rejection {
  readonly reference: string
  readonly reason: string
}

export type Keyed = {readonly record: SpoolableRecord} | {readonly rejection: Rejection}

const NO_LIMITS: PayloadLimits = {levels: Infinity, bytes: Infinity, wideNumbers: true}
const OPENING_BRACE = 0x7b

/** A source that keys records under certain options. */
export interface RecordKeys {
  idemKey(record: JsonObject, stream: Stream): string
}

export const recordKeys = (source: Pick<Source, 'idemKey'>, options: unknown): RecordKeys => ({
  idemKey: (record, stream) => source.idemKey(record, stream, options),
})

/** Gives a record with its key and payload as text, or says why it cannot be stored. Reasons hold no payload. */
export function keyRecord(
  keys: RecordKeys,
  record: JsonObject,
  stream: Stream,
  {levels, bytes, wideNumbers}: PayloadLimits = NO_LIMITS,
): Keyed {
  const reject = (reason: string, reference = fingerprintOf(record)): Keyed => ({rejection: {reference, reason}})
  if (!isObject(record)) return reject('it is not an object')
  const key = keyOf(keys, record, stream)
  if ('problem' in key) return reject(key.problem)
  const {idemKey} = key
  const json = jsonOf(record, levels)
  if ('problem' in json) return reject(json.problem, idemKey)
  if (json.bytes[0] !== OPENING_BRACE) return reject('it is not an object', idemKey)
  if (json.tooDeep)
    return reject(`it is nested more than ${levels} levels deep, which the warehouse cannot hold`, idemKey)
  if (json.bytes.length > bytes)
    return reject(`it takes ${json.bytes.length} bytes as JSON, and the warehouse holds ${bytes} at most`, idemKey)
  if (!wideNumbers && json.manyDigits && holdsWideNumber(textOf(json.bytes)))
    return reject('a number in it has more digits than the warehouse can hold without rounding it', idemKey)
  const {sourceSystem, objectType} = stream
  const keyed = {idemKey, sourceSystem, objectType, externalId: externalIdIn(idemKey, stream), json: json.bytes}
  const column = columnOutOfPlace(keyed)
  return column === undefined ? {record: keyed} : reject(`its ${column} holds a control character`, idemKey)
}

export type KeyOfRecord = {readonly idemKey: string} | {readonly problem: string}

/** Asks the source for the key of a record, or says why it has none. */
export function keyOf(keys: RecordKeys, record: JsonObject, stream: Stream): KeyOfRecord {
  let idemKey: string
  try {
    idemKey = keys.idemKey(record, stream)
  } catch (error) {
    return {problem: `idemKey failed: ${asError(error).message}`}
  }
  const problem = keyProblem(idemKey, stream)
  return problem === undefined ? {idemKey} : {problem}
}

interface RecordJson {
  readonly bytes: Uint8Array
  readonly tooDeep: boolean
  readonly manyDigits: boolean
}

/** What the service wrote is kept as it is; what the source made is written here. */
function jsonOf(record: JsonObject, levels: number): RecordJson | {readonly problem: string} {
  const received = receivedJsonOf(record)
  if (received !== undefined) return {...received, tooDeep: received.levels > levels}
  const json = jsonText(record)
  if ('problem' in json) return json
  return {bytes: Buffer.from(json.text), tooDeep: isNestedDeeperThan(json.text, levels), manyDigits: true}
}

/** Names the same record alike in every run, so that a reject is news once; tells nothing of what is in it. */
function fingerprintOf(record: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(record)
  } catch {
    // Only a reject that names its key can say more of a record that is no JSON.
  }
  return `record without a key, sha256 ${createHash('sha256')
    .update(text ?? '')
    .digest('hex')
    .slice(0, 16)}`
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const prefixOf = ({objectType, sourceSystem}: Stream): string => `${objectType}:${sourceSystem}:`

/** Gives what follows the stream's name in a key. */
export const externalIdIn = (idemKey: string, stream: Stream): string => idemKey.slice(prefixOf(stream).length)

/** Says why a key cannot be used, for whatever stream the source made it. */
export function keyProblem(idemKey: unknown, stream: Stream): string | undefined {
  if (typeof idemKey !== 'string') return 'its idem_key is not a string'
  if (!idemKey.startsWith(prefixOf(stream))) return `its idem_key does not begin with ${prefixOf(stream)}`
  if (idemKey.length === prefixOf(stream).length) return 'its idem_key holds no id'
  if (!idemKey.isWellFormed()) return 'its idem_key is not well-formed Unicode'
  if (CONTROL_CHARACTER.test(idemKey)) return 'its idem_key holds a control character'
  if (Buffer.byteLength(idemKey) > LONGEST_KEY_BYTES) return `its idem_key is longer than ${LONGEST_KEY_BYTES} bytes`
  return undefined
}
