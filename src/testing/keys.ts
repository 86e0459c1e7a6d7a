import {parseExactly} from '../base/exact-json.ts'
import {keyProblem, recordKeys, type RecordKeys} from '../sources/box/keyed-record.ts'
import type {JsonObject, Stream} from '../source.ts'
import type {ConformanceSetup} from './setup.ts'
import {readWhole} from './reading.ts'
import {SMALL, withTrial} from './trial.ts'

const OTHER_ACCOUNT = 'conformance--other-account'

export const checkKeyForm = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const source = recordKeys(setup.source, trial.options)
    const {records, rejected} = await readWhole(trial)
    if (rejected.length > 0) throw new Error(`the host would reject ${rejected.length} records; ${rejected[0]}`)
    for (const {record, stream} of records) {
      const elsewhere = {...stream, sourceSystem: OTHER_ACCOUNT}
      const key = source.idemKey(record, elsewhere)
      const problem = keyProblem(key, elsewhere)
      if (problem !== undefined) {
        throw new Error(
          `${quote(key)}: ${problem}; a key is \${objectType}:\${sourceSystem}:\${id}, of the stream given`,
        )
      }
      if (idIn(key, elsewhere) !== idIn(source.idemKey(record, stream), stream)) {
        throw new Error(`one record has the id ${quote(idIn(key, elsewhere))} in one account and another in another`)
      }
    }
  })

export const checkPureKeys = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {records} = await readWhole(trial)
    const source = recordKeys(setup.source, trial.options)
    const first = records.map(({record, stream}) => source.idemKey(record, stream))
    // Backwards, so that a counter or a cache shows.
    for (const [index, {record, stream}] of [...records.entries()].toReversed()) {
      const copy = deepFreeze(parseExactly(JSON.stringify(record)) as JsonObject)
      const again = keyWithoutClock(source, copy, stream)
      if (again !== first[index]) {
        throw new Error(`one record was given the keys ${quote(first[index])} and ${quote(again)}`)
      }
    }
  })

export const checkDistinctKeys = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const byKey = new Map<string, string>()
    for (const {record, stream} of (await readWhole(trial)).records) {
      const key = setup.source.idemKey(record, stream, trial.options)
      const text = JSON.stringify(record)
      const other = byKey.get(key)
      if (other !== undefined && other !== text) throw new Error(`two different records have the key ${quote(key)}`)
      byKey.set(key, text)
    }
  })

export const checkSameKeys = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const [first, second] = [await readWhole(trial), await readWhole(trial)].map(({keys}) => new Set(keys))
    const only = [...(first ?? []), ...(second ?? [])].filter((key) => first?.has(key) !== second?.has(key))
    if (only.length > 0) {
      throw new Error(
        `of two extractions of the same data, only one gave ${only.length} of the keys: ${quote(only[0])}`,
      )
    }
  })

const idIn = (key: string, {objectType, sourceSystem}: Stream): string =>
  key.slice(`${objectType}:${sourceSystem}:`.length)

const quote = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

/** A key with the day in it would be the same all through a test. */
function keyWithoutClock(source: RecordKeys, record: JsonObject, stream: Stream): string {
  const {Date: RealDate} = globalThis
  const refuse = (): never => {
    throw new Error('idemKey asks what time it is, so one record gets another key another day')
  }
  globalThis.Date = new Proxy(RealDate, {
    apply: refuse,
    construct: (target, args: unknown[]) => (args.length === 0 ? refuse() : (Reflect.construct(target, args) as Date)),
    get: (target, name, receiver) => (name === 'now' ? refuse : (Reflect.get(target, name, receiver) as unknown)),
  })
  try {
    return source.idemKey(record, stream)
  } catch (error) {
    if (error instanceof TypeError && /read only|not extensible|Cannot delete/.test(error.message)) {
      throw new Error(`idemKey changes the record: ${error.message}`, {cause: error})
    }
    throw error
  } finally {
    globalThis.Date = RealDate
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}
