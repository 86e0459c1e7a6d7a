import {join} from 'node:path'

import {sourceAnswer} from '../sources/source-answer.ts'
import {openWarehouse, outsideOfRuns} from '../warehouse/open-warehouse.ts'
import {askedJob, type JobQuestion} from './job-scopes.ts'
import {streamGroups} from './stream-groups.ts'
import type {JobToReplay} from './replay-job.ts'
import {createRunId} from './run-id.ts'

interface Asked extends Pick<JobToReplay, 'samplePercent' | 'priced'> {
  readonly job: string
}

/** Makes a job ready to have its stored rows keyed anew: its box is started, and nothing is contacted but the warehouse. */
export async function replayRequest(
  question: JobQuestion,
  {job: name, samplePercent, priced}: Asked,
): Promise<JobToReplay> {
  const {config, commandLine, signal} = question
  const {job, source, resolved} = await askedJob(question, name)
  const groups = streamGroups(
    sourceAnswer(() => source.streams(resolved.options)),
    job.sourceSystem,
  )
  return {
    job: job.name,
    source,
    options: resolved.options,
    streams: groups.flatMap(({streams}) => streams),
    warehouse: await openWarehouse(config.warehouse, outsideOfRuns(signal)),
    production: config.warehouse.tables,
    samplePercent,
    priced,
    folder: join(commandLine.cacheDir, 'spool', createRunId(job.name, new Date())),
    signal,
  }
}
