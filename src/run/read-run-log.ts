import {readFile} from 'node:fs/promises'

import {usageError} from '../base/errors.ts'
import {keptLogs, type KeptLog} from './run-log.ts'
import {LATEST, severalRuns} from './run-name.ts'

export interface ReadRunLog extends KeptLog {
  readonly text: string
}

/** Reads the log of a run: by its id, the beginning or end of that, its job (the newest run of it), or as the `latest` of all. */
export async function readRunLog(folder: string, name: string): Promise<ReadRunLog> {
  const logs = keptLogs(folder)
  const found =
    name === LATEST ? logs.slice(0, 1) : logs.filter(({runId}) => runId.startsWith(name) || runId.endsWith(name))
  const [newest, ...others] = found
  if (newest === undefined) throw noLog(folder, name)
  const isMeant = ({runId}: KeptLog): boolean => runId === name || jobOf(runId) === name
  const meant = others.length === 0 ? newest : found.find(isMeant)
  if (name === LATEST || meant !== undefined) return readLog(meant ?? newest)
  throw severalRuns(
    name,
    found.map(({runId}) => runId),
  )
}

const readLog = async (log: KeptLog): Promise<ReadRunLog> => ({...log, text: await readFile(log.path, 'utf8')})

const jobOf = (runId: string): string => runId.split('-').slice(0, -2).join('-')

const noLog = (folder: string, name: string): Error =>
  usageError(
    name === LATEST ? 'no log of a run is kept here' : `no log of a run ${JSON.stringify(name)} is kept here`,
    {
      code: 'E_RUN_LOG_UNKNOWN',
      next: `Logs are kept for 14 days, on the machine and for the user that ran the job, in ${folder}. \`lorchestra runs show\` tells of the run from the event log.`,
    },
  )
