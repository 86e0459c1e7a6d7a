import {EXIT_CHANGES, usageError} from '../base/errors.ts'
import {Flags} from '../base/oclif.ts'
import {parseDuration} from '../base/time.ts'
import {DRY_RUN_FLAG, MODE_FLAGS, modeOfFlags, writesProduction} from '../model/run-mode.ts'
import {listed} from './mode-flags.ts'

/** A diff shows so many rows of each kind unless told otherwise, and a dry run without one so many records. */
export const ROWS_SHOWN = 3
const PLAN_EXPIRES = '24h'

export const rowsShownFlag = (more: {readonly helpGroup?: string; readonly dependsOn?: string[]} = {}) =>
  Flags.integer({
    description: `how many rows of each kind are shown; left out: ${ROWS_SHOWN}`,
    helpValue: 'ROWS',
    min: 0,
    max: 1000,
    ...more,
  })

const helpGroup = 'DIFF'

export const diffFlags = () => ({
  diff: Flags.boolean({
    description: 'compare with the tables, and tell what the run would change (in a test run: what it changes)',
    helpGroup,
  }),
  'diff-samples': rowsShownFlag({helpGroup, dependsOn: ['diff']}),
  'exit-code': Flags.boolean({
    description: `exit with ${EXIT_CHANGES} where something would change, or changed`,
    helpGroup,
    dependsOn: ['diff'],
  }),
})

const PLAN = 'PLAN'

/** Gives the flags that keep what a dry run would do, to be applied. */
export const planFlags = () => ({
  out: Flags.string({
    description: 'keep all that the run would write in this file, payloads too, for `lorchestra apply`',
    helpValue: 'FILE',
    helpGroup: PLAN,
    dependsOn: ['diff'],
  }),
  'plan-expires': Flags.string({
    description: `how long it can be applied, such as 90m or 7d; left out: ${PLAN_EXPIRES}`,
    helpValue: 'DURATION',
    helpGroup: PLAN,
    dependsOn: ['out'],
  }),
})

/** Gives where a plan goes, and how long it can be applied; `undefined`: none is made. Throws where the run would write. */
export function planOf(flags: {
  readonly out: string | undefined
  readonly 'plan-expires': string | undefined
}): {readonly path: string; readonly expiresAfter: number} | undefined {
  if (flags.out === undefined) return undefined
  if (modeOfFlags({...flags}) !== DRY_RUN_FLAG) {
    throw usageError(`--out goes with --${DRY_RUN_FLAG}`, {
      code: 'E_USAGE_FLAGS',
      next: `To keep what a run would write: lorchestra run JOB --${DRY_RUN_FLAG} --diff --out FILE`,
    })
  }
  return {path: flags.out, expiresAfter: parseDuration(flags['plan-expires'] ?? PLAN_EXPIRES)}
}

interface ParsedFlags {
  readonly diff: boolean
  readonly 'diff-samples': number | undefined
  readonly samples: number | undefined
}

/** Gives how many records and how many rows of a diff are shown; `undefined`: no diff. Throws for a diff that would be production's. */
export function samplesOf(flags: ParsedFlags): {readonly samples: number; readonly diffSamples: number | undefined} {
  if (!flags.diff) return {samples: flags.samples ?? ROWS_SHOWN, diffSamples: undefined}
  if (writesProduction(modeOfFlags({...flags}))) {
    throw usageError(`--diff goes with ${listed(MODE_FLAGS, 'disjunction')}`, {
      code: 'E_USAGE_FLAGS',
      next: 'To see what a run would change, before it changes anything: lorchestra run JOB --dry-run --diff',
    })
  }
  return {samples: flags.samples ?? 0, diffSamples: flags['diff-samples'] ?? ROWS_SHOWN}
}
