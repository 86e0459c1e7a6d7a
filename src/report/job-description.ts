import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {adviceForVariables, missingVariables} from '../config/variables.ts'
import {failure} from '../base/errors.ts'
import {hideSecrets, resolveOptions, storedInstead, type ResolvedOptions} from '../config/job-options.ts'
import {formatSettings} from '../config/job-settings.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {chooseJob, findJob, jobEntry, type JobRequest} from '../config/jobs.ts'
import type {JobDescription} from './documents/jobs-show.ts'
import type {TablesMember} from './documents/tables.ts'
import type {Mask} from '../base/mask.ts'
import type {StreamDefinition} from '../source.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import type {Screen} from '../base/screen.ts'
import {formatFacts, type Fact} from './text-table.ts'
import {isRunMode, RUN_MODES, tablesOfMode} from '../model/run-mode.ts'
import type {ProductionTables} from '../model/tables.ts'

export async function describeJob(
  config: Config,
  commandLine: CommandLine,
  name: string,
  request: JobRequest,
  mask: Mask,
): Promise<JobDescription> {
  const job = chooseJob(config, name, request)
  const {settings} = jobEntry(config, name)
  const source = await new SourceBoxes(commandLine, config, {mask}).sourceOf(job)
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
    settings: settingsOf(config, name, source),
    mask: job.hiddenPaths,
    allow: job.allow,
    ...(missingVariables(needed, config.environment).length > 0
      ? {options: hideSecrets(job.options, source, mask), streams: null, selection: null, selection_hash: null}
      : optionsOf(source, await resolveOptions(job, source, config, mask, isStored))),
    warehouse: {
      type,
      ...Object.fromEntries(Object.entries(warehouse).map(([key, value]) => [inSnakeCase(key), value])),
    },
    tables: tablesByMode(tables),
    missing_variables: missing,
    ...(missing.length > 0 && {advice: adviceForVariables(config.folder, missing.length)}),
  }
}

function settingsOf(config: Config, name: string, {defaults}: HostedSource): Readonly<Record<string, string | number>> {
  const written = jobEntry(config, name).settings
  const complete = missingVariables(written, config.environment).length === 0
  return formatSettings(written, complete ? findJob(config, name) : undefined, defaults)
}

type DescribedOptions = Pick<JobDescription, 'options' | 'streams' | 'selection' | 'selection_hash'>

function optionsOf(source: HostedSource, {options, shown, selectionHash}: ResolvedOptions): DescribedOptions {
  const selecting = Object.entries(shown).filter(([key]) => source.selection?.includes(key) === true)
  return {
    options: shown,
    streams: streamsOf(source, options).map(({objectType, windowed, misses = []}) => ({
      object_type: objectType,
      windowed,
      misses,
    })),
    selection: Object.fromEntries(selecting),
    selection_hash: selectionHash,
  }
}

function streamsOf(source: HostedSource, options: unknown): readonly StreamDefinition[] {
  try {
    return source.streams(options)
  } catch (error) {
    throw failure(`the source ${source.name} could not say what the job reads`, {
      code: 'E_SOURCE_FAILED',
      next: 'Look at the options of the job.',
      cause: error,
    })
  }
}

/** Gives the tables that each mode writes; a mode that writes none is left out. */
function tablesByMode(production: ProductionTables): Readonly<Record<string, TablesMember>> {
  const members = Object.keys(RUN_MODES)
    .filter(isRunMode)
    .flatMap((mode) => {
      const {written} = tablesOfMode(mode, production)
      return written === undefined
        ? []
        : [[memberOfMode(mode), {event_log: written.eventLog, raw_objects: written.rawObjects}] as const]
    })
  return Object.fromEntries(members)
}

const memberOfMode = (mode: string): string => mode.replaceAll('-', '_')

/** Settings go by the names that lorchestra.yaml gives them. */
const inSnakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

export function formatDescription(description: JobDescription, screen: Screen): string {
  const {streams, selection, missing_variables: missing, warehouse, tables, advice} = description
  const facts: Fact[] = [
    ['job', description.job],
    ['config', description.config],
    ['source', `${description.source} (${description.summary})`],
    ['account', description.account ?? 'none'],
    ['source_system', description.source_system],
    ...Object.entries(description.settings).map(([key, value]) => [key, String(value)] as const),
    ['mask', description.mask.join(', ') || 'nothing is hidden'],
    ['allow', description.allow.join(', ') || 'nothing'],
    ...Object.entries(description.options).map(([key, value]) => [`option ${key}`, show(value)] as const),
    ['streams', streams === null ? 'known when no variable is missing' : streams.map(formatStream).join(', ')],
    ['selection', selection === null ? 'known when no variable is missing' : formatSelection(selection)],
    ...Object.entries(warehouse).map(
      ([key, value]) => [key === 'type' ? 'warehouse' : `warehouse ${key}`, value] as const,
    ),
    ...Object.entries(RUN_MODES).map(
      ([mode, {flag}]) =>
        [
          `${flag === undefined ? mode : `--${flag.name}`} writes`,
          Object.values(tables[memberOfMode(mode)] ?? {nothing: 'nothing'}).join(', '),
        ] as const,
    ),
    ...(missing.length > 0 ? [['missing variables', `${missing.join(', ')} (not set or empty)`] as const] : []),
  ]
  const text = formatFacts(facts, screen)
  return advice === undefined ? text : `${text}\n  → ${advice}`
}

function formatStream({object_type, windowed, misses}: NonNullable<JobDescription['streams']>[number]): string {
  const missed = misses.length === 0 ? '' : `; may miss what is ${misses.join(' or ')}`
  return `${object_type} (${windowed ? 'by time' : 'whole'}${missed})`
}

function formatSelection(selection: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(selection).map(([key, value]) => `${key}=${show(value)}`)
  return parts.length === 0 ? 'everything' : parts.join(', ')
}

const show = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : JSON.stringify(value))
