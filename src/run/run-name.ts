import {usageError} from '../base/errors.ts'

/** Stands for the newest run. */
export const LATEST = 'latest'

/** So many runs are named where a name is of several. */
const NAMED = 5

export const unknownRun = (name: string, shownPath: string): Error =>
  usageError(
    name === LATEST
      ? `the warehouse of ${shownPath} knows of no run`
      : `there is no run ${JSON.stringify(name)} in the warehouse of ${shownPath}`,
    {code: 'E_RUN_UNKNOWN', next: '`lorchestra runs list` names them. A dry run leaves no trace.'},
  )

export const severalRuns = (name: string, ids: readonly string[]): Error =>
  usageError(
    `${JSON.stringify(name)} is the beginning or end of several runs: ${ids.slice(0, NAMED).join(', ')}${ids.length > NAMED ? ' and more' : ''}`,
    {code: 'E_RUN_UNKNOWN', next: 'Give more of the one that is meant.'},
  )
