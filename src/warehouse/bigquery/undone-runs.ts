import {since} from './sql.ts'

/** Events that take something back stand here, where the clustering finds them. */
export const OF_RUNS = `source_system = 'lorchestra' AND object_type = 'job_run'`

/** Selects the runs that were undone. What they logged stays in the log, and counts no more. */
export const undoneRuns = (eventLog: string, from?: Date): string =>
  `SELECT undone FROM ${eventLog}, UNNEST(JSON_VALUE_ARRAY(payload, '$.runs')) AS undone
   WHERE ${since(from)} AND ${OF_RUNS} AND event_type = 'run.undone' AND JSON_VALUE(payload, '$.schema') = '1'`

/** Holds for events of runs that were not undone. */
export const isNotUndone = (eventLog: string, from?: Date): string =>
  `IFNULL(correlation_id, '') NOT IN (${undoneRuns(eventLog, from)})`
