import type {Config as CommandLine} from '@oclif/core'

import {createLogger, type LogLevel} from '../base/log.ts'
import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import {scopesOf} from './job-scopes.ts'
import type {TestTablesRequest} from './test-tables.ts'

interface Given {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly mask: Mask
  readonly logLevel: LogLevel
}

/** Finds out which streams a job has; its source is asked for that alone. */
export async function testTablesRequest(
  {config, commandLine, mask, logLevel}: Given,
  {job: name, diffSamples}: {readonly job: string; readonly diffSamples: number},
): Promise<TestTablesRequest & {readonly start: number}> {
  const log = await createLogger(logLevel, mask)
  const {signal} = new AbortController()
  const {job, scopes, start} = await scopesOf({config, commandLine, log, mask, signal}, name)
  const {warehouse: settings} = config
  const warehouse = await openWarehouse(settings)
  return {warehouse, production: settings.tables, scopes, diffSamples, hiddenPaths: job.hiddenPaths, start}
}
