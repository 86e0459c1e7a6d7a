import {checkAbort} from './abort.ts'
import {checkBookmark} from './bookmark.ts'
import {checkBox} from './box.ts'
import {checkCheckpoints} from './checkpoints.ts'
import {checkDescription} from './description.ts'
import {checkDisk} from './disk.ts'
import {checkFaults} from './faults.ts'
import {checkDistinctKeys, checkKeyForm, checkPureKeys, checkSameKeys} from './keys.ts'
import {checkListedKeys} from './listed-keys.ts'
import {checkNothingDropped} from './nothing-dropped.ts'
import {checkOptions} from './options.ts'
import {checkPagesAndMemory} from './pages.ts'
import {checkSecrets} from './secrets.ts'
import type {ConformanceSetup} from './setup.ts'
import {checkWindows} from './windows.ts'

export type {ConformanceSetup, TestService, Volume} from './setup.ts'

export interface ConformanceTest {
  /** The end of a sentence that begins with the source's name and says what must hold. */
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
  ['goes on from each of its checkpoints', checkCheckpoints],
  ['lists the keys of all that it reads, and reads records by them', checkListedKeys],
  ['refuses wrong options and says which', checkOptions],
  ['lets no secret out', checkSecrets],
  ['writes nothing to disk', checkDisk],
  ['runs in a box that can write nothing and read its own package alone', checkBox],
]

/**
 * Every source must pass these tests, whoever wrote it; they are a list for any test runner:
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
export const conformanceTests = (setup: ConformanceSetup): readonly ConformanceTest[] =>
  RULES.map(([rule, check]) => ({rule, test: async () => check(setup)}))
