import {isSameStream} from '../model/stream.ts'
import {failure, usageError} from '../base/errors.ts'
import {createRunFolder, removeRunFolder} from '../sink/run-folder.ts'
import type {TableSet} from '../model/tables.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import type {StreamScope, Warehouse} from '../warehouse/warehouse.ts'
import type {ComparedKeys, KeyIndex} from '../warehouse/stored-keys.ts'
import {askIdentity} from './ask-source.ts'
import {nothingStored} from './nothing-stored.ts'
import {scopesOfGroups, streamGroups, type StreamGroup} from './stream-groups.ts'
import type {SliceReader} from './slice.ts'
import {listedKeys, streamOfKey} from './sweep.ts'

/** So many keys of each kind are named. */
export const MOST_NAMED = 1000

/** A job whose keys are compared; there is no sink, so there is nothing that could write. */
export interface JobToReconcile extends Omit<SliceReader, 'sink' | 'askKnown'> {
  readonly job: string
  readonly account: string | null
  readonly sourceSystem: string
  readonly selection: string
  /** Options of the job that may leave records out of what it reads. */
  readonly narrowing: readonly string[]
  readonly maskSecrets: (text: string) => string
  readonly warehouse: Warehouse
  readonly production: TableSet
  /** The folder for temporary files. */
  readonly folder: string
}

/** Compares the keys that exist now with those that are stored. Nothing is written. */
export async function reconcileJob(job: JobToReconcile): Promise<ComparedKeys> {
  const groups = await groupsToReconcile(job)
  return withStoredKeys(job, groups, job.now(), async (index) => compareWithListed(job, groups, index))
}

/** Gives the streams of the job. Throws where absence from its listing would prove nothing. */
export async function groupsToReconcile(job: JobToReconcile): Promise<readonly StreamGroup[]> {
  const groups = streamGroups(
    sourceAnswer(() => job.source.streams(job.options)),
    job.sourceSystem,
    job.selection,
  )
  assertCanList(job, groups)
  await assertReadByThisJob(job, groups)
  return groups
}

/** Copies the stored keys into an index for as long as `use` takes: what is stored while the source lists cannot seem to be gone. */
export async function withStoredKeys<Result>(
  {warehouse, production, folder}: JobToReconcile,
  groups: readonly StreamGroup[],
  seenBefore: Date,
  use: (index: KeyIndex) => Promise<Result>,
): Promise<Result> {
  const streams = groups.flatMap((group) => group.streams)
  await createRunFolder(folder)
  try {
    const index = await warehouse.indexKeys(production, streams, folder, seenBefore)
    try {
      return await use(index)
    } finally {
      index.close()
    }
  } finally {
    await removeRunFolder(folder)
  }
}

/** Lists all keys that exist. Throws where there are none at all, which proves nothing. */
export async function compareWithListed(
  job: JobToReconcile,
  groups: readonly StreamGroup[],
  index: KeyIndex,
): Promise<ComparedKeys> {
  const compared = await index.compareListed(allKeys(job, groups), MOST_NAMED)
  if (compared.listed === 0 && compared.stored > 0) throw nothingListed(job)
  return compared
}

export async function* allKeys(
  job: JobToReconcile,
  groups: readonly StreamGroup[],
): AsyncGenerator<readonly string[], void> {
  for (const {streams} of groups)
    for await (const keys of listedKeys(readerOf(job), streams, {since: -Infinity, until: job.now().getTime()})) {
      for (const key of keys) streamOfKey(key, streams)
      yield keys
    }
}

const readerOf = (job: JobToReconcile): SliceReader & JobToReconcile => {
  const refuse = async (): Promise<never> => Promise.reject(new Error('a listing must not write records'))
  const sink = {known: () => Promise.resolve(new Set<string>()), upsertObjects: refuse, logEvent: refuse}
  return {...job, sink, askKnown: false}
}

function assertCanList({job, source, selection, narrowing}: JobToReconcile, groups: readonly StreamGroup[]): void {
  if (source.listKeys === undefined)
    throw usageError(`the source ${source.name} of ${job} cannot list its keys, so what is gone cannot be told`, {
      code: 'E_CONFIG_INVALID',
      next: `Read everything instead: lorchestra run ${job} --full`,
    })
  const narrowed = groups.filter((group) => group.selection !== selection).flatMap(({streams}) => streams)
  const selecting = [...narrowing, ...narrowed.map(({objectType}) => `what it says of ${objectType} alone`)]
  if (selecting.length === 0) return
  throw usageError(
    `${job} selects by ${selecting.join(', ')}: what it does not list may still exist, so nothing can be called gone`,
    {
      code: 'E_CONFIG_INVALID',
      next: 'Reconcile a job of the same account that selects nothing, and reads the same stream.',
    },
  )
}

async function assertReadByThisJob(job: JobToReconcile, groups: readonly StreamGroup[]): Promise<void> {
  const {warehouse, production} = job
  const scopes = scopesOfGroups(job, groups)
  const streams = scopes.map(({stream}) => stream)
  const {streams: stored} = await warehouse.describe(production)
  const readers = stored.filter(({stream}) => streams.some((each) => isSameStream(each, stream)))
  if (readers.length === 0) throw nothingStored(job.job)
  const other = readers.find((reader) => !isReadAlike(scopes, reader))
  if (other !== undefined)
    throw usageError(
      `rows of ${job.job} were also read by ${other.job === job.job ? 'another selection of it' : `${other.job}, with another selection`}: they need not be in this listing`,
      {code: 'E_CONFIG_INVALID', next: 'Nothing can be called gone where rows were selected in several ways.'},
    )
  await askIdentity(readerOf(job), streams, await warehouse.readStreamStates(production, scopes))
}

type Reader = Pick<StreamScope, 'account' | 'selection' | 'stream'>

/** Whether who read a stream selected from it as these scopes do. */
export const isReadAlike = (scopes: readonly Reader[], {account, selection, stream}: Reader): boolean =>
  scopes.some(
    (scope) => isSameStream(scope.stream, stream) && scope.selection === selection && scope.account === account,
  )

export const nothingListed = ({job}: JobToReconcile): Error =>
  failure(`the source of ${job} listed nothing at all, and rows are stored`, {
    code: 'E_SOURCE_FAILED',
    next: 'An empty listing proves nothing, so nothing is called gone. See whether the account may still read: lorchestra doctor',
  })
