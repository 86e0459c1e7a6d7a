import type {Stats} from 'node:fs'
import {mkdir, readdir, readFile, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'

import {asError, messageWithCauses} from '../base/errors.ts'
import {writePrivateFile} from '../base/private-file.ts'
import {hasCode} from '../base/system-error.ts'
import {KEPT_FOR} from '../run/run-log.ts'
import type {Logger} from '../source.ts'
import {fingerprintOf} from '../sources/secrets/secrets-folder.ts'
import type {DiffMember} from './documents/diff.ts'
import type {KeptComparison, KeptDiff} from './documents/report.ts'
import type {RunMember} from './documents/run.ts'
import type {ComparisonMember} from './documents/test-compare.ts'

/** So many jobs are shown, those that were compared last. */
const MOST_SHOWN = 20

/** Says for which lorchestra.yaml something is kept, and where the user's data is. */
export interface KeptPlace {
  readonly dataDir: string
  readonly configPath: string
}

type Kind = 'diff' | 'comparison'

const rootOf = (dataDir: string): string => join(dataDir, 'differences')
const endingOf = (kind: Kind): string => `.${kind}.json`

/** Keeps what a dry run of a job would change, instead of what one before it would; rows only where they were asked for. */
export async function keepDiff(
  place: KeptPlace,
  {run_id, job, account, started_at: at, windows, diff}: RunMember & {readonly diff: DiffMember},
  {withRows, log}: {readonly withRows: boolean; readonly log: Logger},
): Promise<void> {
  const kept: KeptDiff = {job, account, run_id, at, windows, diff: withRows ? diff : {...diff, samples: []}}
  await keep(place, 'diff', kept, log)
}

/** Keeps how test tables of a job and production differ, instead of how they did before; rows only where they were asked for. */
export async function keepComparison(
  place: KeptPlace,
  {
    job,
    testSet,
    comparison,
  }: {readonly job: string; readonly testSet: string | undefined; readonly comparison: ComparisonMember},
  {withRows, log}: {readonly withRows: boolean; readonly log: Logger},
): Promise<void> {
  const kept: KeptComparison = {
    job,
    test_set: testSet ?? null,
    at: new Date().toISOString(),
    comparison: withRows ? comparison : {...comparison, samples: []},
  }
  await keep(place, 'comparison', kept, log)
}

/** A home that cannot be written, or a full disk, ends no command: the report is without it, and a word says so. */
async function keep(place: KeptPlace, kind: Kind, kept: KeptDiff | KeptComparison, log: Logger): Promise<void> {
  try {
    const folder = folderOf(place)
    await mkdir(folder, {recursive: true, mode: 0o700})
    await writePrivateFile(join(folder, `${kept.job}${endingOf(kind)}`), JSON.stringify(kept))
  } catch (error) {
    log.warn(`\`lorchestra report\` will not show this ${kind} of ${kept.job}: ${messageWithCauses(asError(error))}`)
  }
}

/** Gives what was kept last of each job, the newest first; what is too old or cannot be read is left out. */
export async function readKept(
  place: KeptPlace,
  log: Logger,
): Promise<{readonly diffs: readonly KeptDiff[]; readonly comparisons: readonly KeptComparison[]}> {
  const {keptDiff, keptComparison} = await import('./documents/report.ts')
  return {
    diffs: await readEach(place, 'diff', log, (json) => keptDiff.parse(json)),
    comparisons: await readEach(place, 'comparison', log, (json) => keptComparison.parse(json)),
  }
}

async function readEach<Kept>(
  place: KeptPlace,
  kind: Kind,
  log: Logger,
  parse: (json: unknown) => Kept,
): Promise<readonly Kept[]> {
  const all: Kept[] = []
  try {
    const files = (await filesIn(folderOf(place))).filter(({path}) => path.endsWith(endingOf(kind)))
    const shown = files.filter((file) => !isOld(file, Date.now())).slice(0, MOST_SHOWN)
    for (const {path} of shown) {
      try {
        all.push(parse(JSON.parse(await readFile(path, 'utf8'))))
      } catch (error) {
        log.warn(`the report is without ${path}, which cannot be read: ${messageWithCauses(asError(error))}`)
      }
    }
  } catch (error) {
    log.warn(`the report is without what was compared last: ${messageWithCauses(asError(error))}`)
  }
  return all
}

/** Removes what is too old, of all lorchestra.yamls. What cannot be removed is left. */
export async function pruneDifferences(dataDir: string, now: number, log: Pick<Logger, 'debug'>): Promise<void> {
  try {
    for (const entry of await namesIn(rootOf(dataDir)))
      for (const file of await filesIn(join(rootOf(dataDir), entry)))
        if (isOld(file, now)) await rm(file.path, {force: true})
  } catch (error) {
    log.debug(`old differences could not be removed: ${messageWithCauses(asError(error))}`)
  }
}

interface KeptFile {
  readonly path: string
  readonly at: number
}

const isOld = ({at}: KeptFile, now: number): boolean => at < now - KEPT_FOR

const folderOf = ({dataDir, configPath}: KeptPlace): string => join(rootOf(dataDir), fingerprintOf(configPath))

/** Finds the files in a folder, the newest first. */
async function filesIn(folder: string): Promise<readonly KeptFile[]> {
  const files: KeptFile[] = []
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    const stats = await unlessGone<Stats | undefined>(async () => stat(path), undefined)
    if (stats?.isFile() === true) files.push({path, at: stats.mtimeMs})
  }
  return files.toSorted((one, other) => other.at - one.at)
}

const namesIn = async (folder: string): Promise<readonly string[]> => unlessGone(async () => readdir(folder), [])

/** Another command may remove what is old at the same time. */
async function unlessGone<Value>(look: () => Promise<Value>, gone: Value): Promise<Value> {
  try {
    return await look()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return gone
    throw error
  }
}
