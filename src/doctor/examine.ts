import type {Config as CommandLine} from '@oclif/core'

import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import {jobNames} from '../config/jobs.ts'
import type {Logger} from '../source.ts'
import {listSources} from '../sources/source-plugins.ts'
import {check, failed, unlessItFails, type Finding} from './finding.ts'
import {examineFileSystems} from './file-systems.ts'
import {examineJobs} from './jobs.ts'
import {examineLocks} from './locks.ts'
import {checkClock, checkDisk, checkNode} from './machine.ts'
import {examineOrphans} from './orphans.ts'
import {examineWarehouse} from './warehouse.ts'

export interface DoctorRequest {
  readonly readConfig: () => Promise<Config>
  readonly commandLine: CommandLine
  /** The one job to look at; all of them where it is left out. */
  readonly job: string | undefined
  readonly mask: Mask
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Looks at everything that a run needs, and writes nothing. One check that fails stops no other. */
export async function* examine(request: DoctorRequest): AsyncGenerator<Finding> {
  const {commandLine, job, mask, log, signal} = request
  yield checkNode()
  yield checkDisk(commandLine.cacheDir)
  const {sources, failures} = await listSources(commandLine)
  for (const {plugin, message, next} of failures) {
    yield {check: 'plugin', subject: plugin, status: 'failed', found: message, next}
  }
  yield check('plugins', 'sources', () => sources.map(({descriptor}) => descriptor.name).join(', ') || 'none')
  let config: Config
  try {
    config = await request.readConfig()
  } catch (error) {
    yield failed('configuration', 'lorchestra.yaml', error)
    return
  }
  yield check('configuration', config.shownPath, () => `jobs: ${config.jobs.size}, accounts: ${config.accounts.size}`)
  const skews: number[] = []
  const skewed = (milliseconds: number): unknown => skews.push(milliseconds)
  yield* examineJobs({config, commandLine, mask, log, signal, skewed}, job === undefined ? jobNames(config) : [job])
  const worst = skews.toSorted((one, other) => Math.abs(other) - Math.abs(one))[0]
  if (worst !== undefined) yield checkClock(worst)
  const {dataDir} = commandLine
  yield* unlessItFails('secrets', 'stored', examineOrphans(config, dataDir))
  yield* unlessItFails('file system', 'of what is kept', examineFileSystems(config, dataDir))
  yield* unlessItFails('lock', 'all', examineLocks(config, dataDir))
  yield* examineWarehouse(config)
}
