import type {Config as CommandLine} from '@oclif/core'
import {parse, stringify} from 'yaml'

import {addToFile} from '../config/change-file.ts'
import type {Config, ConfigRequest} from '../config/config.ts'
import {describeOptions} from '../config/described-options.ts'
import {findAccount} from '../config/jobs.ts'
import {jsonSchemaOf} from '../config/options-schema.ts'
import {missingVariables} from '../config/variables.ts'
import {
  adviseToGive,
  assertName,
  assertNoSecretIsWritten,
  checkOptions,
  optionsIn,
  parseOptions,
  refusal,
  withSource,
  type Checked,
  type GivenOptions,
} from './given-options.ts'
import type {HostedSource} from './box/hosted-source.ts'

export interface NewJobRequest {
  readonly name: string
  /** Whose data it reads, or the source itself where that needs no account. */
  readonly owner: {readonly account: string} | {readonly source: string}
  readonly streams: readonly string[]
  /** Options as they were typed, `key=value`. */
  readonly options: readonly string[]
}

export interface AddedJob {
  readonly job: string
  readonly account: string | null
  readonly source: string
  readonly options: GivenOptions
  readonly missing_variables: readonly string[]
  /** What is left to do, a line each. */
  readonly next: readonly string[]
}

/** Writes a job into lorchestra.yaml. What its source refuses, or misses, is not written. */
export async function addJob(
  config: Config,
  commandLine: CommandLine,
  {name, owner, streams, options}: NewJobRequest,
  place: ConfigRequest,
): Promise<AddedJob> {
  assertName(name)
  const account = 'account' in owner ? findAccount(config, owner.account) : undefined
  const sourceName = 'source' in owner ? owner.source : (account?.source ?? '')
  return withSource(commandLine, config.folder, sourceName, async (source) => {
    const parsed = parseOptions(options, source, 'job')
    const given = streams.length === 0 ? parsed : {...parsed, streams: streamsFor(streams, source)}
    assertNoSecretIsWritten(given, source, account?.name ?? name)
    const {lines, written, all, checked} = await linesOf(given, account?.options ?? {}, source, config)
    const {refused, missed, why} = checked
    if (refused.length > 0)
      throw refusal(`${source.name} refuses the options: ${refused.join('; ')}`, 'Correct them; nothing was written.')
    if (missed.length > 0)
      throw refusal(
        `a job of ${source.name} needs ${missed.join(', ')}${why.map((each) => ` (${each})`).join('')}; nothing was written`,
        adviseToGive(missed, source),
      )
    const head = account === undefined ? `source: ${source.name}\n` : `account: ${account.name}\n`
    await addToFile(config, place, {section: 'jobs', name, lines: `${head}${lines}`})
    const missing = missingVariables(all, config.environment)
    return {
      job: name,
      account: account?.name ?? null,
      source: source.name,
      options: optionsIn(written),
      missing_variables: missing,
      next: [
        ...(missing.length > 0 ? [`Put ${missing.join(', ')} into .env beside ${config.shownPath}.`] : []),
        `Ask whether all is there: lorchestra doctor ${name}`,
        `Try it, and write nothing: lorchestra run ${name} --dry-run${isWindowed(checked, source) ? ' --since -7d' : ''}`,
      ],
    }
  })
}

/** A source whose job names streams has an option for them, which takes a list. */
function streamsFor(streams: readonly string[], source: HostedSource): readonly string[] {
  const option = describeOptions(jsonSchemaOf(source)).find(({name}) => name === 'streams')
  if (option?.type.includes('list') === true) return streams
  throw refusal(
    `what a job of ${source.name} reads is not said by names of streams`,
    `Leave --stream out, and say it by --option; \`lorchestra sources show ${source.name}\` lists the options.`,
  )
}

interface JobLines {
  /** What stands in the file below the job, but for its account. */
  readonly lines: string
  readonly written: GivenOptions
  /** Those of the account, too. */
  readonly all: GivenOptions
  readonly checked: Checked
}

/** Says what is given; where nothing is, and something is missed, the lines that the source has to begin with. */
async function linesOf(
  given: GivenOptions,
  ofAccount: GivenOptions,
  source: HostedSource,
  {environment}: Config,
): Promise<JobLines> {
  const linesFor = async (lines: string): Promise<JobLines> => {
    const written = (parse(lines) ?? {}) as GivenOptions
    const all = {...ofAccount, ...optionsIn(written)}
    return {lines, written, all, checked: await checkOptions(all, source, environment)}
  }
  if (Object.keys(given).length > 0) return linesFor(stringify(given, {lineWidth: 0}))
  const none = await linesFor('')
  if (none.checked.missed.length === 0 || source.starter === undefined) return none
  return linesFor(`${source.starter.job.trimEnd()}\n`)
}

const isWindowed = ({taken}: Checked, source: HostedSource): boolean =>
  taken !== undefined && source.streams(taken).every(({windowed}) => windowed)
