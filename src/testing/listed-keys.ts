import {KEY_PAGES, SourcePages} from '../sources/source-pages.ts'
import type {ConformanceSetup} from './setup.ts'
import {faultAt, NO_ANSWERS} from './nothing-dropped.ts'
import {contextFor, readWhole, streamsOf} from './reading.ts'
import {SMALL, withTrial, type Trial} from './trial.ts'

/** The keys that it lists must be those of the records that it reads, and must be what it reads them by. */
export const checkListedKeys = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    if (setup.source.listKeys === undefined) return
    const whole = (await readWhole(trial)).keys
    trial.proxy?.faultBy(() => undefined)
    const listed = await listedKeys(trial)
    const requests = trial.proxy?.requests.length ?? 0
    const lost = missingIn(listed, whole)
    if (lost !== undefined) throw new Error(`it reads ${lost}, but does not list its key`)
    const strange = missingIn(whole, listed)
    if (strange !== undefined) throw new Error(`it lists the key ${strange}, but reads no such record`)
    const wanted = whole.filter((_key, index) => index % 2 === 0)
    const read = (await readWhole(trial, {keys: wanted})).keys
    const unread = missingIn(read, wanted)
    if (unread !== undefined) throw new Error(`asked for the record of ${unread} by its key, it did not yield it`)
    const unasked = missingIn(wanted, read)
    if (unasked !== undefined) throw new Error(`asked for other keys, it yielded ${unasked}`)
    if (trial.proxy === undefined) return
    for (const index of new Set([0, Math.floor(requests / 2), requests - 1])) {
      for (const name of Object.keys(NO_ANSWERS)) await checkBrokenList(trial, index, name, new Set(listed).size)
    }
  })

/** A list that ends too soon would make the host take records for deleted. */
async function checkBrokenList(trial: Trial, index: number, name: string, whole: number): Promise<void> {
  const fault = NO_ANSWERS[name]
  if (fault !== undefined) faultAt(trial, index, fault)
  let listed = Infinity
  try {
    listed = new Set(await listedKeys(trial)).size
  } catch {
    // Just so: what cannot be listed is an error.
  }
  trial.proxy?.faultBy(() => undefined)
  if (listed >= whole) return
  throw new Error(
    `answered ${name}, its list of keys ended as if it were complete, with ${listed} of ${whole}; what cannot be listed must be an error`,
  )
}

async function listedKeys(trial: Trial): Promise<readonly string[]> {
  const context = contextFor(trial, streamsOf(trial), undefined, 'skipped')
  const pages = new SourcePages(trial.setup.source.listKeys?.(context), context.signal, KEY_PAGES)
  const listed: string[] = []
  for (let keys = await pages.next(); keys !== undefined; keys = await pages.next()) listed.push(...keys)
  return listed
}

function missingIn(keys: readonly string[], wanted: readonly string[]): string | undefined {
  const all = new Set(keys)
  return wanted.find((key) => !all.has(key))
}
