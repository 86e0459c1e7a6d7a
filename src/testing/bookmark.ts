import type {JsonValue} from '../source.ts'
import type {ConformanceSetup} from './setup.ts'
import {contextFor, readWhole, streamsOf} from './reading.ts'
import {SMALL, withTrial} from './trial.ts'

export const checkBookmark = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {source} = setup
    const currentBookmark = await source.currentBookmark?.(contextFor(trial, streamsOf(trial)))
    const whole = await readWhole(trial)
    const bookmark = whole.bookmark ?? currentBookmark
    if (bookmark === undefined) return
    const stored = asStored(bookmark)
    const context = {...contextFor(trial, streamsOf(trial)), bookmark: stored}
    if ((await source.canResume?.(context)) === false)
      throw new Error('it says that it cannot resume from the bookmark that it has just given')
    const again = await readWhole(trial, {bookmark: stored, window: {since: Date.now() - 1000}})
    const strange = again.keys.find((key) => !whole.keys.includes(key))
    if (strange !== undefined) throw new Error(`from its bookmark it read ${strange}, which was not there before`)
  })

export function asStored(bookmark: JsonValue): JsonValue {
  const text = JSON.stringify(bookmark)
  const stored = JSON.parse(text) as JsonValue
  if (JSON.stringify(stored) === text && isJson(bookmark)) return stored
  throw new Error('its bookmark is not plain JSON, so that it would come back as something else')
}

const isJson = (value: unknown): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  typeof value === 'string' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (Array.isArray(value) && value.every(isJson)) ||
  (typeof value === 'object' &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null) &&
    Object.values(value).every(isJson))
