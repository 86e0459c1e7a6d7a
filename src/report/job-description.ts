import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {adviceForVariables, missingVariables} from '../config/variables.ts'
import {failure} from '../base/errors.ts'
import {hideSecrets, resolveOptions, storedInstead, type ResolvedOptions} from '../config/job-options.ts'
import {formatSettings} from '../config/job-settings.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {chooseJob, findJob, jobEntry, type JobRequest} from '../config/jobs.ts'
import type {Mask} from '../base/log.ts'
import type {Source, StreamDefinition} from '../source.ts'
import {loadSource} from '../sources/source-plugins.ts'
import {formatTable, type Row} from './text-table.ts'
import {isRunMode, RUN_MODES, tablesOfMode} from '../model/run-mode.ts'

/** A job for printing: the document of `jobs show --json`. */
export interface JobDescription {
  readonly job: string
  readonly config: string
  readonly source: string
  readonly summary: string
  readonly account: string | null
  readonly source_system: string
  readonly settings: Readonly<Record<string, string | number>>
  readonly options: Readonly<Record<string, unknown>>
  /** `null` where variables are missing, like the two below. */
  readonly streams: readonly StreamDefinition[] | null
  readonly selection: Readonly<Record<string, unknown>> | null
  readonly selection_hash: string | null
  readonly warehouse: Readonly<Record<string, string>>
  /** The tables that each mode writes; a mode that writes none is left out. */
  readonly tables: {readonly [mode: string]: readonly string[]}
  readonly missing_variables: readonly string[]
  readonly advice?: string
}

export async function describeJob(
  config: Config,
  commandLine: CommandLine,
  name: string,
  request: JobRequest,
  mask: Mask,
): Promise<JobDescription> {
  const job = chooseJob(config, name, request)
  const {settings} = jobEntry(config, name)
  const source = await loadSource(commandLine, job.sourceName)
  const owner = {account: job.account, job: job.name}
  const isStored = isStoredIn(openSecrets(owner, {config, dataDir: commandLine.dataDir, mask}))
  const leftOut = await storedInstead(job.options, source, config, isStored)
  const needed = Object.entries(job.options).flatMap(([key, value]) => (leftOut.includes(key) ? [] : [value]))
  const missing = [...new Set([settings, needed].flatMap((value) => missingVariables(value, config.environment)))]
  const {type, tables, settings: warehouse} = config.warehouse
  return {
    job: job.name,
    config: config.path,
    source: job.sourceName,
    summary: source.summary,
    account: job.account ?? null,
    source_system: job.sourceSystem,
    settings: describeSettings(config, name, source),
    ...(missingVariables(needed, config.environment).length > 0
      ? {options: hideSecrets(job.options, source, mask), streams: null, selection: null, selection_hash: null}
      : describeOptions(source, await resolveOptions(job, source, config, mask, isStored))),
    warehouse: {type, ...warehouse},
    tables: Object.fromEntries(
      Object.keys(RUN_MODES)
        .filter(isRunMode)
        .flatMap((mode) => {
          const {written} = tablesOfMode(mode, tables)
          return written === undefined ? [] : [[mode, [written.eventLog, written.rawObjects]]]
        }),
    ),
    missing_variables: missing,
    ...(missing.length > 0 && {advice: adviceForVariables(config.folder, missing.length)}),
  }
}

function describeSettings(config: Config, name: string, {defaults}: Source): Readonly<Record<string, string | number>> {
  const written = jobEntry(config, name).settings
  const complete = missingVariables(written, config.environment).length === 0
  return formatSettings(written, complete ? findJob(config, name) : undefined, defaults)
}

type DescribedOptions = Pick<JobDescription, 'options' | 'streams' | 'selection' | 'selection_hash'>

function describeOptions(source: Source, {options, shown, selectionHash}: ResolvedOptions): DescribedOptions {
  const selecting = Object.entries(shown).filter(([key]) => source.selection?.includes(key) === true)
  return {
    options: shown,
    streams: streamsOf(source, options),
    selection: Object.fromEntries(selecting),
    selection_hash: selectionHash,
  }
}

function streamsOf(source: Source, options: unknown): readonly StreamDefinition[] {
  try {
    return source.streams(options)
  } catch (error) {
    throw failure(
      `the source ${source.name} could not say what the job reads`,
      'Look at the options of the job.',
      error,
    )
  }
}

export function formatDescription(description: JobDescription): string {
  const {streams, selection, missing_variables: missing, warehouse, tables, advice} = description
  const rows: Row[] = [
    ['job', description.job],
    ['config', description.config],
    ['source', `${description.source} (${description.summary})`],
    ['account', description.account ?? 'none'],
    ['source_system', description.source_system],
    ...Object.entries(description.settings).map(([key, value]) => [key, String(value)]),
    ...Object.entries(description.options).map(([key, value]) => [`option ${key}`, show(value)]),
    ['streams', streams === null ? 'known when no variable is missing' : streams.map(formatStream).join(', ')],
    ['selection', selection === null ? 'known when no variable is missing' : formatSelection(selection)],
    ...Object.entries(warehouse).map(([key, value]) => [key === 'type' ? 'warehouse' : `warehouse ${key}`, value]),
    ...Object.entries(RUN_MODES).map(([mode, {flag}]) => [
      `${flag === undefined ? mode : `--${flag.name}`} writes`,
      tables[mode]?.join(', ') ?? 'nothing',
    ]),
    ...(missing.length > 0 ? [['missing variables', `${missing.join(', ')} (not set or empty)`]] : []),
  ]
  return advice === undefined ? formatTable(rows) : `${formatTable(rows)}\n  → ${advice}`
}

const formatStream = ({objectType, windowed}: StreamDefinition): string =>
  `${objectType} (${windowed ? 'by time' : 'whole'})`

function formatSelection(selection: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(selection).map(([key, value]) => `${key}=${show(value)}`)
  return parts.length === 0 ? 'everything' : parts.join(', ')
}

const show = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : JSON.stringify(value))
