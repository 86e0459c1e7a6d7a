import type {WarehouseConfig} from '../config/config.ts'
import {usageError} from '../base/errors.ts'
import {CLOCK_TOLERANCE} from '../model/clock.ts'
import {STAGED_COLUMNS} from '../model/raw-object-columns.ts'
import {PlanFile} from '../sink/plan-file.ts'
import {readManifest, type PlanManifest} from '../sink/plan-manifest.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {membersOf} from './planned-files.ts'

/** A plan whose every byte is what it was when it was made. */
export interface Plan {
  readonly file: PlanFile
  readonly id: string
  readonly manifest: PlanManifest
}

/** Reads a plan. Throws a usage error for a file that is none, or is damaged. The caller closes the file. */
export async function readPlan(path: string): Promise<Plan> {
  const file = await PlanFile.open(path)
  try {
    const manifest = readManifest(file.manifest)
    if (manifest === undefined)
      throw usageError(`${path} is a plan that this version cannot read`, {
        code: 'E_PLAN_REFUSED',
        next: 'Apply it with the version that made it, or make a new plan.',
      })
    await file.verify(membersOf(manifest))
    return {file, id: file.id, manifest}
  } catch (error) {
    await file.close()
    throw error
  }
}

export interface ApplicablePlan {
  readonly warehouse: WarehouseConfig
  readonly now: number
  /** The id that the plan must have; `undefined`: whatever it has. */
  readonly expected: string | undefined
}

/** Throws a usage error for a plan that is not to be applied here and now, as far as that shows without contacting anything. */
export function assertApplicable({id, manifest}: Plan, {warehouse, now, expected}: ApplicablePlan): void {
  const {madeAt, expiresAt, columns} = manifest
  if (expected !== undefined && expected !== id)
    throw refused(`this is plan ${id}, not ${expected}`, 'Apply the file that was approved.')
  if (Date.parse(expiresAt) <= now)
    throw refused(`the plan expired at ${expiresAt}`, 'Make a new plan: the source may have changed since.')
  if (Date.parse(madeAt) > now + CLOCK_TOLERANCE)
    throw refused(`the plan was made in the future, at ${madeAt}`, 'Set the clocks of both machines.')
  assertSameWarehouse(manifest, warehouse)
  if (columns.join() !== STAGED_COLUMNS.map(({name}) => name).join())
    throw refused(
      `the plan was made by lorchestra ${manifest.lorchestra}, which writes other columns`,
      'Apply it with that version, or make a new plan.',
    )
}

function assertSameWarehouse({warehouse: made}: PlanManifest, {type, settings, tables}: WarehouseConfig): void {
  const place = kindOf({type}).placeOf(settings)
  const isSame =
    made.type === type &&
    made.place === place &&
    made.eventLog === tables.eventLog &&
    made.rawObjects === tables.rawObjects
  if (isSame) return
  throw refused(
    `the plan was made for ${made.eventLog} and ${made.rawObjects} in ${made.type} ${made.place}, and these are ${tables.eventLog} and ${tables.rawObjects} in ${type} ${place}`,
    'Name the lorchestra.yaml with which it was made (--config), or make a new plan.',
  )
}

export const refused = (message: string, next: string): Error =>
  usageError(message, {code: 'E_PLAN_REFUSED', next: `Nothing was written. ${next}`})
