import {readFile, writeFile} from 'node:fs/promises'

import {ASSUMPTIONS, type Assumption} from './assumptions.ts'
import type {Spent} from './ceiling.ts'

/** One test of the live suite that has ended. */
export interface Ended {
  readonly fullTitle: string
  readonly error?: Error
  /** It failed, as the list of what the emulator cannot do says. */
  readonly isKnownToFail?: boolean
}

export interface Verdict {
  readonly assumption: Assumption
  readonly verdict: 'confirmed' | 'refuted' | 'not reached'
  readonly why: string
}

export interface LiveReport {
  readonly service: string
  /** It is nobody's business: no report names it. */
  readonly project: string
  readonly isGoogle: boolean
  readonly at: Date
  readonly ceiling: number
  readonly spent: Spent
  readonly ended: readonly Ended[]
}

const GOOGLES = "- service: Google's service"
const PROBE = 'an assumption about BigQuery'

const isJudgement = ({name}: Error): boolean => name === 'AssertionError'
const firstLine = (error: Error): string => error.message.split('\n')[0]?.slice(0, 200).replaceAll('|', '\\|') ?? ''

/** Judges by what has ended. A test that could not ask for its own reasons refutes nothing. */
export function judge(ended: readonly Ended[]): readonly Verdict[] {
  return ASSUMPTIONS.map((assumption) => {
    const {id, tests, outOfReach} = assumption
    if (outOfReach !== undefined) return {assumption, verdict: 'not reached', why: outOfReach}
    const about = ended.filter(({fullTitle}) =>
      tests === undefined ? fullTitle === `${PROBE} ${id}` : tests.some((start) => fullTitle.startsWith(start)),
    )
    const known = about.find(({isKnownToFail = false}) => isKnownToFail)
    if (known !== undefined) return {assumption, verdict: 'refuted', why: known.fullTitle}
    const failed = about.filter(({error}) => error !== undefined)
    const refuting = failed.find(({error}) => error !== undefined && isJudgement(error)) ?? failed[0]
    if (about.length === 0) return {assumption, verdict: 'not reached', why: 'its test did not run'}
    if (refuting?.error === undefined) return {assumption, verdict: 'confirmed', why: ''}
    const where = tests === undefined ? '' : `${refuting.fullTitle}: `
    return {
      assumption,
      verdict: isJudgement(refuting.error) ? 'refuted' : 'not reached',
      why: `${where}${firstLine(refuting.error)}`,
    }
  })
}

export function formatReport({service, at, ceiling, spent, ended, ...more}: LiveReport): string {
  const verdicts = judge(ended)
  const count = (verdict: Verdict['verdict']): number => verdicts.filter((one) => one.verdict === verdict).length
  const failed = ended.filter(({fullTitle, error}) => error !== undefined && !fullTitle.startsWith(PROBE))
  return `# What lorchestra takes for granted of BigQuery

Made by \`npm run test:bigquery:live\`, which writes it anew. ${more.isGoogle ? '' : 'It was made on an emulator: what it refutes or confirms is true of that emulator, and of Google’s service it proves nothing.'}

- service: ${service}
- made: ${at.toISOString().slice(0, 16)}Z
- tests: ${ended.length} ran, ${failed.length} failed besides the assumptions
- statements: ${spent.statements}, which bill at least ${gigabytes(spent.least)} at 10 MB for each table; the service says that they billed ${gigabytes(spent.billed)}, below a ceiling of ${gigabytes(ceiling)}
- assumptions: ${count('confirmed')} confirmed, ${count('refuted')} refuted, ${count('not reached')} not reached

| assumption | | |
|---|---|---|
${verdicts.map(({assumption: {id, says}, verdict, why}) => `| \`${id}\` | ${says} | **${verdict}**${why === '' ? '' : `: ${why}`} |`).join('\n')}
${failed.length === 0 ? '' : `\nTests that failed:\n\n${failed.map(({fullTitle, error}) => `- ${fullTitle}: ${error === undefined ? '' : firstLine(error)}`).join('\n')}\n`}`
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

/** Fails where a report that was made on Google's service would be lost to one of an emulator. */
export async function assertReplaceable(path: string, isGoogle: boolean): Promise<void> {
  const former = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (isGoogle || !former.split('\n').includes(GOOGLES)) return
  throw new Error(
    `${path} was made on Google's service: an emulator does not replace it. Set BIGQUERY_LIVE_REPORT to another file.`,
  )
}

export async function writeReport(path: string, report: LiveReport): Promise<void> {
  await assertReplaceable(path, report.isGoogle)
  await writeFile(path, formatReport(report).replaceAll(report.project, 'PROJECT'))
}
