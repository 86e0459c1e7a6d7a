import type {Config} from '../config/config.ts'
import {jobNames} from '../config/jobs.ts'
import {usageError} from '../base/errors.ts'
import type {TableSet} from '../model/tables.ts'
import {MOST_REJECTS, type Reject, type WantedRejects, type Warehouse} from '../warehouse/warehouse.ts'

export interface FoundRejects {
  /** Missing where a run was named. */
  readonly job?: string
  readonly rejects: readonly Reject[]
}

/** Finds what a run or all runs of a job rejected, in the first of the table sets that knows the run; a job's in the very first. */
export async function findRejects(
  {config, warehouse}: {readonly config: Config; readonly warehouse: Warehouse},
  [first, ...others]: readonly [TableSet, ...TableSet[]],
  runOrJob: string,
  {closedToo, since}: Pick<WantedRejects, 'closedToo' | 'since'>,
): Promise<FoundRejects> {
  const read = async (tables: TableSet, of: WantedRejects['of']): Promise<readonly Reject[] | undefined> =>
    warehouse.readRejects(tables, {
      of,
      closedToo,
      limit: MOST_REJECTS,
      ...('job' in of && since !== undefined && {since}),
    })
  if (jobNames(config).includes(runOrJob)) return {job: runOrJob, rejects: (await read(first, {job: runOrJob})) ?? []}
  for (const tables of [first, ...others]) {
    const rejects = await read(tables, {runId: runOrJob})
    if (rejects !== undefined) return {rejects}
  }
  throw usageError(
    `there is no run ${JSON.stringify(runOrJob)} in ${first.eventLog}${others.map(({eventLog}) => ` or ${eventLog}`).join('')}, and no such job in ${config.shownPath}`,
    {
      code: 'E_RUN_UNKNOWN',
      next: 'The summary of `lorchestra run --json` and the column correlation_id of event_log name runs; `lorchestra jobs list` names jobs.',
    },
  )
}
